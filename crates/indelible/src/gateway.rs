//! `indelible gateway`: the surfaces next to the agents.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use capture::{
    Env,
    gateway::{Destination, Gateway, Surroundings},
    identity::{Actor, Scope},
};
use server::Config;
use tracing_subscriber::EnvFilter;

use crate::{screen::Paint, serve::stop_signal};

/// Run the gateway next to agents; events go to a server
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
    let config = Config::load(&args.config)?;
    let settings = config.capture();
    let env = Env::system();
    let destination = Destination::remote(&settings.gateway, &env)?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(async {
        let gateway = Gateway::start(&settings, &surroundings(), destination, env).await?;
        // Before anybody can learn from the greeting that there is a gateway to stop.
        let stop = stop_signal()?;
        for (surface, address) in gateway.addresses() {
            println!("{surface:<10} listening on http://{address}");
        }
        stop.await;
        stopped(gateway).await;
        Ok(ExitCode::SUCCESS)
    })
}

/// Stops a gateway and says what it leaves behind. Answers whether that is nothing.
pub(crate) async fn stopped(gateway: Gateway) -> bool {
    let lost = gateway.lost();
    let is_delivered = gateway.stop().await;
    if !is_delivered {
        eprintln!(
            "{} events wait in the spool for the next start",
            Paint::stderr().warn("indelible:")
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
