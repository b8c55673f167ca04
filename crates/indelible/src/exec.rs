//! `indelible exec`: runs a command and records it.

mod prefix;
mod recorder;

use std::{
    ffi::OsString,
    fs::File,
    io::IsTerminal,
    os::fd::AsFd,
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
    sync::Arc,
};

use anyhow::{Context, Result};
use capture::{
    config::Mode,
    identity::{Actor, Scope, trace_context},
    shell::{
        self, Ending, Finished, Invocation, Left, Sinks, Terminal, Told, of_arguments,
        of_environment,
    },
};

use crate::{
    client::Remote,
    screen::{Paint, shown},
};
pub(crate) use prefix::as_exec;
pub(crate) use recorder::Recorder;

/// Exit status of a command that was not let run, as a shell has it for one that cannot be run.
const REFUSED: u8 = 126;

#[derive(Debug, clap::Args)]
#[command(
    override_usage = "indelible exec [OPTIONS] -- CMD…",
    after_help = "Example: indelible exec --job release-42 -- make test\n\n\
        Records argv, working directory, some of the environment, duration, exit status and the output (the first and \
        last 32 KiB of each stream), without the secrets in them. INDELIBLE_AGENT names the agent. In a terminal the command \
        gets one of its own, and the session is recorded, too. Without a server the event waits on disk for the next command.\n\n\
        For agents that take a shell or a prefix for one: `indelible -c CMD` runs CMD in the user's shell, recorded."
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) options: Options,
    /// The command and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    pub(crate) command: Vec<OsString>,
}

// No doc comment, which would be the command's help: whose command it is, and where its events go.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Job that the command belongs to
    #[arg(long, env = "INDELIBLE_JOB")]
    pub(crate) job: Option<String>,
    /// Project that it belongs to
    #[arg(long, env = "INDELIBLE_PROJECT")]
    project: Option<String>,
    /// Agent that runs it
    #[arg(long, env = "INDELIBLE_AGENT", default_value = "local")]
    agent: String,
    /// Trace that it belongs to [default: that of TRACEPARENT]
    #[arg(long, env = "INDELIBLE_TRACE")]
    trace: Option<String>,
    /// What it is done for, such as a tool call [default: that of TRACEPARENT]
    #[arg(long, env = "INDELIBLE_PARENT")]
    parent: Option<String>,
    /// async, or strict: the intent is on disk before the command begins, or it is refused
    #[arg(long, env = "INDELIBLE_MODE", default_value = "async", value_parser = mode)]
    mode: Mode,
    /// Directory for events that wait for a server [default: the user's state directory]
    #[arg(long, env = "INDELIBLE_SPOOL", value_name = "DIR")]
    spool: Option<PathBuf>,
    /// Most bytes in it [default: 1 GiB]
    #[arg(
        long,
        env = "INDELIBLE_SPOOL_LIMIT_BYTES",
        value_name = "N",
        hide = true
    )]
    spool_limit_bytes: Option<u64>,
    #[command(flatten)]
    remote: Remote,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let terminal = terminal()?;
    let mut recorded = Recorded::new(&args.options, args.command)?;
    match terminal {
        Some(terminal) => recorded.in_terminal(&terminal, &[]),
        None => recorded.between_pipes(),
    }
}

/// Our side of a terminal, if there is one to type and to look at.
pub(crate) fn terminal() -> Result<Option<Terminal>> {
    let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    if !(stdin.is_terminal() && stdout.is_terminal()) {
        return Ok(None);
    }
    let own = |fd: std::os::fd::BorrowedFd<'_>| fd.try_clone_to_owned().map(File::from);
    let errors = (!stderr.is_terminal()).then(|| own(stderr.as_fd()));
    Ok(Some(Terminal {
        input: own(stdin.as_fd())?,
        output: own(stdout.as_fd())?,
        stderr: errors.transpose()?,
    }))
}

/// A command with everything that recording it takes.
pub(crate) struct Recorded {
    invocation: Invocation,
    told: Told,
    recorder: Recorder,
}

impl Recorded {
    pub(crate) fn new(options: &Options, argv: Vec<OsString>) -> Result<Self> {
        let mut recorder = Recorder::new(options, of_environment(std::env::vars_os()))?;
        recorder.learn(of_arguments(&argv, &recorder.with()));
        let invocation = Invocation::new(argv, std::env::current_dir().ok(), std::env::vars_os());
        let call = recorder.env().new_id();
        let told = Told::new(
            Arc::new(options.scope()),
            call.into(),
            (recorder.env().now)(),
            &invocation,
            &recorder.with(),
        );
        Ok(Self {
            invocation,
            told,
            recorder,
        })
    }

    /// Joins what belongs to this command.
    pub(crate) fn call(&self) -> &str {
        &self.told.call
    }

    fn between_pipes(&mut self) -> Result<ExitCode> {
        let Self {
            invocation,
            told,
            recorder,
        } = self;
        let sinks = Sinks {
            stdout: File::from(std::io::stdout().as_fd().try_clone_to_owned()?),
            stderr: File::from(std::io::stderr().as_fd().try_clone_to_owned()?),
        };
        let begun = match recorder.begin(&told.intent()) {
            Ok(begun) => begun,
            Err(refused) => return Ok(refuse(&refused)),
        };
        let announce = || recorder.announce();
        let with = recorder.with();
        let (mut finished, left) = shell::run(invocation, sinks, with, told.started_at, announce)?;
        finished.has_intent |= recorder.is_strict();
        for one in left {
            if let Err(error) = relay(one) {
                warn(&format!("output that goes on is cut off: {error:#}"));
            }
        }
        say_not_started(invocation, &finished);
        for (name, reason) in &finished.unwritten {
            warn(&format!(
                "{name} of the command could not be passed on: {reason}"
            ));
        }
        recorder.end(begun, &told.outcome(&finished), finished.has_intent);
        Ok(status(&finished))
    }

    /// In a terminal of its own; `variables` are added to its environment.
    pub(crate) fn in_terminal(
        &mut self,
        terminal: &Terminal,
        variables: &[(&str, String)],
    ) -> Result<ExitCode> {
        let Self {
            invocation,
            told,
            recorder,
        } = self;
        let begun = match recorder.begin(&told.intent()) {
            Ok(begun) => begun,
            Err(refused) => return Ok(refuse(&refused)),
        };
        let now = recorder.env().now;
        let (mut finished, last) = shell::run_in_terminal(
            invocation,
            variables,
            terminal,
            recorder.with(),
            told.started_at,
            || recorder.announce(),
            |part| recorder.tell(&told.part(&part, now())),
        )?;
        finished.has_intent |= recorder.is_strict();
        say_not_started(invocation, &finished);
        let outcome = told.session_outcome(&finished, &last);
        recorder.end(begun, &outcome, finished.has_intent);
        Ok(status(&finished))
    }
}

impl Options {
    fn scope(&self) -> Scope {
        let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let context = std::env::var("TRACEPARENT").ok();
        let (trace, parent) = context.and_then(|text| trace_context(&text)).unzip();
        Scope {
            actor: Actor::claimed(self.agent.clone()),
            job: said(&self.job),
            project: said(&self.project),
            trace: said(&self.trace).or(trace),
            parent: said(&self.parent).or(parent),
            ..Scope::default()
        }
    }
}

fn mode(text: &str) -> Result<Mode, String> {
    match text {
        "async" | "" => Ok(Mode::Async),
        "strict" => Ok(Mode::Strict),
        _ => Err("it is async or strict".to_owned()),
    }
}

fn refuse(refused: &recorder::Refused) -> ExitCode {
    warn(&refused.to_string());
    ExitCode::from(REFUSED)
}

fn say_not_started(invocation: &Invocation, finished: &Finished) {
    if let Ending::NotStarted { reason, .. } = &finished.ending {
        let program = invocation
            .argv
            .first()
            .map(|program| program.to_string_lossy());
        warn(&format!(
            "cannot run {}: {reason}",
            program.unwrap_or_default()
        ));
    }
}

fn status(finished: &Finished) -> ExitCode {
    ExitCode::from(u8::try_from(finished.status()).unwrap_or(u8::MAX))
}

/// A process that goes on passing an output that outlives its command, so that whoever has the other end sees what it
/// would without us, and whoever waits for the command does not wait for them.
fn relay(left: Left) -> Result<()> {
    use std::os::unix::process::CommandExt;
    let program = std::env::current_exe().context("cannot find this program")?;
    Command::new(program)
        .arg("relay")
        .env_clear()
        .stdin(Stdio::from(left.from))
        .stdout(Stdio::from(left.to))
        .stderr(Stdio::null())
        // Ctrl-C is for what is in front.
        .process_group(0)
        .spawn()
        .context("cannot start another process")?;
    Ok(())
}

/// `indelible relay`: standard input to standard output.
pub(crate) fn run_relay() -> Result<ExitCode> {
    // When either side is gone there is nothing left to do.
    let _ = std::io::copy(
        &mut File::from(std::io::stdin().as_fd().try_clone_to_owned()?),
        &mut File::from(std::io::stdout().as_fd().try_clone_to_owned()?),
    );
    Ok(ExitCode::SUCCESS)
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

fn warn(text: &str) {
    let paint = Paint::stderr();
    for line in text.lines() {
        eprintln!("{} {}", paint.warn("indelible:"), shown(line));
    }
}
