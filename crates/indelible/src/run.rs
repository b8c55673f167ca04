//! `indelible run`: any agent, with everything that it does going through a gateway.

mod environment;

use std::{
    ffi::OsString,
    net::{SocketAddr, TcpStream},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use capture::{
    Env,
    config::{Mode, read_secret},
    gateway::{Destination, Gateway, Settings, Surroundings},
    identity::Actor,
    llm::LlmConfig,
    shell::Caught,
    sink::Address,
    spool::OWN_SPOOL_PREFIX,
};
use server::Config;

use crate::{
    client::Remote,
    exec::state_dir,
    gateway::{Leftovers, log_to_stderr, stopped, surroundings},
    screen::{Paint, shown},
};
use environment::{Commands, Environment};

/// Most bytes of events that wait for a server.
const SPOOL_BYTES: u64 = 1 << 30;
/// How long events of earlier runs may keep the caller waiting; the next run goes on.
const LEFTOVERS_PATIENCE: Duration = Duration::from_secs(5);
/// How long it is tried whether a gateway is there already: it would be on this machine, or near.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Run an agent with a gateway around it
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "indelible run [OPTIONS] -- CMD…",
    after_help = "Example: indelible run --job fix-bug-7 -- claude\n\n\
        Sets the base URLs of model providers (OPENAI_BASE_URL, ANTHROPIC_BASE_URL, GOOGLE_GEMINI_BASE_URL, \
        AWS_ENDPOINT_URL_BEDROCK_RUNTIME), so that every call is recorded, and CLAUDE_CODE_SHELL_PREFIX, so that every command of Claude Code's shell is. Starts a gateway of its own, unless one answers where \
        --config says. Without a server events wait on disk."
)]
pub(crate) struct Args {
    /// Job that everything belongs to [default: a new one]
    #[arg(long, env = "INDELIBLE_JOB")]
    job: Option<String>,
    /// Project that it belongs to
    #[arg(long, env = "INDELIBLE_PROJECT")]
    project: Option<String>,
    /// Agent that runs
    #[arg(long, env = "INDELIBLE_AGENT", default_value = "local")]
    agent: String,
    /// Settings of a gateway (TOML): the one that is running, or how to start one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
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

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    log_to_stderr();
    let env = Env::system();
    let mut surroundings = surroundings();
    let scope = &mut surroundings.scope;
    scope.actor = Actor::claimed(args.agent.clone());
    scope.project = args.project.clone().filter(|project| !project.is_empty());
    let job = args.job.clone().filter(|job| !job.is_empty());
    scope.job = Some(job.unwrap_or_else(|| format!("run-{}", env.new_id())));
    let settings = match &args.config {
        Some(path) => Config::load(path)?.capture(),
        None => Settings {
            llm: Some(environment::upstreams(LlmConfig::default(), |name| {
                std::env::var(name).ok()
            })),
            ..Settings::default()
        },
    };
    let mut environment = Environment::new(&surroundings.scope);
    environment.set_token(token(&settings, &args.agent)?);
    let spool = args.spool.clone().map_or_else(state_dir, Ok)?;
    set_shell(&mut environment, args, &settings, &spool)?;
    match args.config.is_some().then(|| running(&settings)).flatten() {
        Some(llm) => {
            environment.set_llm(llm, true);
            child(&args.command, &environment)
        }
        None => with_own_gateway(args, settings, &surroundings, &env, environment, spool),
    }
}

/// Commands that the agent runs in a shell record themselves.
fn set_shell(
    environment: &mut Environment,
    args: &Args,
    settings: &Settings,
    spool: &Path,
) -> Result<()> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let url = args.remote.base();
    let commands = Commands {
        program: &program,
        // Keys of a gateway are not for agents: it delivers what they leave.
        url: if args.config.is_some() { "" } else { &url },
        key: args.remote.key.as_deref().filter(|_| args.config.is_none()),
        data: &std::path::absolute(&args.remote.data)?,
        spool: &std::path::absolute(spool)?,
        is_strict: settings.gateway.mode == Mode::Strict,
    };
    let prefix = std::env::var("CLAUDE_CODE_SHELL_PREFIX").ok();
    environment.set_shell(commands, prefix.as_deref());
    Ok(())
}

/// The address of a gateway that runs already.
fn running(settings: &Settings) -> Option<SocketAddr> {
    let listen = settings.llm.as_ref()?.listen;
    TcpStream::connect_timeout(&listen, PROBE_TIMEOUT).ok()?;
    Some(listen)
}

/// What the agent has to show, if agents have to show something.
fn token(settings: &Settings, agent: &str) -> Result<Option<String>> {
    if settings.agents.is_empty() {
        return Ok(None);
    }
    let Some(known) = settings.agents.iter().find(|known| known.id == agent) else {
        bail!("the settings have tokens for agents, and none for {agent:?}: name one with --agent");
    };
    Ok(Some(read_secret("agent.token_file", &known.token_file)?))
}

/// For the life of the command.
fn with_own_gateway(
    args: &Args,
    mut settings: Settings,
    surroundings: &Surroundings,
    env: &Env,
    mut environment: Environment,
    spool: PathBuf,
) -> Result<ExitCode> {
    if let Some(llm) = &mut settings.llm {
        llm.listen.set_port(0);
    }
    let dir = spool.join(format!("{OWN_SPOOL_PREFIX}{}", env.new_id()));
    let address = Address {
        url: args.remote.base(),
        key: args.remote.key_text()?.unwrap_or_default().into(),
    };
    let (destination, refused) = Destination::spooled(address.clone(), &dir, SPOOL_BYTES, env)?;
    if let Some(error) = refused {
        warn(&format!("{error}\nEvents wait in {}.", dir.display()));
    }
    let leftovers = Leftovers::deliver(env, spool.clone(), address.clone())?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let gateway = runtime.block_on(Gateway::start(
        &settings,
        surroundings,
        destination,
        env.clone(),
    ))?;
    for (surface, address) in gateway.addresses() {
        if *surface == "llm" {
            environment.set_llm(*address, false);
        }
    }
    let status = child(&args.command, &environment);
    if runtime.block_on(stopped(gateway)) {
        // Everything was delivered; what is left is an empty journal. If it stays, nothing is lost.
        let _ = std::fs::remove_dir_all(&dir);
    }
    leftovers.wait(LEFTOVERS_PATIENCE);
    // What the agent's own commands could not deliver.
    Leftovers::deliver(env, spool, address)?.wait(LEFTOVERS_PATIENCE);
    status
}

/// Runs the command and answers with its status, as a shell would.
fn child(command: &[OsString], environment: &Environment) -> Result<ExitCode> {
    let (program, args) = command.split_first().context("no command")?;
    let caught = Caught::new().context("cannot take over signals")?;
    let spawned = Command::new(program)
        .args(args)
        .envs(environment.variables())
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            warn(&format!(
                "cannot run {}: {error}",
                program.to_string_lossy()
            ));
            let is_absent = error.kind() == std::io::ErrorKind::NotFound;
            return Ok(ExitCode::from(if is_absent { 127 } else { 126 }));
        }
    };
    let forwarding = caught.forward(child.id());
    let status = child.wait().context("cannot wait for the command")?;
    drop(forwarding);
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    Ok(ExitCode::from(
        code.and_then(|code| u8::try_from(code).ok())
            .unwrap_or(u8::MAX),
    ))
}

fn warn(text: &str) {
    let paint = Paint::stderr();
    for line in text.lines() {
        eprintln!("{} {}", paint.warn("indelible:"), shown(line));
    }
}
