//! What benches of proxied requests share: a server of ours, a client over one connection, and turns.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_indelible");
pub(crate) const KEY: &str = "ik_a-key-for-the-bench-only";
/// Calls of one turn, and turns.
const CALLS: usize = 500;
const TURNS: usize = 20;
/// Calls before anything is measured.
const WARM_UP: usize = 500;

/// Calls both by turns, and prints what they took and their difference.
pub(crate) fn compare(
    name: &str,
    mut direct: impl FnMut(usize) -> Duration,
    mut recorded: impl FnMut(usize) -> Duration,
) {
    let mut turn = |calls, taken: &mut [Vec<Duration>; 2]| {
        for (which, taken) in taken.iter_mut().enumerate() {
            for n in 0..calls {
                taken.push(if which == 0 { direct(n) } else { recorded(n) });
            }
        }
    };
    turn(WARM_UP, &mut Default::default());
    let mut taken: [Vec<Duration>; 2] = Default::default();
    (0..TURNS).for_each(|_| turn(CALLS, &mut taken));
    let [direct, recorded] = taken.map(|mut taken| {
        taken.sort_unstable();
        [50, 99].map(|percent| taken[taken.len() * percent / 100])
    });
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    for (at, part) in ["p50", "p99"].iter().enumerate() {
        let (direct, recorded) = (micros(direct[at]), micros(recorded[at]));
        println!(
            "{name} {part}: direct {direct:.0} us, recorded {recorded:.0} us, +{:.0} us",
            recorded - direct
        );
    }
}

/// The body of the next message with a head.
pub(crate) fn body(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    String::from_utf8(body).ok()
}

/// `indelible serve`, killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    /// Address of the surface that was asked for.
    pub(crate) surface: String,
}

impl Server {
    /// Serves `data` below `dir` as `serve.toml` there says; `surface` is how the program calls its listener.
    pub(crate) fn start(dir: &Path, surface: &str) -> Self {
        let mut child = Command::new(PROGRAM)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--data",
                "data",
                "--config",
                "serve.toml",
            ])
            .current_dir(dir)
            .env("INDELIBLE_ADMIN_KEY", KEY)
            .stdout(Stdio::piped())
            .spawn()
            .expect("indelible serve");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut listener = String::new();
        let url = lines.find_map(|line| {
            let line = line.expect("a line");
            if let Some((_, address)) = line
                .split_once(surface)
                .and_then(|(_, rest)| rest.split_once("http://"))
            {
                address.clone_into(&mut listener);
            }
            Some(line.split_once("listening on ")?.1.to_owned())
        });
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            url: url.expect("an address"),
            surface: listener,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
