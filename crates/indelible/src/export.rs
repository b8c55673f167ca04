//! `indelible export`: everything that matches, into a file. The server makes it; this waits for it and fetches it.

use std::{
    fs::File,
    io::{BufRead, BufWriter, IsTerminal, Write, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Deserialize;

use crate::{
    client::{Client, Remote},
    screen::Paint,
    verify::number,
};

/// Pause between two questions how far the server is.
const POLL_EVERY: Duration = Duration::from_millis(150);

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  indelible export 'source:shell' --format jsonl -o shell.jsonl\n  \
    indelible export --format evidence --from 2026-01-01T00:00:00Z --purpose 'audit, first quarter' -o audit.zip\n\n\
    evidence: records, contents, proofs, gaps and a page that checks them; `indelible verify audit.zip`.\n\
    jsonl: a line is the exact record, with its content as the last member `contents`.\n\
    csv: for spreadsheets; a text that would be a formula gets an apostrophe.\n\n\
    The export is recorded in the trail. The key needs scope `export`, and `content` unless --no-content."
)]
pub(crate) struct Args {
    /// Filter; everything without one
    #[arg(default_value = "", allow_hyphen_values = true)]
    filter: String,
    /// Format of the file
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// File to write; standard output without one
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Events that happened at or after this time (RFC 3339, or -24h)
    #[arg(long, allow_hyphen_values = true, value_name = "TIME")]
    from: Option<String>,
    /// Events that happened before this time
    #[arg(long, allow_hyphen_values = true, value_name = "TIME")]
    to: Option<String>,
    /// The log as it was at this size
    #[arg(long, value_name = "SIZE")]
    at: Option<u64>,
    /// Leave out what went in and came out
    #[arg(long)]
    no_content: bool,
    /// What it is for: goes into the package and into the trail
    #[arg(long, value_name = "TEXT", default_value = "")]
    purpose: String,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Evidence,
    Jsonl,
    Csv,
}

/// What the server says of an export.
#[derive(Debug, Deserialize)]
struct Export {
    id: String,
    status: String,
    error: Option<String>,
    progress: Progress,
    counts: Counts,
    bytes: u64,
    event_seq: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Progress {
    done: u64,
    total: u64,
}

#[derive(Debug, Deserialize)]
struct Counts {
    records: u64,
    contents: u64,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let target = args
        .output
        .as_deref()
        .filter(|path| *path != Path::new("-"));
    if args.format == Format::Evidence && target.is_none() && stdout().is_terminal() {
        bail!("an evidence package is a ZIP file: name it with -o");
    }
    let client = args.remote.client()?;
    let export = make(&client, args)?;
    let path = format!("/v1/exports/{}", export.id);
    fetch(&client, &format!("{path}/download"), export.bytes, target)?;
    // The file is here now; what is left on the server would only take room.
    client.delete(&path)?;
    let place = target.map_or_else(
        || "standard output".to_owned(),
        |path| path.display().to_string(),
    );
    let (records, contents) = (
        number(export.counts.records),
        number(export.counts.contents),
    );
    let recorded = export
        .event_seq
        .map_or(String::new(), |seq| format!(", on record as event {seq}"));
    eprintln!(
        "{} {records} records and {contents} contents to {place}{recorded}",
        Paint::stderr().good("exported")
    );
    Ok(ExitCode::SUCCESS)
}

/// Has the server make the file, and waits for it.
fn make(client: &Client, args: &Args) -> Result<Export> {
    let format = match args.format {
        Format::Evidence => "evidence",
        Format::Jsonl => "jsonl",
        Format::Csv => "csv",
    };
    let body = serde_json::json!({
        "q": args.filter,
        "from": args.from,
        "to": args.to,
        "at": args.at,
        "format": format,
        "contents": !args.no_content,
        "purpose": args.purpose,
    });
    let answer = client.post(
        "/v1/exports",
        "application/json",
        body.to_string().as_bytes(),
    )?;
    let mut export = parse(&answer)?;
    let path = format!("/v1/exports/{}", export.id);
    let bar = progress();
    loop {
        bar.set_length(export.progress.total);
        bar.set_position(export.progress.done);
        match export.status.as_str() {
            "done" => break,
            "failed" => bail!("the export failed: {}", export.error.unwrap_or_default()),
            _ => std::thread::sleep(POLL_EVERY),
        }
        export = parse(&client.get(&path, &[])?)?;
    }
    bar.finish_and_clear();
    Ok(export)
}

/// Writes the file, under another name until it is whole: half an export is never taken for one.
fn fetch(client: &Client, path: &str, bytes: u64, target: Option<&Path>) -> Result<()> {
    let body = client.stream(path, &[], None)?;
    let Some(target) = target else {
        return copy(body, bytes, &mut stdout().lock());
    };
    let mut unfinished = target.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    let file = File::create(&unfinished)
        .with_context(|| format!("cannot create {}", unfinished.display()))?;
    let mut file = BufWriter::with_capacity(1 << 20, file);
    copy(body, bytes, &mut file)?;
    std::fs::rename(&unfinished, target).with_context(|| {
        format!(
            "cannot rename {} to {}",
            unfinished.display(),
            target.display()
        )
    })
}

fn copy(mut body: impl BufRead, bytes: u64, out: &mut impl Write) -> Result<()> {
    let copied = std::io::copy(&mut body, out)?;
    ensure!(
        copied == bytes,
        "the server sent {copied} of {bytes} bytes; nothing was exported"
    );
    Ok(out.flush()?)
}

fn parse(answer: &[u8]) -> Result<Export> {
    serde_json::from_slice(answer)
        .context("what the server says of the export is not what this version understands")
}

fn progress() -> ProgressBar {
    // Draws nothing when standard error is not a terminal.
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} events, {eta} left");
    style.map_or(bar.clone(), |style| bar.with_style(style))
}
