//! `indelible serve`: the server.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Context, Result};
use capture::{
    Env,
    gateway::{Gateway, Settings, Surroundings},
};
use server::{Config, DEFAULT_TRAIL, Node};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use crate::{
    gateway::{log_to_stderr, raise_file_limit, stopped, surroundings},
    screen::Paint,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: indelible serve --data /var/lib/indelible\n\n\
    INDELIBLE_ADMIN_KEY presets the admin key; INDELIBLE_LOG sets the log level (error, warn, info, debug).")]
pub(crate) struct Args {
    /// Data directory, created if absent [default: ./indelible-data]
    #[arg(long, env = "INDELIBLE_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:7400]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Settings (TOML); the options above win
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    log_to_stderr();
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    start_again_with_an_arena_for_each_core();
    raise_file_limit();
    let mut config = match &args.config {
        Some(path) => Config::load(path)?,
        None => Config::default(),
    };
    if let Some(data) = args.data {
        config.data = data;
    }
    if let Some(listen) = args.listen {
        config.http.listen = listen;
    }
    let admin_key = std::env::var("INDELIBLE_ADMIN_KEY")
        .ok()
        .filter(|key| !key.is_empty());
    let listen = config.http.listen;
    let mut settings = config.capture();
    settings.ca_dir.clone_from(&config.data);
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(async {
        // Taken before the data directory is touched: a wrong address must not make a new one.
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr()?;
        let node =
            tokio::task::spawn_blocking(move || Node::open(config, admin_key.as_deref())).await??;
        let node = Arc::new(node);
        // What surfaces left in the spool is delivered, even if the settings have none any more.
        let gateway = if settings.has_surface() || node.has_capture_spool() {
            Some(surfaces(&node, &settings).await?)
        } else {
            None
        };
        // Before anybody can learn from the greeting that there is a server to stop.
        let stop = stop_signal()?;
        greet(&node, gateway.as_ref(), address);
        // The surfaces end first: what they have still to record goes into the ledger.
        let dir = node.dir().to_owned();
        let stop = async move {
            stop.await;
            if let Some(gateway) = gateway {
                stopped(gateway, &dir).await;
            }
        };
        server::serve(node, listener, stop).await?;
        Ok(ExitCode::SUCCESS)
    })
}

/// glibc keeps what is freed in up to eight arenas for each core, half of the memory of a server that is asked much. It
/// takes other settings from the environment alone, and only when a program starts. If that fails, or somebody has set
/// them, they stay as they are.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn start_again_with_an_arena_for_each_core() {
    use std::os::unix::process::CommandExt;
    const ARENAS: &str = "MALLOC_ARENA_MAX";
    if [ARENAS, "GLIBC_TUNABLES"].map(std::env::var_os) != [None, None] {
        return;
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let mut args = std::env::args_os();
    let mut command = std::process::Command::new(program);
    if let Some(name) = args.next() {
        command.arg0(name);
    }
    // It does not return unless it fails.
    let _: std::io::Error = command.args(args).env(ARENAS, cores.to_string()).exec();
}

/// Starts the surfaces of the settings, which record into the node's ledger.
async fn surfaces(node: &Arc<Node>, settings: &Settings) -> Result<Gateway> {
    let runtime = tokio::runtime::Handle::current();
    let recording = Arc::clone(node);
    let limit = settings.gateway.spool_limit_bytes;
    let destination =
        tokio::task::spawn_blocking(move || recording.capture_destination(runtime, limit))
            .await??;
    let surroundings = Surroundings {
        state_dir: Some(node.dir().to_owned()),
        ..surroundings()
    };
    Ok(Gateway::start(settings, &surroundings, destination, Env::system()).await?)
}

fn greet(node: &Node, gateway: Option<&Gateway>, address: SocketAddr) {
    let paint = Paint::stdout();
    if let Some(key) = node.new_admin_key() {
        println!("admin key  {}", paint.accent(key));
        println!(
            "           also in {}",
            node.dir().join("admin.key").display()
        );
    }
    if let Some(key) = node.verifier_key(DEFAULT_TRAIL) {
        println!("log key    {key}");
    }
    for (surface, address) in gateway.map_or(&[][..], Gateway::addresses) {
        println!("{surface:<10} http://{address}");
    }
    let mut shown = address;
    if address.ip().is_unspecified() {
        shown.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    if let Some(link) = node.new_sign_in_link() {
        println!(
            "sign in    {}",
            paint.accent(&format!("http://{shown}{link}"))
        );
        println!("           once, within a day; afterwards with the key");
    }
    println!("listening on http://{address}");
}

/// Resolves at the first SIGINT or SIGTERM.
pub(crate) fn stop_signal() -> Result<impl Future<Output = ()> + Send> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
