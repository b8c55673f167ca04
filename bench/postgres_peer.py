"""PostgreSQL of its own on a socket, with an index for each page of the comparison and GIN for text."""

import glob
import multiprocessing
import os
import pathlib
import pwd
import shutil
import subprocess
import time

import events
from peer import Peer, disk_bytes

CONNECTIONS = 4


def programs():
    """The folder of the newest server that is installed."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
    found = found[-1] if found else shutil.which("initdb")
    return found and pathlib.Path(found).parent


class Postgres(Peer):
    name = "PostgreSQL"
    durable = f"one COPY and transaction for each batch, synchronous_commit, {CONNECTIONS} connections"

    def start(self, folder):
        # A path of a socket has at most 107 bytes, and a server does not run as root.
        self.folder = pathlib.Path(folder).absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.user = pwd.getpwuid(os.getuid()).pw_name
        if os.getuid() == 0:
            self.user = "postgres"
            shutil.chown(self.folder, "postgres")
        data = self.folder / "data"
        if not data.exists():
            self.run("initdb", "--pgdata", data, "--username", "bench", "--auth", "trust", "--no-instructions")
        options = f"-k {self.folder} -h '' -c shared_buffers=1GB -c maintenance_work_mem=1GB -c max_wal_size=8GB -c work_mem=64MB"
        self.run("pg_ctl", "--pgdata", data, "--log", self.folder / "log", "--wait", "--options", options, "start")
        self.db = self.connect()
        self.db.execute(
            "CREATE TABLE IF NOT EXISTS events(seq bigint PRIMARY KEY, id text, time_us bigint, duration_us bigint, actor text,"
            " initiator text, project text, job text, source text, action text, resource_type text, resource text, result text,"
            " status bigint, approver text, provider text, model text, input_tokens bigint, output_tokens bigint,"
            " cache_read_tokens bigint, cost_nanousd bigint, body text)"
        )
        for name in ("project", "actor", "job", "resource"):
            self.db.execute(f"CREATE INDEX IF NOT EXISTS by_{name} ON events({name}, seq)")

    def run(self, program, *arguments):
        prefix = ["runuser", "-u", self.user, "--"] if os.getuid() == 0 else []
        command = prefix + [str(programs() / program)] + [str(argument) for argument in arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder)

    def connect(self):
        import psycopg

        return psycopg.connect(host=str(self.folder), dbname="postgres", user="bench", autocommit=True, prepare_threshold=0)

    def is_loaded(self, count):
        return self.db.execute("SELECT count(*) FROM events").fetchone()[0] >= count

    def load(self, batches):
        batches = list(batches)
        ready = multiprocessing.Barrier(CONNECTIONS + 1)
        writers = [
            multiprocessing.Process(target=write, args=(self.connect, batches[first::CONNECTIONS], ready))
            for first in range(CONNECTIONS)
        ]
        for writer in writers:
            writer.start()
        ready.wait()
        start = time.perf_counter()
        for writer in writers:
            writer.join()
            if writer.exitcode != 0:
                raise RuntimeError("a writer failed")
        return time.perf_counter() - start

    def fill(self, batches):
        with self.db.cursor() as cursor, cursor.copy("COPY events FROM STDIN") as copy:
            for batch in batches:
                for row in batch:
                    copy.write_row(row)

    def settle(self):
        self.db.execute("CREATE INDEX IF NOT EXISTS by_words ON events USING gin(to_tsvector('simple', body))")
        self.db.execute("VACUUM (ANALYZE) events")
        return "text index made after loading"

    def stop(self):
        self.db.close()
        self.run("pg_ctl", "--pgdata", self.folder / "data", "--mode", "fast", "--wait", "stop")

    def bytes(self):
        """Those of table and indexes, without the write-ahead log."""
        return self.db.execute("SELECT pg_total_relation_size('events')").fetchone()[0]

    def ask(self, question):
        condition = question.text and f"to_tsvector('simple', body) @@ phraseto_tsquery('simple', '{question.text}')"
        sql = question.sql.format(text=condition, hour="time_us / 3600000000")
        return lambda: self.db.execute(sql).fetchall()


def write(connect, batches, ready):
    texts = ["".join("\t".join(map(cell, row)) + "\n" for row in batch) for batch in batches]
    with connect() as db:
        ready.wait()
        for text in texts:
            with db.cursor() as cursor, cursor.copy("COPY events FROM STDIN") as copy:
                copy.write(text)


def cell(value):
    if value is None:
        return "\\N"
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
