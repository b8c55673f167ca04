//! `indelible gateway`: the surfaces next to the agents.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use capture::{
    Env,
    gateway::{Destination, Gateway, GatewayError, Surroundings},
    identity::{Actor, Scope},
    sink::{Address, Remote},
    spool::deliver_leftovers,
};
use server::Config;
use tracing_subscriber::EnvFilter;

use crate::{
    exec::state_dir,
    screen::{Paint, shown},
    serve::stop_signal,
};

/// How often events are looked for that commands on this machine could not deliver.
const LEFTOVERS_EVERY: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: indelible gateway --config gateway.toml\n\n\
    The file names the server, a key of scope gateway, and a table for each surface, such as [llm]. Without the server events wait \
    on disk. INDELIBLE_AGENT, INDELIBLE_JOB and INDELIBLE_PROJECT name what requests do not; INDELIBLE_LOG sets the log level.")]
pub(crate) struct Args {
    /// Settings (TOML)
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    log_to_stderr();
    raise_file_limit();
    let config = Config::load(&args.config)?;
    let settings = config.capture();
    if !settings.has_surface() {
        return Err(GatewayError::NoSurface.into());
    }
    let env = Env::system();
    let address = Address::of(&settings.gateway)?;
    let destination = Destination::remote(&settings.gateway, address.clone(), &env)?;
    deliver_leftovers_for_ever(&env, address)?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(async {
        let surroundings = Surroundings {
            state_dir: Some(settings.gateway.spool_dir.clone()),
            ..surroundings()
        };
        let gateway = Gateway::start(&settings, &surroundings, destination, env).await?;
        // Before anybody can learn from the greeting that there is a gateway to stop.
        let stop = stop_signal()?;
        for (surface, address) in gateway.addresses() {
            println!("{surface:<10} listening on http://{address}");
        }
        stop.await;
        stopped(gateway, &settings.gateway.spool_dir).await;
        Ok(ExitCode::SUCCESS)
    })
}

/// Events that earlier commands left in the user's state directory, on their way.
pub(crate) struct Leftovers(Option<JoinHandle<()>>);

impl Leftovers {
    /// Tries once, on a thread of its own; without an address they are somebody else's business.
    pub(crate) fn deliver(env: &Env, root: PathBuf, address: Option<Address>) -> Result<Self> {
        let Some(address) = address else {
            return Ok(Self(None));
        };
        let remote = Remote::new(address)?;
        let fs = Arc::clone(&env.fs);
        Ok(Self(Some(std::thread::spawn(move || {
            if let Err(error) = deliver_leftovers(&fs, &root, &remote) {
                tracing::warn!(%error, "events of earlier commands still wait");
            }
        }))))
    }

    /// Waits for its end, but not for ever.
    pub(crate) fn wait(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let is_over = || self.0.as_ref().is_none_or(JoinHandle::is_finished);
        while !is_over() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Delivers, now and then, what commands on this machine could not.
fn deliver_leftovers_for_ever(env: &Env, address: Address) -> Result<()> {
    let remote = Remote::new(address)?;
    let fs = Arc::clone(&env.fs);
    let spool = std::env::var_os("INDELIBLE_SPOOL").map(PathBuf::from);
    // Without a home there is nothing to look after.
    let Some(root) = spool.or_else(|| state_dir().ok()) else {
        return Ok(());
    };
    std::thread::spawn(move || {
        loop {
            if let Err(error) = deliver_leftovers(&fs, &root, &remote) {
                tracing::debug!(%error, "events of commands still wait");
            }
            std::thread::sleep(LEFTOVERS_EVERY);
        }
    });
    Ok(())
}

/// Stops a gateway and says what it leaves behind in its directory. Answers whether that is nothing.
pub(crate) async fn stopped(gateway: Gateway, dir: &Path) -> bool {
    let lost = gateway.lost();
    let is_delivered = gateway.stop().await;
    if !is_delivered {
        eprintln!(
            "{} events wait in {} for the next one that reaches the server",
            Paint::stderr().warn("indelible:"),
            shown(&dir.display().to_string())
        );
    }
    if lost > 0 {
        eprintln!(
            "{} {lost} events were lost; the trail says when",
            Paint::stderr().warn("indelible:")
        );
    }
    is_delivered
}

/// What the environment says about requests that say nothing themselves.
pub(crate) fn surroundings() -> Surroundings {
    let text = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
    let agent = text("INDELIBLE_AGENT").map(Actor::claimed);
    Surroundings {
        scope: Scope {
            actor: agent.unwrap_or_default(),
            job: text("INDELIBLE_JOB"),
            project: text("INDELIBLE_PROJECT"),
            ..Scope::default()
        },
        ssl_cert_file: text("SSL_CERT_FILE").map(PathBuf::from),
        state_dir: None,
    }
}

/// Level from `INDELIBLE_LOG`.
pub(crate) fn log_to_stderr() {
    let filter =
        EnvFilter::try_from_env("INDELIBLE_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}

/// A tunnel takes two files, and the usual limit of a process is 1,024: it is raised to what the system allows.
pub(crate) fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, all) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}
