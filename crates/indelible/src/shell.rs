//! `indelible shell`: a terminal session, recorded.

use std::{ffi::OsString, fs::File, os::fd::AsFd, process::ExitCode};

use anyhow::Result;
use capture::{Env, shell::Terminal};

use crate::{
    exec::{Options, Recorded, terminal},
    screen::Paint,
};

#[derive(Debug, clap::Args)]
#[command(
    override_usage = "indelible shell [OPTIONS] [-- CMD…]",
    after_help = "Example: indelible shell --job incident-12\n\n\
        Records what the terminal shows, as an asciicast, without the secrets in it; what is typed without echo is never seen. \
        Replay of the job plays it. Commands that are run with `indelible exec` inside belong to the same job."
)]
pub(crate) struct Args {
    #[command(flatten)]
    options: Options,
    /// What to run instead of the user's shell
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    command: Vec<OsString>,
}

pub(crate) fn run(mut args: Args) -> Result<ExitCode> {
    let job = args.options.job.take().filter(|job| !job.is_empty());
    let job = job.unwrap_or_else(|| format!("shell-{}", Env::system().new_id()));
    args.options.job = Some(job.clone());
    if args.command.is_empty() {
        let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty());
        args.command.push(shell.unwrap_or_else(|| "/bin/sh".into()));
    }
    let mut recorded = Recorded::new(&args.options, args.command)?;
    let variables = [
        ("INDELIBLE_JOB", job.clone()),
        ("INDELIBLE_PARENT", recorded.call().to_owned()),
    ];
    let terminal = match terminal()? {
        Some(terminal) => {
            let paint = Paint::stderr();
            eprintln!(
                "{} this session is recorded as job {job}; leave the shell to end it",
                paint.warn("indelible:")
            );
            terminal
        }
        // What is piped in is typed, and what is shown is piped out.
        None => Terminal {
            input: File::from(std::io::stdin().as_fd().try_clone_to_owned()?),
            output: File::from(std::io::stdout().as_fd().try_clone_to_owned()?),
            stderr: None,
        },
    };
    recorded.in_terminal(&terminal, &variables)
}
