//! Milliseconds that an agent waits for its hook, from spawn to exit, with and without much that waits already; `true` in the
//! same run is what any process takes. `cargo bench -p indelible --bench hook`.

use std::{
    io::{self, Write},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

const PAYLOAD: &str = r#"{"session_id":"00893aaf-19fa-41d2-8238-13269b9b3ca0","prompt_id":"8f7d","cwd":"/srv","permission_mode":"default","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"cargo test --workspace","description":"Run the tests"},"tool_use_id":"toolu_01ABCDEFGHIJ"}"#;
const RUNS: usize = 300;
/// Events that wait in the second measurement.
const WAITING: usize = 20_000;

fn main() -> io::Result<()> {
    let dir = tempfile::tempdir()?;
    measure("true", &mut Command::new("true"))?;
    measure("hook", &mut hook(dir.path(), &[]))?;
    measure("hook --strict", &mut hook(dir.path(), &["--strict"]))?;
    let waiting = dir.path().join("waiting");
    for number in 0..WAITING {
        std::fs::write(waiting.join(format!("{number:020}-00000000.event")), "{}\n")?;
    }
    measure("hook, 20,000 waiting", &mut hook(dir.path(), &[]))
}

fn hook(spool: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_indelible"));
    command
        .args(["hook", "--from", "claude-code"])
        .args(args)
        .env("INDELIBLE_SPOOL", spool)
        // Nobody listens on the discard port.
        .env("INDELIBLE_URL", "http://127.0.0.1:9")
        .env("INDELIBLE_KEY", "ik_a-key-for-the-bench");
    command
}

fn measure(name: &str, command: &mut Command) -> io::Result<()> {
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = Instant::now();
        let mut child = command.spawn()?;
        if let Some(mut input) = child.stdin.take() {
            // One that does not read has ended.
            let _ = input.write_all(PAYLOAD.as_bytes());
        }
        child.wait()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let at = |share: usize| {
        times
            .get(RUNS * share / 100)
            .map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    println!("{name:24} p50 {:6.2} ms   p99 {:6.2} ms", at(50), at(99));
    Ok(())
}
