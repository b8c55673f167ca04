//! What is known of the machine, the server's process and its files (Linux; zero elsewhere).

use std::path::Path;

use serde_json::{Value, json};

/// Resident memory, bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    pub(super) now: u64,
    pub(super) peak: u64,
}

pub(super) fn describe() -> Value {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    json!({
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "cpu": model.map(|(_, name)| name),
        "os": std::env::consts::OS,
        "version": env!("CARGO_PKG_VERSION"),
    })
}

pub(super) fn memory(process: u32) -> Memory {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok())
            .unwrap_or(0)
            * 1_024
    };
    Memory {
        now: field("VmRSS:"),
        peak: field("VmHWM:"),
    }
}

/// Milliseconds of processor time that a process has had; what else runs on the machine does not change it.
pub(super) fn cpu_ms(process: u32) -> u64 {
    /// Linux counts in hundredths of a second.
    const TICK_MS: u64 = 10;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The second field is a name in parentheses, which may have spaces; user and system time are the 14th and 15th.
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let times = fields.split_whitespace().skip(11).take(2);
    TICK_MS
        * times
            .filter_map(|ticks| ticks.parse::<u64>().ok())
            .sum::<u64>()
}

/// Lengths of all files below a directory.
pub(super) fn disk_bytes(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let kind = entry.file_type().ok()?;
            if kind.is_dir() {
                Some(disk_bytes(&entry.path()))
            } else {
                Some(entry.metadata().ok()?.len())
            }
        })
        .sum()
}
