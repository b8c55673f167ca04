"""SQLite in this process, with an index for each page of the comparison and FTS5 for text."""

import pathlib
import sqlite3
import time

import events
from peer import Peer, disk_bytes


class Sqlite(Peer):
    name = "SQLite"
    durable = "one transaction for each batch, synchronous=FULL"

    def start(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(self.folder / "events.sqlite", isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.execute("PRAGMA cache_size = -262144")
        self.db.execute("PRAGMA mmap_size = 17179869184")
        columns = ", ".join(name for name in events.COLUMNS if name != "seq")
        self.db.execute(f"CREATE TABLE IF NOT EXISTS events(seq INTEGER PRIMARY KEY, {columns})")
        for name in ("project", "actor", "job", "resource"):
            self.db.execute(f"CREATE INDEX IF NOT EXISTS by_{name} ON events({name}, seq)")

    def is_loaded(self, count):
        return self.db.execute("SELECT count(*) FROM events").fetchone()[0] >= count

    def load(self, batches):
        places = ", ".join("?" * len(events.COLUMNS))
        seconds = 0.0
        for batch in batches:
            start = time.perf_counter()
            self.db.execute("BEGIN")
            self.db.executemany(f"INSERT INTO events VALUES ({places})", batch)
            self.db.execute("COMMIT")
            seconds += time.perf_counter() - start
        return seconds

    def settle(self):
        self.db.execute("CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(body, content='events', content_rowid='seq')")
        self.db.execute("INSERT INTO words(words) VALUES ('rebuild')")
        self.db.execute("ANALYZE")
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return "text index made after loading"

    def stop(self):
        self.db.close()

    def bytes(self):
        return disk_bytes(self.folder)

    def ask(self, question):
        condition = question.text and f"seq IN (SELECT rowid FROM words WHERE words MATCH '\"{question.text}\"')"
        sql = question.sql.format(text=condition, hour="time_us / 3600000000")
        return lambda: self.db.execute(sql).fetchall()
