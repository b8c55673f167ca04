"""ClickHouse in this process (chdb)."""

import itertools
import json
import pathlib
import time

from chdb import session

import events
from peer import Peer, disk_bytes


class ClickHouse(Peer):
    name = "ClickHouse"
    durable = "one part for each batch, fsync_after_insert"

    def start(self, folder):
        self.folder = pathlib.Path(folder)
        self.session = session.Session(str(self.folder))
        self.session.query("CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic")
        columns = []
        for name in events.COLUMNS:
            kind = "Int64" if name in ("seq", "time_us") else "Nullable(Int64)" if name in NUMBERS else "String"
            if name in FEW:
                kind = "LowCardinality(Nullable(String))"
            columns.append(f"{name} {kind}")
        self.session.query(
            f"CREATE TABLE IF NOT EXISTS bench.events({', '.join(columns)},"
            " INDEX words body TYPE tokenbf_v1(16384, 3, 0) GRANULARITY 1,"
            " INDEX resources resource TYPE bloom_filter GRANULARITY 1,"
            " INDEX jobs job TYPE bloom_filter GRANULARITY 1,"
            " INDEX actors actor TYPE set(0) GRANULARITY 1)"
            " ENGINE = MergeTree ORDER BY seq SETTINGS fsync_after_insert = 1"
        )

    def is_loaded(self, count):
        return json.loads(self.rows("SELECT count(*) FROM events"))[0] >= count

    def rows(self, sql):
        sql = sql.replace("FROM events", "FROM bench.events")
        return self.session.query(sql + " SETTINGS output_format_json_quote_64bit_integers = 0", "JSONCompactEachRow").data()

    def load(self, batches):
        seconds = 0.0
        for batch in batches:
            text = "\n".join(json.dumps(row, separators=(",", ":")) for row in batch)
            start = time.perf_counter()
            self.session.query(f"INSERT INTO bench.events FORMAT JSONCompactEachRow {text}")
            seconds += time.perf_counter() - start
        return seconds

    def fill(self, batches):
        groups = iter(batches)
        while group := list(itertools.islice(groups, 50)):
            self.load([[row for batch in group for row in batch]])

    def settle(self):
        self.session.query("OPTIMIZE TABLE bench.events FINAL")

    def stop(self):
        self.session.close()

    def bytes(self):
        """Those of the parts that are in use."""
        sql = "SELECT sum(bytes_on_disk) FROM system.parts WHERE database = 'bench' AND active"
        return int(self.session.query(sql, "TSV").data())

    def ask(self, question):
        condition = None
        if question.text:
            tokens = " AND ".join(f"hasToken(body, '{word}')" for word in question.text.split())
            is_phrase = " " in question.text
            condition = f"{tokens} AND match(body, '\\\\b{question.text}\\\\b')" if is_phrase else tokens
        sql = question.sql.format(text=condition, hour="intDiv(time_us, 3600000000)")
        return lambda: self.rows(sql)

    def read(self, question, answer):
        return question.of_sql(json.loads(line) for line in answer.splitlines())


NUMBERS = {"duration_us", "status", "input_tokens", "output_tokens", "cache_read_tokens", "cost_nanousd"}
FEW = {"source", "action", "resource_type", "result", "project", "approver", "provider", "model"}
