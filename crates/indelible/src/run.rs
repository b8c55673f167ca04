//! `indelible run`: any agent, with everything that it does going through a gateway.

mod bundle;
mod environment;

use std::{
    ffi::OsString,
    net::TcpStream,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use capture::{
    Env,
    config::{Mode, read_secret},
    forward::{CA_FILE, ForwardConfig},
    gateway::{Destination, Gateway, Settings, Surroundings},
    identity::Actor,
    llm::LlmConfig,
    shell::Caught,
    spool::OWN_SPOOL_PREFIX,
};
use server::Config;

use crate::{
    client::Remote,
    exec::state_dir,
    gateway::{Leftovers, log_to_stderr, stopped, surroundings},
    screen::{Paint, shown},
};
use bundle::Bundle;
use environment::{ADDING, Commands, Environment, PROXIES, REPLACING};

/// Most bytes of events that wait for a server.
const SPOOL_BYTES: u64 = 1 << 30;
/// How long events of earlier runs may keep the caller waiting; the next run goes on.
const LEFTOVERS_PATIENCE: Duration = Duration::from_secs(5);
/// How long it is tried whether a gateway is there already: it would be on this machine, or near.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
#[command(
    override_usage = "indelible run [OPTIONS] -- CMD…",
    after_help = "Example: indelible run --job fix-bug-7 -- claude\n\n\
        Sets the base URLs of model providers (OPENAI_BASE_URL, ANTHROPIC_BASE_URL, GOOGLE_GEMINI_BASE_URL, \
        AWS_ENDPOINT_URL_BEDROCK_RUNTIME), the proxy (HTTPS_PROXY and the like) and certificates (SSL_CERT_FILE and the like), so \
        that every call is recorded, and CLAUDE_CODE_SHELL_PREFIX, so that every command of Claude Code's shell is. Starts a gateway of its own, unless one answers where \
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
    let mut authorities = Vec::new();
    let settings = match &args.config {
        Some(path) => {
            let config = Config::load(path)?;
            let settings = config.capture();
            // Beside the spool of a gateway, or the data of a server.
            authorities.extend([&settings.ca_dir, &config.data].map(|dir| dir.join(CA_FILE)));
            settings
        }
        None => Settings {
            llm: Some(environment::upstreams(LlmConfig::default(), |name| {
                std::env::var(name).ok()
            })),
            // The command can reach its own networks with or without us; refusing them here would only break it.
            forward_proxy: (!has_proxy()).then(|| ForwardConfig {
                allow_private: true,
                ..ForwardConfig::default()
            }),
            ..Settings::default()
        },
    };
    let mut environment = Environment::new(&surroundings.scope);
    environment.set_token(token(&settings, &args.agent)?);
    let spool = args.spool.clone().map_or_else(state_dir, Ok)?;
    set_shell(&mut environment, args, &settings, &spool)?;
    let attributes = variable("OTEL_RESOURCE_ATTRIBUTES");
    environment.set_telemetry(&surroundings.scope, attributes.as_deref());
    if args.config.is_some() && is_running(&settings) {
        return through_running(args, &settings, &authorities, &env, environment);
    }
    with_own_gateway(args, settings, &surroundings, &env, environment, &spool)
}

/// Commands that the agent runs in a shell record themselves.
fn set_shell(
    environment: &mut Environment,
    args: &Args,
    settings: &Settings,
    spool: &Path,
) -> Result<()> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let url = args.remote.address()?.map(|address| address.url);
    // Keys of a gateway are not for agents: it delivers what they leave.
    let url = url.filter(|_| args.config.is_none());
    let commands = Commands {
        program: &program,
        key: args.remote.key.as_deref().filter(|_| url.is_some()),
        url: url.as_deref().unwrap_or_default(),
        data: &std::path::absolute(&args.remote.data)?,
        spool: &std::path::absolute(spool)?,
        is_strict: settings.gateway.mode == Mode::Strict,
    };
    let prefix = std::env::var("CLAUDE_CODE_SHELL_PREFIX").ok();
    environment.set_shell(commands, prefix.as_deref());
    Ok(())
}

/// Through a gateway that others use, too. Its certificate authority is one of `authorities`.
fn through_running(
    args: &Args,
    settings: &Settings,
    authorities: &[PathBuf],
    env: &Env,
    mut environment: Environment,
) -> Result<ExitCode> {
    if let Some(llm) = &settings.llm {
        environment.set_llm(llm.listen, true);
    }
    let Some(proxy) = &settings.forward_proxy else {
        return child(&args.command, &environment);
    };
    environment.set_forward_proxy(proxy.listen, true, variable("NO_PROXY").as_deref());
    let Some(authority) = authorities.iter().find(|path| path.exists()) else {
        warn("the gateway's ca.pem is not here: hosts that it intercepts will not be trusted");
        return child(&args.command, &environment);
    };
    let spool = args.spool.clone().map_or_else(state_dir, Ok)?;
    std::fs::create_dir_all(&spool).with_context(|| spool.display().to_string())?;
    let path = spool.join(format!("ca-bundle-{}.pem", env.new_id()));
    trust(&mut environment, authority, &path)?;
    let status = child(&args.command, &environment);
    // It is of no more use, and a leftover does no harm.
    let _ = std::fs::remove_file(path);
    status
}

/// Lets the command trust the proxy's certificates, besides those that it trusts anyway.
fn trust(environment: &mut Environment, authority: &Path, path: &Path) -> Result<()> {
    let files = |names: &[&str]| -> Vec<PathBuf> {
        names
            .iter()
            .copied()
            .filter_map(variable)
            .map(PathBuf::from)
            .collect()
    };
    let bundle = Bundle::write(authority, path, &files(&REPLACING), &files(&ADDING))?;
    if !bundle.is_whole {
        warn(
            "this system's certificate authorities are nowhere to be found: hosts that are intercepted may not be trusted",
        );
    }
    environment.set_bundle(&bundle.path, bundle.is_whole);
    Ok(())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether a gateway answers already where the settings say.
fn is_running(settings: &Settings) -> bool {
    let llm = settings.llm.as_ref().map(|llm| llm.listen);
    let proxy = settings.forward_proxy.as_ref().map(|proxy| proxy.listen);
    let answers = |listen| TcpStream::connect_timeout(&listen, PROBE_TIMEOUT).is_ok();
    llm.or(proxy).is_some_and(answers)
}

/// Whether the environment leads through somebody else's proxy, which may be the only way out.
fn has_proxy() -> bool {
    let named = PROXIES.into_iter().find(|name| variable(name).is_some());
    if let Some(name) = named {
        warn(&format!(
            "{name} names a proxy already: the command goes there, and only its calls of models are recorded"
        ));
    }
    named.is_some()
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
    spool: &Path,
) -> Result<ExitCode> {
    if let Some(llm) = &mut settings.llm {
        llm.listen.set_port(0);
    }
    if let Some(proxy) = &mut settings.forward_proxy {
        proxy.listen.set_port(0);
    }
    let dir = spool.join(format!("{OWN_SPOOL_PREFIX}{}", env.new_id()));
    let address = args.remote.address()?;
    settings.ca_dir.clone_from(&dir);
    let (destination, refused) = match address.clone() {
        Some(address) => Destination::spooled(address, &dir, SPOOL_BYTES, env)?,
        None => (Destination::handed_on(&dir, spool, SPOOL_BYTES, env)?, None),
    };
    if let Some(error) = refused {
        warn(&format!("{error}\nEvents wait in {}.", dir.display()));
    }
    let leftovers = Leftovers::deliver(env, spool.to_owned(), address.clone())?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let gateway = runtime.block_on(Gateway::start(
        &settings,
        surroundings,
        destination,
        env.clone(),
    ))?;
    for (surface, address) in gateway.addresses() {
        match *surface {
            "llm" => environment.set_llm(*address, false),
            "forward_proxy" => {
                environment.set_forward_proxy(*address, false, variable("NO_PROXY").as_deref());
                trust(
                    &mut environment,
                    &dir.join(CA_FILE),
                    &dir.join("ca-bundle.pem"),
                )?;
            }
            _ => {}
        }
    }
    let status = child(&args.command, &environment);
    if runtime.block_on(stopped(gateway, &dir)) {
        // Everything was delivered; what is left is an empty journal. If it stays, nothing is lost.
        let _ = std::fs::remove_dir_all(&dir);
        leftovers.wait(LEFTOVERS_PATIENCE);
        // What the agent's own commands could not deliver.
        Leftovers::deliver(env, spool.to_owned(), address)?.wait(LEFTOVERS_PATIENCE);
    }
    status
}

/// Runs the command and answers with its status, as a shell would.
fn child(command: &[OsString], environment: &Environment) -> Result<ExitCode> {
    let (program, args) = command.split_first().context("no command")?;
    let caught = Caught::new().context("cannot take over signals")?;
    let mut command = Command::new(program);
    command.args(args).envs(environment.variables());
    for name in environment.removed() {
        command.env_remove(name);
    }
    let spawned = command.spawn();
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
