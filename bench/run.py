"""Indelible beside other databases: the same events and the same questions in one run.

Answers are compared before they are timed; a system that answers otherwise ends the run.
"""

import argparse
import importlib
import itertools
import pathlib
import platform
import statistics
import sys
import time

import events
import questions

SYSTEMS = {
    "indelible": ("indelible", "Indelible"), "clickhouse": ("clickhouse_peer", "ClickHouse"), "duckdb": ("duckdb_peer", "DuckDb"),
    "postgres": ("postgres_peer", "Postgres"), "sqlite": ("sqlite_peer", "Sqlite"),
}
# Of each question, after one that is not counted; fewer where one takes long.
RUNS = 21
MOST_SECONDS = 6.0


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=1_000_000)
    options.add_argument("--durable", type=int, default=200_000, help="events that peers take in durable batches; the others are loaded in bulk")
    options.add_argument("--systems", default=",".join(SYSTEMS))
    options.add_argument("--folder", default="target/bench", help="is kept, and used again")
    options = options.parse_args()
    folder = pathlib.Path(options.folder) / str(options.events)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "rows.jsonl"
    events.write(path, options.events)
    sample = [row for batch in itertools.islice(events.batches(path), 200) for row in batch]
    raw = statistics.fmean(len(row[-1]) for row in sample)
    asked = questions.make(sample)
    del sample
    print(f"{options.events:,} events of {raw:.0f} bytes; {platform.machine()}, {len(__import__('os').sched_getaffinity(0))} cores\n", flush=True)
    expected, table, notes = {}, {}, []
    for name in options.systems.split(","):
        module, kind = SYSTEMS[name]
        try:
            system = getattr(importlib.import_module(module), kind)()
            system.start(folder / name)
        except (ImportError, OSError, TypeError) as error:
            notes.append(f"{name} is left out: {error}")
            continue
        try:
            rate = folder / f"{name}.rate"
            table[system.name] = measure(system, path, rate, options, asked, expected, raw, notes)
        finally:
            system.stop()
    show(table, asked, notes)


def measure(system, path, rate, options, asked, expected, raw, notes):
    column = {}
    if not system.is_loaded(options.events):
        batches = events.batches(path)
        count = options.events if system.loads_all else min(options.durable, options.events)
        seconds = system.load(itertools.islice(batches, count // events.BATCH))
        rate.write_text(f"{count / seconds:,.0f}", encoding="ascii")
        system.fill(batches)
    note = system.settle()
    # Of the run that loaded it.
    column["durable ingest, events/s"] = rate.read_text(encoding="ascii")
    notes.append(f"{system.name}: {system.durable}" + (f"; {note}" if note else ""))
    column["bytes for each event"] = f"{system.bytes() / options.events:.0f} ({system.bytes() / options.events / raw:.2f} of raw)"
    for question in asked:
        ask = system.ask(question)
        answer = system.read(question, ask())
        if expected.setdefault(question.name, answer) != answer:
            sys.exit(f"{system.name} answers otherwise to {question.name}: {str(answer)[:400]} and not {str(expected[question.name])[:400]}")
        column[question.name] = f"{1e3 * clock(ask):.2f}"
        print(f"{system.name:12} {question.name:40} {column[question.name]:>10} ms", flush=True)
    peak = system.memory()
    if peak:
        notes.append(f"{system.name}: at most {peak / 1e6:.0f} MB of memory since it started, questions included")
    return column


def clock(ask):
    """Median seconds."""
    times = []
    end = time.perf_counter() + MOST_SECONDS
    while len(times) < RUNS and (not times or time.perf_counter() < end):
        start = time.perf_counter()
        ask()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def show(table, asked, notes):
    print("\n| |", " | ".join(table), "|")
    print("|---|" + "---|" * len(table))
    rows = ["durable ingest, events/s", "bytes for each event"] + [question.name for question in asked]
    for row in rows:
        unit = ", ms" if row in {question.name for question in asked} else ""
        print(f"| {row}{unit} |", " | ".join(column.get(row, "") for column in table.values()), "|")
    print()
    for note in notes:
        print("-", note)


if __name__ == "__main__":
    main()
