//! `indelible verify`: checks everything, says what it checked and what failed where.

mod dir;
mod hot;
mod keys;
mod package;
mod records;
mod remote;
mod report;
mod strays;

use std::{path::Path, process::ExitCode};

use anyhow::{Context, Result, bail};
use tlog::VerifierKey;

use crate::client::Remote;
use report::Report;
pub(crate) use report::number;

/// Ends the program when something is damaged.
const DAMAGED: u8 = 3;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  indelible verify indelible-data\n  \
    indelible verify http://127.0.0.1:7400 --vkey \"$(cat log.vkey)\"\n  \
    indelible verify package.zip --vkey \"$(cat log.vkey)\"\n\n\
    A directory may be in use by a server or lie there alone; an evidence package needs neither. Ends with 3 if anything is\n\
    damaged. Only a key that you kept elsewhere (--vkey) shows that it is the same log; without one the answer says\n\
    `key not pinned`.")]
pub(crate) struct Args {
    /// Data directory, URL of a server, or evidence package [default: the data directory of this machine, else the server]
    #[arg(value_name = "DIR|URL|FILE")]
    target: Option<String>,
    /// The log's verifier key, as you kept it (`log.vkey`)
    #[arg(long, value_name = "VKEY")]
    vkey: Option<VerifierKey>,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let report = report(args)?;
    if args.json {
        println!("{}", report.to_json());
    } else {
        print!("{}", report.to_text(crate::screen::Paint::stdout()));
    }
    Ok(if report.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(DAMAGED)
    })
}

fn report(args: &Args) -> Result<Report> {
    let pinned = args.vkey.as_ref();
    match args.target.as_deref() {
        Some(url) if url.contains("://") => {
            let remote = Remote {
                server: url.to_owned(),
                ..args.remote.clone()
            };
            server(&remote, pinned)
        }
        Some(file) if Path::new(file).is_file() => package::verify(Path::new(file), pinned),
        Some(dir) => directory(Path::new(dir), pinned),
        None if args.remote.data.is_dir() => directory(&args.remote.data, pinned),
        None => server(&args.remote, pinned),
    }
}

fn directory(path: &Path, pinned: Option<&VerifierKey>) -> Result<Report> {
    let entries = std::fs::read_dir(path);
    let mut entries = entries.with_context(|| format!("cannot read {}", path.display()))?;
    if entries.next().is_none() {
        bail!("{} is empty: not a data directory", path.display());
    }
    Ok(dir::verify(path, pinned))
}

/// Verifies a server.
pub(crate) fn server(remote: &Remote, pinned: Option<&VerifierKey>) -> Result<Report> {
    remote::verify(remote, pinned)
}

/// Verifies a data directory.
pub(crate) fn data_dir(path: &Path) -> Result<Report> {
    directory(path, None)
}
