//! `indelible key`: API keys of a trail.

use std::{
    io::{IsTerminal, stdout},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use event::Micros;
use ledger::{Clock, SystemClock};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    client::Remote,
    screen::{Paint, columns, shown},
    table::{Cell, Tone, draw},
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  indelible key create --name ci --scope ingest --expires 90d\n  \
    indelible key create --name 'Jana Okafor' --role auditor\n  indelible key list\n  \
    indelible key revoke ID\n\nScopes: ingest, read, content, export, gateway, admin, node.\n\
    Roles, for people: viewer, auditor, operator, admin."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key; it is shown once
    Create(Create),
    /// List the keys of the trail
    List {
        /// JSON Lines, on a terminal too
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        remote: Remote,
    },
    /// Make a key worthless, at once and for good
    Revoke {
        /// Public id of the key
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
}

#[derive(Debug, clap::Args)]
struct Create {
    /// What it may do; several, or separated by commas
    #[arg(
        long = "scope",
        required_unless_present = "role",
        conflicts_with = "role",
        value_delimiter = ',',
        value_name = "SCOPE"
    )]
    scopes: Vec<String>,
    /// A person's role instead of scopes
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Name, for people
    #[arg(long, default_value = "")]
    name: String,
    /// Only this project
    #[arg(long)]
    project: Option<String>,
    /// Until when: RFC 3339, or a span such as 12h or 90d
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// The server's answer as it is
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    match args.action {
        Action::Create(args) => create(&args)?,
        Action::List { json, remote } => list(&remote, json)?,
        Action::Revoke { id, remote } => {
            if id.is_empty()
                || !id
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
            {
                bail!("{id:?} is not the id of a key; see `indelible key list`");
            }
            remote.client()?.delete(&format!("/v1/keys/{id}"))?;
            println!("revoked {id}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn create(args: &Create) -> Result<()> {
    let expires_at = args
        .expires
        .as_deref()
        .map(|text| expiry(text, SystemClock.now()))
        .transpose()?;
    let (what, value, usual) = match &args.role {
        Some(role) => ("role", json!(role), role.clone()),
        None => ("scopes", json!(args.scopes), args.scopes.join("+")),
    };
    let name = if args.name.is_empty() {
        usual
    } else {
        args.name.clone()
    };
    let body =
        json!({"name": name, what: value, "project": args.project, "expires_at": expires_at});
    let answer =
        args.remote
            .client()?
            .post("/v1/keys", "application/json", body.to_string().as_bytes())?;
    if args.json || !stdout().is_terminal() {
        println!("{}", String::from_utf8_lossy(&answer).trim_end());
        return Ok(());
    }
    let made: Value = serde_json::from_slice(&answer).context("the server's answer is not JSON")?;
    let text = |name| made.get(name).and_then(Value::as_str).unwrap_or_default();
    println!("{}", shown(text("key")));
    eprintln!(
        "{}",
        Paint::stderr().dim(&format!(
            "key {}: keep it now, it is not shown again",
            shown(text("id"))
        ))
    );
    Ok(())
}

#[derive(Deserialize)]
struct List {
    data: Vec<Box<RawValue>>,
}

fn list(remote: &Remote, is_json: bool) -> Result<()> {
    let answer = remote.client()?.get("/v1/keys", &[])?;
    let list: List =
        serde_json::from_slice(&answer).context("the server's answer is not a list")?;
    if is_json || !stdout().is_terminal() {
        for key in &list.data {
            println!("{}", key.get());
        }
        return Ok(());
    }
    let mut rows = Vec::new();
    for key in &list.data {
        let key: Value = serde_json::from_str(key.get())?;
        let cell = |name: &str| match key.get(name) {
            None | Some(Value::Null) => Cell::new("-", Tone::Dim),
            Some(Value::String(text)) => Cell::plain(text),
            Some(Value::Array(items)) => {
                let items: Vec<_> = items.iter().filter_map(Value::as_str).collect();
                Cell::plain(&items.join(","))
            }
            Some(other) => Cell::plain(&other.to_string()),
        };
        rows.push(
            ["id", "name", "role", "scopes", "project", "expires_at"]
                .map(cell)
                .to_vec(),
        );
    }
    print!(
        "{}",
        draw(
            &["ID", "NAME", "ROLE", "SCOPES", "PROJECT", "EXPIRES"],
            &rows,
            columns(),
            Paint::stdout()
        )
    );
    Ok(())
}

/// An RFC 3339 time as it is, or a span from now on.
fn expiry(text: &str, now: Micros) -> Result<String> {
    if event::instant_micros(text).is_ok() {
        return Ok(text.to_owned());
    }
    let seconds = match text.chars().last() {
        Some('m') => Some(60),
        Some('h') => Some(3_600),
        Some('d') => Some(86_400),
        _ => None,
    };
    let count = text
        .get(..text.len().saturating_sub(1))
        .and_then(|count| count.parse::<u64>().ok());
    let (Some(seconds), Some(count)) = (seconds, count) else {
        bail!("--expires {text:?} is neither an RFC 3339 time nor a span such as 30m, 12h or 90d");
    };
    let span = count.saturating_mul(seconds).saturating_mul(1_000_000);
    Ok(Micros(now.0.saturating_add(span)).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_a_time_or_a_span() {
        assert_eq!(
            expiry("2030-01-01T00:00:00Z", Micros(0)).unwrap(),
            "2030-01-01T00:00:00Z"
        );
        assert_eq!(
            expiry("2d", Micros(1)).unwrap(),
            "1970-01-03T00:00:00.000001Z"
        );
        for text in ["", "d", "2", "2w", "-2d", "tomorrow"] {
            assert!(expiry(text, Micros(0)).is_err(), "{text}");
        }
    }
}
