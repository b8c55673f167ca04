//! `indelible get`: one event, its content, its proof.

use std::{
    io::{IsTerminal, Write, stdout},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use event::{RecordView, json::Value};

use crate::{
    client::{Client, ClientError, Remote},
    row::record,
    screen::{Paint, shown},
};

/// A checkpoint is due after a second; longer is a server in trouble.
const PROOF_TRIES: u32 = 20;
const PROOF_PAUSE: Duration = Duration::from_millis(300);

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  indelible get 41\n  indelible get refund-7 --content\n  indelible get 41 --proof > event-41.json"
)]
pub(crate) struct Args {
    /// Sequence number or id
    #[arg(value_name = "SEQ|ID")]
    event: String,
    /// Exact bytes of what went in and came out
    #[arg(long, conflicts_with = "proof")]
    content: bool,
    /// Proof bundle: the event, its place in the log, the signed checkpoint
    #[arg(long)]
    proof: bool,
    /// The exact record, on a terminal too
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let client = args.remote.client()?;
    let bytes = if args.content {
        client.get(
            &format!("/v1/events/{}/content", seq(&client, &args.event)?),
            &[],
        )?
    } else if args.proof {
        proof(&client, seq(&client, &args.event)?)?
    } else {
        let record = get_record(&client, &args.event)?;
        if stdout().is_terminal() && !args.json {
            print!("{}", readable(&record, Paint::stdout()));
            return Ok(ExitCode::SUCCESS);
        }
        record.into_bytes()
    };
    let mut out = stdout().lock();
    out.write_all(&bytes)?;
    if !bytes.ends_with(b"\n") {
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn get_record(client: &Client, event: &str) -> Result<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    if event.is_empty() || event == "stream" || !event.chars().all(is_plain) {
        bail!("{event:?} is neither a sequence number nor an id");
    }
    let row = client.get(&format!("/v1/events/{event}"), &[])?;
    Ok(record(
        std::str::from_utf8(&row)
            .context("the server's record is not text")?
            .trim_end(),
    ))
}

fn seq(client: &Client, event: &str) -> Result<u64> {
    if let Ok(seq) = event.parse() {
        return Ok(seq);
    }
    let record = get_record(client, event)?;
    let view =
        RecordView::parse(record.as_bytes()).context("the server's record cannot be read")?;
    Ok(view.seq.0)
}

/// The proof bundle, as soon as a checkpoint covers the event.
pub(crate) fn proof(client: &Client, seq: u64) -> Result<Vec<u8>> {
    let path = format!("/v1/events/{seq}/proof");
    for _ in 1..PROOF_TRIES {
        match client.get(&path, &[]) {
            Err(ClientError::Refused(problem)) if problem.http_status == 409 => {
                std::thread::sleep(PROOF_PAUSE);
            }
            other => return Ok(other?),
        }
    }
    Ok(client.get(&path, &[])?)
}

/// The members of a record, one a line.
fn readable(record: &str, paint: Paint) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    for (name, value) in Value::new(record).members() {
        let decoded = value.text().map(event::json::Text::decode);
        let text = decoded.as_deref().unwrap_or(value.as_str());
        let name = format!("{:<12}", shown(name.raw()));
        let _ = writeln!(out, "{} {}", paint.dim(&name), shown(text));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_shown_a_member_a_line() {
        let text = readable(r#"{"v":1,"id":"a\nb","actor":{"id":"x"}}"#, Paint::none());
        assert_eq!(
            text,
            "v            1\nid           a\\nb\nactor        {\"id\":\"x\"}\n"
        );
    }
}
