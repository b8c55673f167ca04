"""Reads the Parquet segments of a running server with DuckDB and pyarrow, and compares them with what
its API answers. Shares no code with the server; what it knows is in docs/format.md."""

import argparse
import hashlib
import json
import random
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset

# Columns that people filter and add up by, and the types that engines give them.
COLUMNS = {
    "seq": {"BIGINT", "UBIGINT"},
    "recorded_at": {"TIMESTAMP", "TIMESTAMP WITH TIME ZONE"},
    "time": {"TIMESTAMP", "TIMESTAMP WITH TIME ZONE"},
    "project": {"VARCHAR"},
    "job": {"VARCHAR"},
    "actor": {"VARCHAR"},
    "source": {"VARCHAR"},
    "action": {"VARCHAR"},
    "result": {"VARCHAR"},
    "status": {"BIGINT"},
    "input_tokens": {"BIGINT"},
    "output_tokens": {"BIGINT"},
}
# Rows whose bytes are compared with the API one by one, and the seed of that choice.
SAMPLE = 300
SEED = 1


class Api:
    """GET with a key."""

    def __init__(self, url: str, key: str):
        self.url, self.key = url, key

    def get(self, path: str, **query) -> bytes | None:
        """The body of a 200 answer, None for 404."""
        target = f"{self.url}{path}?{urllib.parse.urlencode(query)}" if query else self.url + path
        request = urllib.request.Request(target, headers={"Authorization": f"Bearer {self.key}"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise SystemExit(f"GET {target}: {error.code} {error.read()!r}") from error

    def count(self, **query) -> int:
        answer = json.loads(self.get("/v1/count", **query))
        expect(answer["relation"] == "eq", f"count of {query} is not exact: {answer}")
        return answer["value"]


def expect(condition: bool, message: str) -> None:
    if not condition:
        raise SystemExit(f"segments: {message}")


def check_columns(files: str) -> None:
    rows = duckdb.sql(f"describe select * from '{files}'").fetchall()
    types = {row[0]: row[1] for row in rows}
    for name, allowed in COLUMNS.items():
        expect(types.get(name) in allowed, f"column {name} is {types.get(name)}, want one of {allowed}")
    print(f"ok columns: {len(types)}")


def check_sequence(files: str) -> int:
    """Every seq from 0 is in the files, once. Returns how many there are."""
    low, high, rows, distinct = duckdb.sql(
        f"select min(seq), max(seq), count(*), count(distinct seq) from '{files}'"
    ).fetchall()[0]
    expect((low, high + 1) == (0, rows) and rows == distinct, f"{rows} rows, {distinct} seqs, {low} to {high}")
    print(f"ok rows: {rows}, each seq once")
    return rows


def check_counts(files: str, api: Api, size: int) -> None:
    groups = duckdb.sql(f"select source, count(*) from '{files}' group by 1 order by 1").fetchall()
    expect(sum(count for _, count in groups) == size, f"groups {groups} of {size}")
    for source, count in groups:
        answer = api.count(source=source, at=size)
        expect(answer == count, f"source {source}: {count} rows, the API counts {answer}")
    failures = duckdb.sql(f"select count(*) from '{files}' where result = 'failure'").fetchall()[0][0]
    answer = api.count(result="failure", at=size)
    expect(0 < failures == answer, f"{failures} failures, the API counts {answer}")
    print(f"ok counts: {dict(groups)}")


def check_readme(page: Path, data: Path, size: int) -> None:
    """The example of the README, on this directory."""
    _, _, rest = page.read_text().partition("```sql\n")
    query, _, _ = rest.partition("```")
    groups = duckdb.sql(query.replace("indelible-data", str(data))).fetchall()
    expect(sum(count for _, count in groups) == size, f"README: {groups} of {size}")
    print("ok README")


def check_records(data: Path) -> pa.Table:
    """Reads every row with pyarrow and compares the typed columns with the record's own members."""
    files = sorted(str(path) for path in data.rglob("*.parquet"))
    names = ["seq", "source", "action", "actor", "job", "result", "status", "input_tokens", "record", "content"]
    table = pa.dataset.dataset(files, format="parquet").to_table(columns=names)
    for row in table.to_pylist():
        record = json.loads(row["record"])
        usage = record.get("usage", {})
        members = {
            "seq": record["seq"],
            "source": record["source"],
            "action": record["action"],
            "actor": record["actor"]["id"],
            "job": record.get("job"),
            "result": record.get("result"),
            "status": record.get("status"),
            "input_tokens": usage.get("input_tokens"),
        }
        for name, value in members.items():
            expect(row[name] == value, f"seq {row['seq']}: column {name} is {row[name]!r}, the record has {value!r}")
        length = record.get("content", {}).get("bytes")
        stored = None if row["content"] is None else len(row["content"].encode())
        expect(length == stored, f"seq {row['seq']}: {stored} bytes of content, the record has {length}")
    print(f"ok records: {table.num_rows} agree with their columns")
    return table


def check_bytes(table: pa.Table, api: Api) -> None:
    """The bytes in the files are the bytes that the API serves."""
    size = table.num_rows
    edges = {0, 1, 65535, 65536, size - 1}
    chosen = sorted(edges | set(random.Random(SEED).sample(range(size), SAMPLE)))
    where = {seq: position for position, seq in enumerate(table.column("seq").to_pylist())}
    rows = {row["seq"]: row for row in table.take([where[seq] for seq in chosen]).to_pylist()}
    contents = 0
    for seq in chosen:
        for name in ("record", "content"):
            stored, served = rows[seq][name], api.get(f"/v1/events/{seq}/{name}")
            expect(digest(stored) == digest(served), f"seq {seq}: {name} is {stored!r}, the API has {served!r}")
            contents += name == "content" and stored is not None
    expect(contents > 0, "no content among the chosen rows")
    print(f"ok bytes: {len(chosen)} records and {contents} contents (seed {SEED})")


def digest(data: bytes | str | None) -> str | None:
    if data is None:
        return None
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="data directory of the server")
    parser.add_argument("--url", required=True, help="base URL of the server")
    parser.add_argument("--key-file", type=Path, required=True, help="file with an API key")
    parser.add_argument("--readme", type=Path, required=True, help="page with an example of SQL")
    args = parser.parse_args()
    api = Api(args.url, args.key_file.read_text().strip())
    files = f"{args.data}/**/*.parquet"
    check_columns(files)
    size = check_sequence(files)
    check_counts(files, api, size)
    check_readme(args.readme, args.data, size)
    check_bytes(check_records(args.data), api)


if __name__ == "__main__":
    main()
