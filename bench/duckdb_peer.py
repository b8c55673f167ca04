"""DuckDB in this process."""

import pathlib
import time

import duckdb

import events
from peer import Peer, disk_bytes


class DuckDb(Peer):
    name = "DuckDB"
    durable = "one transaction for each batch, fsync of its write-ahead log"

    def start(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.db = duckdb.connect(str(self.folder / "events.duckdb"))
        self.db.execute(
            "CREATE TABLE IF NOT EXISTS events(seq BIGINT, id VARCHAR, time_us BIGINT, duration_us BIGINT, actor VARCHAR,"
            " initiator VARCHAR, project VARCHAR, job VARCHAR, source VARCHAR, action VARCHAR, resource_type VARCHAR,"
            " resource VARCHAR, result VARCHAR, status BIGINT, approver VARCHAR, provider VARCHAR, model VARCHAR,"
            " input_tokens BIGINT, output_tokens BIGINT, cache_read_tokens BIGINT, cost_nanousd BIGINT, body VARCHAR)"
        ).fetchall()

    def is_loaded(self, count):
        return self.db.execute("SELECT count(*) FROM events").fetchall()[0][0] >= count

    def load(self, batches):
        import pyarrow

        seconds = 0.0
        for batch in batches:
            table = pyarrow.table(dict(zip(events.COLUMNS, map(list, zip(*batch)))), schema=schema())
            start = time.perf_counter()
            self.db.register("batch", table)
            self.db.execute("INSERT INTO events SELECT * FROM batch").fetchall()
            seconds += time.perf_counter() - start
            self.db.unregister("batch")
        return seconds

    def fill(self, batches):
        import itertools

        groups = iter(batches)
        while group := list(itertools.islice(groups, 100)):
            self.load([[row for batch in group for row in batch]])

    def settle(self):
        self.db.execute("CHECKPOINT").fetchall()

    def stop(self):
        self.db.close()

    def bytes(self):
        return disk_bytes(self.folder)

    def ask(self, question):
        condition = question.text and f"contains(body, '{question.text}') AND regexp_matches(body, '\\b{question.text}\\b')"
        sql = question.sql.format(text=condition, hour="time_us // 3600000000")
        return lambda: self.db.execute(sql).fetchall()


def schema():
    import pyarrow

    numbers = {"seq", "time_us", "duration_us", "status", "input_tokens", "output_tokens", "cache_read_tokens", "cost_nanousd"}
    return pyarrow.schema([(name, pyarrow.int64() if name in numbers else pyarrow.string()) for name in events.COLUMNS])
