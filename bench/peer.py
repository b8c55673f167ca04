"""What every system of the comparison can do."""

import pathlib


def disk_bytes(folder):
    """Bytes that the files of a folder occupy, as `du` counts them."""
    return sum(file.stat().st_blocks * 512 for file in pathlib.Path(folder).rglob("*") if file.is_file())


class Peer:
    """A system with the same events."""

    name = ""
    # How a batch is durable when it is acknowledged.
    durable = ""
    # Whether everything goes the durable way: what does not has a bulk path, so that filling ends within minutes.
    loads_all = False

    def start(self, folder):
        """Opens or makes the store in a folder."""

    def is_loaded(self, count):
        """Whether so many events are there."""

    def load(self, batches):
        """Appends batches of 1,000 rows, each durable when it is acknowledged; seconds without making them ready."""

    def fill(self, batches):
        """Appends rows in the fastest way."""
        self.load(batches)

    def settle(self):
        """Indexes, merges, statistics: whatever makes questions fast. What is remarkable about it."""

    def stop(self):
        pass

    def memory(self):
        """Most bytes of memory of a server of its own."""

    def ask(self, question):
        """A function that asks once and has all of the answer when it returns."""

    def read(self, question, answer):
        """Such an answer in common terms."""
        return question.of_sql(answer)
