//! The fuzz targets under seeded random mutation, for toolchains without libFuzzer.

use std::fs;
use std::path::Path;

/// `FUZZ_SEED` and `FUZZ_RUNS` override these.
const SEED: u64 = 1;
const RUNS: u64 = 20_000;

#[test]
fn client_hello() {
    drive("client_hello", indelible_fuzz::client_hello);
}

#[test]
fn first_settings() {
    drive("first_settings", indelible_fuzz::first_settings);
}

#[test]
fn websocket() {
    drive("websocket", indelible_fuzz::websocket);
}

#[test]
fn compact() {
    drive("compact", indelible_fuzz::compact);
}

#[test]
fn prepare() {
    drive("prepare", indelible_fuzz::prepare);
}

#[test]
fn record_view() {
    drive("record_view", indelible_fuzz::record_view);
}

#[test]
fn filter() {
    drive("filter", indelible_fuzz::filter);
}

#[test]
fn frames() {
    drive("frames", indelible_fuzz::frames);
}

#[test]
fn note() {
    drive("note", indelible_fuzz::note);
}

#[test]
fn tile_path() {
    drive("tile_path", indelible_fuzz::tile_path);
}

#[test]
fn tlog_proof() {
    drive("tlog_proof", indelible_fuzz::tlog_proof);
}

#[test]
fn mcp() {
    drive("mcp", indelible_fuzz::mcp);
}

#[test]
fn package() {
    drive("package", indelible_fuzz::package);
}

#[test]
fn hook() {
    drive("hook", indelible_fuzz::hook);
}

#[test]
fn hook_settings() {
    drive("hook_settings", indelible_fuzz::hook_settings);
}

#[test]
fn otlp() {
    drive("otlp", indelible_fuzz::otlp);
}

#[test]
fn begun() {
    drive("begun", indelible_fuzz::begun);
}

#[test]
fn terminal() {
    drive("terminal", indelible_fuzz::terminal);
}

#[test]
fn payload() {
    drive("payload", indelible_fuzz::payload);
}

/// Runs `target` on its seeds and on mutations of them.
fn drive(name: &str, target: fn(&[u8])) {
    let seeds = seeds(name);
    let mut random = Random(number("FUZZ_SEED", SEED));
    println!("FUZZ_SEED={}", random.0);
    seeds.iter().for_each(|seed| target(seed));
    for _ in 0..number("FUZZ_RUNS", RUNS) {
        let mut input = random.pick(&seeds).clone();
        for _ in 0..=random.below(4) {
            let other = random.pick(&seeds);
            mutate(&mut input, other, &mut random);
        }
        target(&input);
    }
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("seeds")
        .join(name);
    let mut paths: Vec<_> = fs::read_dir(&directory)
        .expect("the directory of seeds is readable")
        .map(|entry| entry.expect("a seed is listed").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no seeds in {}", directory.display());
    paths
        .iter()
        .map(|path| fs::read(path).expect("a seed is readable"))
        .collect()
}

fn mutate(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let at = random.below(input.len() + 1);
    match random.below(6) {
        0 => input.insert(at, random.byte()),
        1 => input.truncate(at),
        2 => drop(input.splice(at.., other[random.below(other.len() + 1)..].iter().copied())),
        3 => input.extend_from_within(at..),
        4 if at < input.len() => drop(input.remove(at)),
        _ if at < input.len() => input[at] = random.byte(),
        _ => input.push(random.byte()),
    }
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Any byte, but half the time one that the formats use.
    fn byte(&mut self) -> u8 {
        const USED: &[u8] = b"\n\r\t 0123456789/+=xp.AZaz\xe2\x80\x94\0{}[]\",:\\eu-";
        if self.next().is_multiple_of(2) {
            *self.pick(USED)
        } else {
            self.next().to_le_bytes()[0]
        }
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}
