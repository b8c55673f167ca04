//! Delivery behind the agent's back: a process of its own, so that no hook waits for a server.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::Result;
use capture::{
    Env, sink,
    spool::{SharedSpool, deliver_leftovers},
};

use super::{Place, key};
use crate::screen::shown;

/// How long the process waits for more: hooks come in bursts, and one process serves them all.
const LINGER: Duration = Duration::from_secs(2);
/// How often it looks meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Beside the events that wait: why they do.
const TROUBLE_FILE: &str = "trouble.txt";

/// Say how many events wait, and why
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
}

/// Starts the process, unless one is at work.
pub(super) fn start(spool: &SharedSpool, place: &Place) {
    // Without a server it is a gateway's business.
    if place.remote.server.is_empty() || spool.is_watched().unwrap_or(true) {
        return;
    }
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let mut command = Command::new(program);
    command
        .args(["hook", "deliver", "--server", &place.remote.server])
        .arg("--data")
        .arg(&place.remote.data)
        .arg("--spool")
        .arg(spool.dir())
        // The agent waits until nobody holds these any more.
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(key) = &place.remote.key {
        // Others on this machine can read arguments.
        command.env("INDELIBLE_KEY", key);
    }
    // If it does not start, the next hook, or a gateway, delivers.
    let _ = command.spawn();
}

/// `indelible hook deliver`
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    // An agent that ends its hooks by their group does not end this.
    let _ = rustix::process::setsid();
    let env = Env::system();
    let spool = args.place.spool(&env)?;
    let trouble = spool.dir().join(TROUBLE_FILE);
    match deliver(args, &env, &spool) {
        Ok(is_done) => {
            if is_done {
                let _ = std::fs::remove_file(trouble);
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let _ = std::fs::write(trouble, format!("{error:#}\n"));
            Err(error)
        }
    }
}

/// Answers whether it was for this process to do.
fn deliver(args: &Args, env: &Env, spool: &SharedSpool) -> Result<bool> {
    // Before anything that may take long: one process waits for a server that hangs, not one for each hook.
    let Some(mut watch) = spool.watch()? else {
        return Ok(false);
    };
    let server = sink::Remote::new(args.place.address()?)?;
    key::refresh(env, spool, &server)?;
    loop {
        let mut until = Instant::now() + LINGER;
        while Instant::now() < until {
            // `None`: a gateway is at it.
            if spool.count()? > 0 && spool.deliver(&server)?.is_some() {
                until = Instant::now() + LINGER;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        drop(watch);
        // A hook may have put one while it still saw us at work.
        match spool.watch()? {
            Some(again) if spool.count()? > 0 => watch = again,
            _ => break,
        }
    }
    // What ended runs and gateways have left is nobody's business but the next one's, and we are here.
    deliver_leftovers(&env.fs, spool.dir(), &server)?;
    Ok(true)
}

/// `indelible hook status`
pub(super) fn status(args: &Args) -> Result<ExitCode> {
    let spool = args.place.spool(&Env::system())?;
    let count = spool.count()?;
    println!("{count} events wait in {}", spool.dir().display());
    if let Some(trouble) = trouble(spool.dir()) {
        println!("{}", shown(&trouble));
    }
    Ok(ExitCode::SUCCESS)
}

fn trouble(dir: &Path) -> Option<String> {
    let path: PathBuf = dir.join(TROUBLE_FILE);
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim_end().to_owned())
}
