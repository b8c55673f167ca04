//! `indelible mcp`: a server of the Model Context Protocol, with everything that is asked of it recorded.

use std::{
    ffi::OsString, io::IsTerminal, path::PathBuf, process::ExitCode, sync::Arc, time::Duration,
};

use anyhow::{Context, Result};
use capture::{
    Env,
    config::Mode,
    gateway::Destination,
    identity::{Actor, Scope},
    mcp::{
        Catalogue,
        stdio::{Recording, Server},
    },
    recorder::{Recorder, Running},
    redact::{Redactor, Secret, label},
    spool::OWN_SPOOL_PREFIX,
};

use crate::{
    client::Remote,
    exec::state_dir,
    gateway::{Leftovers, log_to_stderr},
    screen::{Paint, shown},
};

/// Most bytes of events that wait for a server.
const SPOOL_BYTES: u64 = 1 << 30;
/// How long the client may be kept waiting at the start for a server that is far away. One on this machine answers in a
/// few milliseconds.
const START_PATIENCE: Duration = Duration::from_millis(250);
/// How long events are delivered after the end: clients kill what does not end within two seconds.
const DELIVERY_PATIENCE: Duration = Duration::from_secs(1);

/// How long events of earlier processes may keep the client waiting after that.
const LEFTOVERS_PATIENCE: Duration = Duration::from_millis(300);

#[derive(Debug, clap::Args)]
#[command(
    override_usage = "indelible mcp [OPTIONS] -- CMD…",
    after_help = "Example: indelible mcp -- npx -y @modelcontextprotocol/server-filesystem .\n\n\
        Put it in front of the command in the settings of the agent. Bytes pass untouched; tool calls, resources, prompts, \
        what the server asks back, and changed tool definitions are recorded. INDELIBLE_AGENT names the agent. Without a server \
        events wait on disk."
)]
pub(crate) struct Args {
    /// Job that everything belongs to
    #[arg(long, env = "INDELIBLE_JOB")]
    job: Option<String>,
    /// Project that it belongs to
    #[arg(long, env = "INDELIBLE_PROJECT")]
    project: Option<String>,
    /// Agent that uses the server
    #[arg(long, env = "INDELIBLE_AGENT", default_value = "local")]
    agent: String,
    /// Refuse what cannot be recorded first
    #[arg(long)]
    strict: bool,
    /// Directory for events that wait for a server [default: the user's state directory]
    #[arg(long, env = "INDELIBLE_SPOOL", value_name = "DIR")]
    spool: Option<PathBuf>,
    #[command(flatten)]
    remote: Remote,
    /// The command and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    command: Vec<OsString>,
}

/// What runs beside the relay.
struct Started {
    running: Running,
    recording: Recording,
    dir: PathBuf,
    leftovers: Leftovers,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    // Whoever reads the server's stderr shall find the server's words and no others.
    if std::io::stderr().is_terminal() || std::env::var_os("INDELIBLE_LOG").is_some() {
        log_to_stderr();
    }
    // It may take a while until the program is ready, and that while is used.
    let server = Server::start(&args.command)?;
    let started = match Started::new(args) {
        Ok(started) => Some(started),
        Err(error) if args.strict => return Err(error),
        Err(error) => {
            warn(&format!("THE SERVER IS NOT RECORDED: {error:#}"));
            None
        }
    };
    let recording = started.as_ref().map(|started| &started.recording);
    let status = match server {
        Ok(server) => server.relay(recording),
        Err(failed) => {
            let program = args
                .command
                .first()
                .map(|program| program.to_string_lossy());
            let program = program.unwrap_or_default();
            warn(&format!("cannot run {program}: {}", failed.reason));
            if let Some(recording) = recording {
                recording.not_started(&failed);
            }
            Ok(failed.status)
        }
    };
    if let Some(started) = started {
        started.stop();
    }
    Ok(ExitCode::from(status?))
}

impl Started {
    fn new(args: &Args) -> Result<Self> {
        let env = Env::system();
        let spool = args.spool.clone().map_or_else(state_dir, Ok)?;
        let dir = spool.join(format!("{OWN_SPOOL_PREFIX}{}", env.new_id()));
        let address = args.remote.address()?;
        let destination = match address.clone() {
            Some(address) => {
                Destination::prompt(address, &dir, &spool, SPOOL_BYTES, &env, START_PATIENCE)?
            }
            None => Destination::handed_on(&dir, &spool, SPOOL_BYTES, &env)?,
        };
        let key = address.as_ref().map(|address| address.key.to_string());
        let own_key = Secret {
            label: label::INDELIBLE_KEY,
            value: key.unwrap_or_default(),
        };
        let redactor = Redactor::new(None, &[own_key], &destination.redaction_key)?;
        let redactor = Arc::new(redactor);
        let running = Recorder::start(env.clone(), Arc::clone(&redactor), destination.outlet)
            .context("cannot start the recorder")?;
        if let Some(source) = destination.ask {
            source.start(redactor)?;
        }
        let catalogue = Catalogue::new(env.clone(), Some(spool.clone()));
        let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let recording = Recording {
            recorder: running.recorder().clone(),
            catalogue: Arc::new(catalogue),
            scope: Scope {
                actor: Actor::claimed(args.agent.clone()),
                job: text(&args.job),
                project: text(&args.project),
                ..Scope::default()
            },
            mode: if args.strict {
                Mode::Strict
            } else {
                Mode::Async
            },
            argv: args.command.clone(),
        };
        Ok(Self {
            running,
            recording,
            dir,
            leftovers: Leftovers::deliver(&env, spool, address)?,
        })
    }

    fn stop(self) {
        let losses = Arc::clone(self.recording.recorder.losses());
        // The catalogue and the recorder's handle must be gone for the recorder to end.
        drop(self.recording);
        if self.running.stop(DELIVERY_PATIENCE) {
            // Everything was delivered; what is left is an empty journal. If it stays, nothing is lost.
            let _ = std::fs::remove_dir_all(&self.dir);
        }
        if losses.total() > 0 {
            let lost = losses.total();
            warn(&format!("{lost} events were lost; the trail says when"));
        }
        self.leftovers.wait(LEFTOVERS_PATIENCE);
    }
}

fn warn(text: &str) {
    let paint = Paint::stderr();
    for line in text.lines() {
        eprintln!("{} {}", paint.warn("indelible:"), shown(line));
    }
}
