//! A server of our own, as a process of its own: for the demo and the bench.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ledger::{Entropy, OsEntropy};
use rustix::process::{Pid, Signal, kill_process};

/// Printed by `serve` once it answers.
const READY: &str = "listening on ";
/// Longest wait for a stop: sealing what is open is part of it.
const STOP_TIMEOUT: Duration = Duration::from_mins(2);

/// `indelible serve` on a free port. Killed when dropped, unless it was stopped.
#[derive(Debug)]
pub(crate) struct ChildServer {
    child: Child,
    pub(crate) url: String,
    pub(crate) key: String,
    /// From the start of the process until it served.
    pub(crate) start: Duration,
}

/// A key for a server that does not exist yet.
pub(crate) fn new_key() -> Result<String> {
    let mut random = [0; 24];
    OsEntropy
        .fill(&mut random)
        .context("no randomness for a key")?;
    Ok(format!("ik_{}", URL_SAFE_NO_PAD.encode(random)))
}

impl ChildServer {
    /// Starts this program as a server of a data directory and waits until it serves.
    pub(crate) fn start(data: &Path, key: &str, config: Option<&Path>) -> Result<Self> {
        let begin = Instant::now();
        let mut command =
            Command::new(std::env::current_exe().context("cannot find this program")?);
        command
            .arg("serve")
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data);
        if let Some(config) = config {
            command.arg("--config").arg(config);
        }
        let mut child = command
            .env("INDELIBLE_ADMIN_KEY", key)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start a server")?;
        let stdout = child.stdout.take().context("the server has no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let url = loop {
            match lines.next() {
                Some(line) => {
                    if let Some((_, url)) = line?.split_once(READY) {
                        break url.trim().to_owned();
                    }
                }
                None => bail!("the server did not start: {}", child.wait()?),
            }
        };
        // It must never block on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self {
            child,
            url,
            key: key.to_owned(),
            start: begin.elapsed(),
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, and waits.
    pub(crate) fn stop(mut self) -> Result<()> {
        let id = i32::try_from(self.child.id())?;
        kill_process(Pid::from_raw(id).context("no process")?, Signal::TERM)?;
        let deadline = Instant::now() + STOP_TIMEOUT;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return if status.success() {
                    Ok(())
                } else {
                    bail!("the server ended with {status}")
                };
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        bail!("the server does not stop")
    }

    /// Kills it as a power cut would, short of the disk.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for ChildServer {
    fn drop(&mut self) {
        // Both fail if it has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
