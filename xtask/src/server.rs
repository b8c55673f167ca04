//! A server process under test.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::workspace::run;

/// The line that says that the server serves, up to its address.
const READY: &str = "listening on http://";
/// Longest wait for that line.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// Longest wait for the end after a polite request; sealing what is open is part of it.
const STOP_TIMEOUT: Duration = Duration::from_mins(2);

/// A running `indelible serve`. Killed when dropped, unless it was stopped.
pub(crate) struct Server {
    child: Child,
    address: String,
    lines: Receiver<String>,
}

impl Server {
    /// Starts `bin_dir/indelible` with `args` in `dir` on a free port of the loopback interface and
    /// waits until it serves.
    ///
    /// # Errors
    ///
    /// When it ends or says nothing within [`START_TIMEOUT`]; shows what it printed.
    pub(crate) fn start(bin_dir: &Path, dir: &Path, args: &[&str]) -> Result<Self> {
        let mut child = Command::new(bin_dir.join("indelible"))
            .args(args)
            .args(["--listen", "127.0.0.1:0"])
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("starting indelible serve")?;
        let (sender, lines) = channel();
        if let Some(stdout) = child.stdout.take() {
            forward(stdout, sender.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            forward(stderr, sender);
        }
        let mut server = Self {
            child,
            address: String::new(),
            lines,
        };
        server.address = server.wait_ready()?;
        Ok(server)
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Asks the server to end as an operator would, and waits for it.
    ///
    /// # Errors
    ///
    /// When it does not end within [`STOP_TIMEOUT`], or not with success.
    pub(crate) fn stop(mut self) -> Result<()> {
        let pid = self.child.id();
        run(Command::new("sh").args(["-c", &format!("kill -TERM {pid}")]))?;
        let deadline = Instant::now() + STOP_TIMEOUT;
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("the server ended with {status}:\n{}", self.printed()),
                None if Instant::now() > deadline => bail!("the server did not end"),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    fn wait_ready(&mut self) -> Result<String> {
        let deadline = Instant::now() + START_TIMEOUT;
        let mut printed = String::new();
        loop {
            match self
                .lines
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(line) => {
                    if let Some((_, rest)) = line.split_once(READY) {
                        let end = rest.find(|c: char| c == '/' || c.is_whitespace());
                        return Ok(rest
                            .get(..end.unwrap_or(rest.len()))
                            .unwrap_or(rest)
                            .to_owned());
                    }
                    printed.push_str(&line);
                    printed.push('\n');
                }
                Err(RecvTimeoutError::Timeout) => bail!("the server does not serve:\n{printed}"),
                Err(RecvTimeoutError::Disconnected) => bail!("the server ended:\n{printed}"),
            }
        }
    }

    fn printed(&self) -> String {
        self.lines.try_iter().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail if it has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Passes the lines of a pipe on, so that the server never blocks on a full one.
fn forward(pipe: impl Read + Send + 'static, sender: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
}
