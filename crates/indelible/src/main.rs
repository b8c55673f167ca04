//! The binary: one command a module, and the wiring between them.
//!
//! In scope: the command line, the HTTP client, what is shown on a terminal, verification of a directory or a
//! server, the load bench. Out of scope: everything that a server does (`server` and the crates below it).
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        reason = "a test that panics has failed"
    )
)]

mod bench;
mod child;
mod client;
mod demo;
mod exec;
mod export;
mod gateway;
mod get;
mod hook;
mod key;
mod mcp;
mod mcp_server;
mod query;
mod random;
mod row;
mod run;
mod screen;
mod serve;
mod shell;
mod stats;
mod table;
mod trail;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The audit trail for AI agents: record, search, prove, export.
#[derive(Debug, Parser)]
#[command(name = "indelible", version, after_help = "Start with: indelible demo")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Arguments are built for the command that runs, which is what a short one would notice.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum Command {
    /// See it work: a real job, recorded and verified, on a temporary trail
    Demo(demo::Args),
    /// Run the server
    Serve(serve::Args),
    /// Run the gateway next to agents; events go to a server
    Gateway(gateway::Args),
    /// Run an agent with a gateway around it
    Run(run::Args),
    /// Run a command and record it; same output, same exit status
    Exec(exec::Args),
    /// Open a shell in which everything on the terminal is recorded
    Shell(shell::Args),
    /// Standard input to standard output, for what outlives its command
    #[command(hide = true)]
    Relay,
    /// Run an MCP server and record what is asked of it
    Mcp(mcp::Args),
    /// Record one hook of an agent: its payload comes on standard input
    Hook(hook::Args),
    /// Search the trail, newest first
    Query(query::Args),
    /// Show one event, its content or its proof
    Get(get::Args),
    /// Count events and add up tokens, cost and time, by groups or over time
    Stats(stats::Args),
    /// Write everything that matches to a file, oldest first
    Export(export::Args),
    /// Check that nothing was changed, cut off or put back
    Verify(verify::Args),
    /// Make, list and revoke API keys
    Key(key::Args),
    /// Make and list trails
    Trail(trail::Args),
    /// Offer the trail to an assistant that starts its tools itself
    McpServer(mcp_server::Args),
    /// Measure a server under load; a JSON report
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    let args = exec::as_exec(&args, |name| std::env::var_os(name)).unwrap_or(args);
    let done = match Cli::parse_from(args).command {
        Command::Demo(args) => demo::run(&args),
        Command::Serve(args) => serve::run(args),
        Command::Gateway(args) => gateway::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Exec(args) => exec::run(args),
        Command::Shell(args) => shell::run(args),
        Command::Relay => exec::run_relay(),
        Command::Mcp(args) => mcp::run(&args),
        Command::Hook(args) => hook::run(args),
        Command::Query(args) => query::run(&args),
        Command::Get(args) => get::run(&args),
        Command::Stats(args) => stats::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Key(args) => key::run(args),
        Command::Trail(args) => trail::run(args),
        Command::McpServer(args) => mcp_server::run(&args),
        Command::Bench(args) => bench::run(&args),
    };
    match done {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // The text may quote what a server or a file said.
            eprintln!("indelible: {}", screen::shown_lines(&with_causes(&error)));
            if is_wrong_use(&error) {
                ExitCode::from(WRONG_USE)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// Exit status of wrong use, the same that clap gives.
const WRONG_USE: u8 = 2;

/// What was asked for cannot be asked, a bad filter above all.
fn is_wrong_use(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let refused = cause.downcast_ref::<client::ClientError>();
        matches!(refused, Some(client::ClientError::Refused(problem)) if problem.http_status == 400)
    })
}

/// Whoever read our output has seen enough (`indelible query | head`).
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// The error and its causes. Some errors have their cause in their own text already.
fn with_causes(error: &anyhow::Error) -> String {
    let add = |told: String, cause: String| {
        if told.ends_with(&cause) {
            told
        } else {
            format!("{told}: {cause}")
        }
    };
    let mut causes = error.chain().map(ToString::to_string);
    let first = causes.next().unwrap_or_default();
    causes.fold(first, add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let cause = std::io::Error::other("no such file");
        let error = anyhow::Error::new(cause)
            .context("cannot read x: no such file")
            .context("no start");
        assert_eq!(with_causes(&error), "no start: cannot read x: no such file");
        let other = anyhow::anyhow!("full").context("cannot write x");
        assert_eq!(with_causes(&other), "cannot write x: full");
    }
}
