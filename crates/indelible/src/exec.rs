//! `indelible exec`: runs a command and records it.

use std::{
    ffi::OsString,
    fs::{DirBuilder, File},
    io::IsTerminal,
    os::{fd::AsFd, unix::fs::DirBuilderExt},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use capture::{
    shell::{self, Invocation, Scope, Sinks},
    spool::SharedSpool,
};
use event::Micros;
use journal::RealFs;
use ledger::{Clock, Entropy, OsEntropy, SystemClock};
use serde::Deserialize;

use crate::{
    client::{Client, ClientError, Remote},
    screen::{Paint, shown},
};

/// Longest time that recording may keep the caller waiting after the command has ended.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// Spooled batches sent by one call: 100,000 events. The next call goes on.
const MAX_BATCHES: usize = 100;

/// Run a command and record it; same output, same exit status
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "indelible exec [OPTIONS] -- CMD…",
    after_help = "Example: indelible exec --job release-42 -- make test\n\n\
        Records argv, working directory, some of the environment, duration, exit status and the output (the first and \
        last 32 KiB of each stream). INDELIBLE_AGENT names the agent. Without a server the event waits on disk for the next exec."
)]
pub(crate) struct Args {
    /// Job that the command belongs to
    #[arg(long, env = "INDELIBLE_JOB")]
    pub(crate) job: Option<String>,
    /// Project that it belongs to
    #[arg(long, env = "INDELIBLE_PROJECT")]
    pub(crate) project: Option<String>,
    /// Agent that runs it
    #[arg(long, env = "INDELIBLE_AGENT", default_value = "local")]
    pub(crate) agent: String,
    /// Directory for events that wait for a server [default: the user's state directory]
    #[arg(long, env = "INDELIBLE_SPOOL", value_name = "DIR")]
    pub(crate) spool: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// The command and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    pub(crate) command: Vec<OsString>,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let scope = Scope {
        agent: args.agent,
        job: args.job.filter(|job| !job.is_empty()),
        project: args.project.filter(|project| !project.is_empty()),
    };
    let recorder = Recorder::new(&args.remote, args.spool);
    let invocation = Invocation::new(
        args.command,
        std::env::current_dir().ok(),
        std::env::vars_os(),
    );
    let sinks = Sinks {
        stdout: File::from(std::io::stdout().as_fd().try_clone_to_owned()?),
        stderr: File::from(std::io::stderr().as_fd().try_clone_to_owned()?),
    };
    let call = new_id()?;
    let started_at = SystemClock.now();
    let send_intent = || {
        let event =
            new_id().and_then(|id| Ok(shell::intent(&id, &call, &scope, &invocation, started_at)?));
        let _ = recorder.record(event);
    };
    let finished = shell::run(&invocation, sinks, started_at, send_intent)?;
    if let shell::Ending::NotStarted { reason, .. } = &finished.ending {
        let program = invocation
            .argv
            .first()
            .map(|program| program.to_string_lossy());
        warn(&format!(
            "cannot run {}: {reason}",
            program.unwrap_or_default()
        ));
    }
    let event =
        new_id().and_then(|id| Ok(shell::outcome(&id, &call, &scope, &invocation, &finished)?));
    if recorder.record(event) {
        recorder.send_spooled();
    }
    Ok(ExitCode::from(
        u8::try_from(finished.ending.status()).unwrap_or(u8::MAX),
    ))
}

/// Sends events, or keeps them on disk. Says so when it can do neither; never fails the command.
struct Recorder {
    client: Result<Client>,
    spool: Result<SharedSpool>,
}

#[derive(Deserialize)]
struct Receipts {
    results: Vec<Receipt>,
}

#[derive(Deserialize)]
struct Receipt {
    status: String,
    #[serde(default)]
    detail: String,
}

impl Recorder {
    fn new(remote: &Remote, spool: Option<PathBuf>) -> Self {
        Self {
            client: remote.client_with(Some(SEND_TIMEOUT)),
            spool: spool
                .map_or_else(state_dir, Ok)
                .map(|dir| SharedSpool::new(Arc::new(RealFs), &dir)),
        }
    }

    /// Whether the server has it.
    fn record(&self, event: Result<Vec<u8>>) -> bool {
        let sent = event.and_then(|event| match self.send(&event) {
            Ok(()) => Ok(true),
            Err(error) => self.keep(&event, &error).map(|()| false),
        });
        sent.unwrap_or_else(|error| {
            warn(&format!("THE COMMAND IS NOT RECORDED: {error:#}"));
            false
        })
    }

    fn keep(&self, event: &[u8], why: &anyhow::Error) -> Result<()> {
        let spool = self
            .spool
            .as_ref()
            .map_err(|error| anyhow::anyhow!("{error:#}"))?;
        if !spool.dir().exists() {
            // Output of commands is nobody else's to read.
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(spool.dir())
                .with_context(|| format!("cannot create {}", spool.dir().display()))?;
        }
        spool.put(event).with_context(|| format!("{why:#}"))?;
        let is_down = matches!(why.downcast_ref(), Some(ClientError::Unreachable { .. }));
        // Nothing is lost, and whoever reads the command's stderr shall find the command's bytes and no others. A
        // server that is there and refuses will not change its mind by itself.
        if !is_down || std::io::stderr().is_terminal() {
            warn(&format!(
                "{why:#}\nThe event waits in {} and goes out with the next exec that reaches a server.",
                spool.dir().display()
            ));
        }
        Ok(())
    }

    fn send(&self, events: &[u8]) -> Result<()> {
        let client = self
            .client
            .as_ref()
            .map_err(|error| anyhow::anyhow!("{error:#}"))?;
        let body = client.post("/v1/events", "application/x-ndjson", events)?;
        let receipts: Receipts =
            serde_json::from_slice(&body).context("the server's receipt is unreadable")?;
        for receipt in receipts
            .results
            .iter()
            .filter(|receipt| receipt.status == "rejected")
        {
            warn(&format!("the server rejected an event: {}", receipt.detail));
        }
        Ok(())
    }

    /// What earlier calls could not send.
    fn send_spooled(&self) {
        let Ok(spool) = &self.spool else {
            return;
        };
        for _ in 0..MAX_BATCHES {
            // Another process is just writing, or somebody will see the damage when putting.
            let Ok(waiting) = spool.waiting() else {
                return;
            };
            if waiting.events.is_empty() {
                return;
            }
            match self.send(&waiting.events.join(&b'\n')) {
                Ok(()) => {}
                Err(error) => return warn(&format!("waiting events were not sent: {error:#}")),
            }
            if let Err(error) = spool.delivered(&waiting) {
                return warn(&format!("events were sent and will be sent again: {error}"));
            }
        }
    }
}

/// `$XDG_STATE_HOME/indelible/spool` (XDG Base Directory Specification).
pub(crate) fn state_dir() -> Result<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let state = state
        .or_else(home)
        .context("no HOME: name a directory with INDELIBLE_SPOOL")?;
    Ok(state.join("indelible/spool"))
}

fn new_id() -> Result<String> {
    let mut random = [0; 10];
    OsEntropy
        .fill(&mut random)
        .context("no randomness for an id")?;
    let now: Micros = SystemClock.now();
    Ok(capture::event_id(now, random))
}

fn warn(text: &str) {
    let paint = Paint::stderr();
    for line in text.lines() {
        eprintln!("{} {}", paint.warn("indelible:"), shown(line));
    }
}
