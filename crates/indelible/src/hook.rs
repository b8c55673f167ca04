//! `indelible hook`: one payload of an agent's hook, kept within milliseconds and without a server.

mod deliver;
mod install;
mod key;

use std::{
    io::{Read, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, Result};
use capture::{
    Env,
    draft::Source,
    hook::{self, About, Agent, Report},
    identity::{Actor, Scope},
    keys::shared_key,
    redact::Redactor,
    sink::Address,
    spool::SharedSpool,
};

use crate::{client::Remote, exec::state_dir};

/// Longest payload that is taken apart, bytes: a tool's answer may hold files. What is longer is kept as a payload that cannot
/// be read, cut.
const MAX_PAYLOAD_BYTES: u64 = 32 << 20;

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example: indelible hook install claude-code\n\n\
        Takes the payloads of Claude Code, Codex and Cursor. The event is kept on disk at once and delivered in the background; the \
        agent is answered what it wants to hear and never waits for a server. INDELIBLE_JOB, INDELIBLE_AGENT and INDELIBLE_PROJECT \
        name what a payload does not."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Option<Task>,
    #[command(flatten)]
    calls: Calls,
}

#[derive(Debug, clap::Subcommand)]
enum Task {
    Install(install::Args),
    Notify(NotifyArgs),
    Status(deliver::Args),
    #[command(hide = true)]
    Deliver(deliver::Args),
}

/// Record what Codex hands to its `notify` program
#[derive(Debug, clap::Args)]
struct NotifyArgs {
    #[command(flatten)]
    calls: Calls,
    /// The payload
    payload: String,
}

// No doc comment, which would be the command's help: where a hook keeps its events, and who called it.
#[derive(Clone, Debug, clap::Args)]
struct Calls {
    /// Agent that calls: claude-code, codex or cursor [default: told from the payload]
    #[arg(long, value_name = "AGENT", value_parser = parse_agent)]
    from: Option<Agent>,
    /// Refuse tools and prompts that cannot be recorded
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    place: Place,
}

// No doc comment, which would be the command's help: where events wait, and for which server.
#[derive(Clone, Debug, clap::Args)]
struct Place {
    /// Directory for events that wait for a server [default: the user's state directory]
    #[arg(long, env = "INDELIBLE_SPOOL", value_name = "DIR")]
    spool: Option<PathBuf>,
    #[command(flatten)]
    remote: Remote,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    match args.task {
        None => Ok(call(&args.calls, &payload())),
        Some(Task::Notify(notify)) => {
            let mut calls = notify.calls;
            calls.from = calls.from.or(Some(Agent::Codex));
            Ok(call(&calls, notify.payload.as_bytes()))
        }
        Some(Task::Install(install)) => install::run(&install),
        Some(Task::Status(args)) => deliver::status(&args),
        Some(Task::Deliver(args)) => deliver::run(&args),
    }
}

/// One payload. Whatever happens, the agent gets an answer that it understands.
fn call(calls: &Calls, payload: &[u8]) -> ExitCode {
    let env = Env::system();
    let spool = calls.place.spool(&env);
    let (report, kept) = keep(calls, payload, &env, spool.as_ref());
    let failed = kept.err().map(|error| format!("{error:#}"));
    let answer = hook::answer(report.agent, report.gate, failed.as_deref(), calls.strict);
    // An agent that does not listen any more has nothing to be told.
    let _ = std::io::stdout().write_all(answer.stdout.as_bytes());
    let _ = std::io::stderr().write_all(answer.stderr.as_bytes());
    if let Ok(spool) = &spool {
        deliver::start(spool, &calls.place);
    }
    ExitCode::from(answer.status)
}

fn keep(
    calls: &Calls,
    payload: &[u8],
    env: &Env,
    spool: Result<&SharedSpool, &anyhow::Error>,
) -> (Report, Result<()>) {
    let key = spool
        .map_err(|error| anyhow::anyhow!("{error:#}"))
        .and_then(|spool| {
            env.fs.create_dir_all(spool.dir())?;
            key::before_first(env, spool, &calls.place);
            Ok(shared_key(env, &spool.key_path())?)
        });
    let redactor = Redactor::new(None, &[], key.as_ref().unwrap_or(&[0; 32]));
    let redactor = match redactor {
        Ok(redactor) => redactor,
        // Our own rules are compiled by a test.
        Err(error) => {
            let nothing = hook::nothing(calls.from);
            return (nothing, Err(error.into()));
        }
    };
    let with = redactor.with(&[]);
    let report = hook::report(payload, &about(calls.from, env), &with);
    let kept = key.and_then(|_| spool.map_err(|error| anyhow::anyhow!("{error:#}")));
    let kept = kept.and_then(|spool| {
        let event = report.draft.event(&env.new_id(), &with);
        let kept = if calls.strict {
            spool.put(&event)
        } else {
            spool.put_soon(&event)
        };
        kept.inspect_err(|_| {
            // On a disk that takes nothing at all this fails too, and standard error is all that is left.
            let _ = spool.count_lost(Source::Hook);
        })?;
        Ok(())
    });
    (report, kept)
}

/// What the environment says of the run.
fn about(agent: Option<Agent>, env: &Env) -> About {
    let text = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
    let name = text("INDELIBLE_AGENT");
    About {
        agent,
        is_named: name.is_some(),
        scope: Scope {
            actor: name.map(Actor::claimed).unwrap_or_default(),
            job: text("INDELIBLE_JOB"),
            project: text("INDELIBLE_PROJECT"),
            ..Scope::default()
        }
        .with_trace_context(text("TRACEPARENT").as_deref()),
        now: (env.now)(),
    }
}

impl Place {
    fn spool(&self, env: &Env) -> Result<SharedSpool> {
        let dir = self.spool.clone().map_or_else(state_dir, Ok)?;
        Ok(SharedSpool::with(env.clone(), &dir))
    }

    /// The server and our key.
    fn address(&self) -> Result<Address> {
        let address = self.remote.address()?;
        let address = address.context("events go to a gateway")?;
        anyhow::ensure!(!address.key.is_empty(), "no key: set INDELIBLE_KEY");
        Ok(address)
    }
}

/// What the agent writes, up to the limit. The rest is read too: an agent may take a closed pipe ill.
fn payload() -> Vec<u8> {
    let mut input = std::io::stdin().lock();
    let mut payload = Vec::new();
    // A payload that breaks off is recorded as what had come.
    let _ = input
        .by_ref()
        .take(MAX_PAYLOAD_BYTES)
        .read_to_end(&mut payload);
    if payload.len() as u64 == MAX_PAYLOAD_BYTES {
        let _ = std::io::copy(&mut input, &mut std::io::sink());
    }
    payload
}

fn parse_agent(name: &str) -> Result<Agent, String> {
    Agent::from_name(name).ok_or_else(|| "known are claude-code, codex and cursor".to_owned())
}
