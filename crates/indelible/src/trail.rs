//! `indelible trail`: trails of a node, one for each organisation.

use std::{
    io::{IsTerminal, stdout},
    process::ExitCode,
};

use anyhow::{Context, Result};
use clap::Subcommand;
use event::TrailId;
use serde_json::{Value, json};

use crate::{
    client::Remote,
    screen::{Paint, columns, shown},
    table::{Cell, draw},
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  indelible trail create acme\n  indelible trail list\n\n\
    Needs a key with scope node, which the first key of a server has."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a trail; prints its admin key, once
    Create {
        /// 1 to 64 of a-z, 0-9, '.', '_', '-'
        name: TrailId,
        /// Let everybody read checkpoints and tiles
        #[arg(long)]
        public: bool,
        /// The server's answer as it is
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        remote: Remote,
    },
    /// List the trails of the node
    List {
        /// JSON Lines, on a terminal too
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        remote: Remote,
    },
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    match args.action {
        Action::Create {
            name,
            public,
            json,
            remote,
        } => {
            let body = json!({"name": name.as_str(), "public": public}).to_string();
            let answer =
                remote
                    .client()?
                    .post("/v1/trails", "application/json", body.as_bytes())?;
            if json || !stdout().is_terminal() {
                println!("{}", String::from_utf8_lossy(&answer).trim_end());
            } else {
                let made: Value =
                    serde_json::from_slice(&answer).context("the server's answer is not JSON")?;
                let key = made.get("key").and_then(Value::as_str).unwrap_or_default();
                println!("{}", shown(key));
                let note = format!("admin key of trail {name}: keep it now, it is not shown again");
                eprintln!("{}", Paint::stderr().dim(&note));
            }
        }
        Action::List { json, remote } => list(&remote, json)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(remote: &Remote, is_json: bool) -> Result<()> {
    let answer = remote.client()?.get("/v1/trails", &[])?;
    let list: Value = serde_json::from_slice(&answer).context("the server's answer is not JSON")?;
    let trails = list
        .get("data")
        .and_then(Value::as_array)
        .context("the server's answer is not a list")?;
    if is_json || !stdout().is_terminal() {
        for trail in trails {
            println!("{trail}");
        }
        return Ok(());
    }
    let rows: Vec<_> = trails
        .iter()
        .map(|trail| {
            let cell = |name: &str| match trail.get(name) {
                Some(Value::String(text)) => Cell::plain(text),
                Some(other) => Cell::plain(&other.to_string()),
                None => Cell::plain("-"),
            };
            ["name", "size", "public"].map(cell).to_vec()
        })
        .collect();
    print!(
        "{}",
        draw(
            &["NAME", "EVENTS", "PUBLIC"],
            &rows,
            columns(),
            Paint::stdout()
        )
    );
    Ok(())
}
