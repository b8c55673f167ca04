//! What `indelible exec` costs: the start of a command, all of a short one, and the flow of a long output, each against
//! the same without it, in turns.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that panics has failed"
)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_indelible");
const KEY: &str = "ik_a-key-for-benches-only";
/// Turns of short commands.
const TURNS: usize = 300;
/// Turns of long outputs, and the bytes of one.
const FLOWS: usize = 5;
const FLOW_BYTES: u64 = 1 << 30;

struct Server {
    child: Child,
    url: String,
}

fn main() {
    let temp = tempfile::tempdir().unwrap();
    let server = Server::start(temp.path());
    println!("short commands, {TURNS} turns, median and 99th percentile");
    let away = "http://127.0.0.1:9";
    let runs: [(&str, &dyn Fn() -> Duration); 6] = [
        ("direct, until its first byte", &|| first_byte(sh())),
        ("exec, until its first byte", &|| {
            first_byte(exec(temp.path(), &server.url, &["sh", "-c", "echo x"]))
        }),
        ("direct, all of it", &|| whole(Command::new("true"))),
        ("exec, all of it, durable at the server", &|| {
            whole(exec(temp.path(), &server.url, &["true"]))
        }),
        ("exec, all of it, without a server", &|| {
            whole(exec(temp.path(), away, &["true"]))
        }),
        ("the program alone (--version)", &|| {
            let mut command = Command::new(PROGRAM);
            command.arg("--version");
            whole(command)
        }),
    ];
    let mut times = vec![Vec::new(); runs.len()];
    for _ in 0..TURNS {
        for (times, (_, run)) in times.iter_mut().zip(&runs) {
            times.push(run());
        }
    }
    for (times, (name, _)) in times.iter_mut().zip(&runs) {
        times.sort_unstable();
        let at = |part: usize| times[times.len() * part / 100].as_secs_f64() * 1_000.0;
        println!("  {name:<42} {:>7.2} ms {:>7.2} ms", at(50), at(99));
    }
    println!("outputs of {FLOW_BYTES} bytes, best of {FLOWS} turns");
    let text = temp.path().join("text");
    write_text(&text);
    for (name, from) in [("zeros", "/dev/zero"), ("text", text.to_str().unwrap())] {
        let bytes = FLOW_BYTES.to_string();
        let args = ["head", "-c", &bytes, from];
        let mut best = [0.0_f64; 2];
        for _ in 0..FLOWS {
            let mut direct = Command::new(args[0]);
            direct.args(&args[1..]);
            best[0] = best[0].max(flow(direct));
            best[1] = best[1].max(flow(exec(temp.path(), &server.url, &args)));
        }
        let [direct, recorded] = best;
        println!(
            "  {name:<8} plain pipe {direct:>6.0} MB/s, exec {recorded:>6.0} MB/s, {:.0} %",
            recorded / direct * 100.0
        );
    }
}

fn sh() -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "echo x"]);
    command
}

fn exec(temp: &Path, url: &str, args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(["exec", "--"])
        .args(args)
        .env("INDELIBLE_URL", url)
        .env("INDELIBLE_KEY", KEY)
        .env("INDELIBLE_SPOOL", temp.join(url.replace('/', "_")));
    command
}

fn whole(mut command: Command) -> Duration {
    let begin = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    assert!(status.unwrap().success());
    begin.elapsed()
}

fn first_byte(mut command: Command) -> Duration {
    let begin = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut byte = [0];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut byte)
        .unwrap();
    let elapsed = begin.elapsed();
    child.wait().unwrap();
    elapsed
}

/// Megabytes a second.
fn flow(mut command: Command) -> f64 {
    let begin = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let (mut buffer, mut bytes) = (vec![0; 64 << 10], 0);
    loop {
        let read = stdout.read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        bytes += read as u64;
    }
    let elapsed = begin.elapsed();
    assert_eq!(bytes, FLOW_BYTES);
    child.wait().unwrap();
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let megabytes = bytes as f64 / 1e6;
    megabytes / elapsed.as_secs_f64()
}

/// Lines as builds write them.
fn write_text(path: &Path) {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let mut bytes = 0;
    for number in 0_u64.. {
        let line = format!(
            "   Compiling package-{number} v1.{}.0 (src/lib.rs)\n",
            number % 97
        );
        file.write_all(line.as_bytes()).unwrap();
        bytes += line.len() as u64;
        if bytes > FLOW_BYTES {
            break;
        }
    }
    file.flush().unwrap();
}

impl Server {
    fn start(temp: &Path) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(temp.join("data"))
            .env("INDELIBLE_ADMIN_KEY", KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines.find_map(|line| {
            let line = line.unwrap();
            Some(line.split_once("listening on ")?.1.to_owned())
        });
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            url: url.unwrap(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has nothing that is needed any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
