//! Sealing, size and reading speed of segments. Prints figures; asserts nothing.
#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    reason = "a bench"
)]

#[expect(
    clippy::cast_possible_truncation,
    unreachable_pub,
    reason = "shared with the tests"
)]
#[path = "../tests/it/sample.rs"]
mod sample;

use std::{hint::black_box, time::Instant};

use event::TrailId;
use indelible_store::{Column, Config, Order, Segments};
use ledger::History;

fn main() {
    let events: u64 = std::env::var("EVENTS").map_or(70_000, |events| events.parse().unwrap());
    let levels = std::env::var("LEVELS").unwrap_or_else(|_| "1,2,3".to_owned());
    let samples = sample::samples(1, 0, events);
    let rows = sample::rows(&samples);
    let raw: usize = samples
        .iter()
        .map(|s| s.record.len() + s.content.as_ref().map_or(0, Vec::len))
        .sum();
    println!("{events} events, {} bytes each", raw / samples.len());
    for level in levels.split(',') {
        let zstd_level = level.parse().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let trail = TrailId::new("bench").unwrap();
        let config = Config {
            zstd_level,
            ..Config::default()
        };
        let segments = Segments::open(dir.path(), config).unwrap();
        let start = cpu_ns();
        let snapshot = segments.seal(&trail, &rows).unwrap();
        let per_event = (cpu_ns() - start) / 1e3 / events as f64;
        let segment = &snapshot.segments()[0];
        let info = segment.info();
        let file = info.file_bytes as f64 / events as f64;
        println!(
            "zstd {level}: {per_event:.2} us/event, {file:.1} B/event in Parquet, {:.3} of raw",
            file * events as f64 / raw as f64
        );
        if std::env::var("COLUMNS").is_ok() {
            columns(
                &dir.path()
                    .join(format!("trails/bench/segments/{}.parquet", info.name)),
                events,
            );
        }

        let start = Instant::now();
        let read = segment
            .rows(0..events, Order::OldestFirst)
            .map(|row| black_box(row.unwrap()).record.len())
            .sum::<usize>();
        println!(
            "  rows: {:.0} events/s ({read} bytes)",
            events as f64 / start.elapsed().as_secs_f64()
        );
        let start = Instant::now();
        for column in [Column::Actor, Column::Action] {
            black_box(segment.texts(0, column).unwrap().unwrap().codes().len());
        }
        println!(
            "  text columns: {:.1} M rows/s",
            2.0 * events as f64 / start.elapsed().as_secs_f64() / 1e6
        );
        let start = Instant::now();
        black_box(segment.ints(0, Column::Time).unwrap().unwrap().rows());
        println!(
            "  integer column: {:.1} M rows/s",
            events as f64 / start.elapsed().as_secs_f64() / 1e6
        );
        let start = Instant::now();
        for seq in 0..1000 {
            black_box(segment.record(seq * 7919 % events).unwrap());
        }
        println!(
            "  one record: {:.1} us",
            start.elapsed().as_secs_f64() * 1e3
        );
        let start = Instant::now();
        let again = Segments::open(dir.path(), Config::default()).unwrap();
        black_box(again.sealed(&trail).unwrap());
        let opened = start.elapsed().as_secs_f64() * 1e3;
        again.find(&trail, "warm").unwrap();
        println!(
            "  start: {opened:.2} ms, first look-up: {:.2} ms",
            start.elapsed().as_secs_f64() * 1e3
        );
        segments.find(&trail, "warm").unwrap();
        let start = Instant::now();
        for id in 0..100_000 {
            black_box(segments.find(&trail, &format!("none-{id}")).unwrap());
        }
        println!(
            "  absent id: {:.2} us",
            start.elapsed().as_secs_f64() * 10.0
        );
    }
}

fn cpu_ns() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split_whitespace().next().unwrap().parse().unwrap()
}

fn columns(path: &std::path::Path, events: u64) {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    for column in reader.metadata().row_group(0).columns() {
        let bytes = column.compressed_size() as f64 / events as f64;
        if bytes > 0.05 {
            println!(
                "    {:20} {bytes:6.2} B/event of {:6.2}",
                column.column_path().string(),
                column.uncompressed_size() as f64 / events as f64
            );
        }
    }
}
