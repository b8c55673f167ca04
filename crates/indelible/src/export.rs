//! `indelible export`: everything that matches, into a file.

use std::{
    fs::File,
    io::{BufWriter, Write, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};
use event::RecordView;
use export::{Csv, Lines, Sheet};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Deserialize;

use crate::{
    client::{Client, Remote},
    query::{Ask, each_page},
    screen::Paint,
};

/// Write everything that matches to a file, oldest first
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  indelible export 'source:shell' --format jsonl -o shell.jsonl\n  \
    indelible export --format csv --no-content --from 2026-01-01T00:00:00Z -o january.csv\n\n\
    jsonl: a line is the exact record, with its content as the last member `contents`.\n\
    csv: for spreadsheets; a text that would be a formula gets an apostrophe."
)]
pub(crate) struct Args {
    /// Filter; everything without one
    #[arg(default_value = "")]
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
    #[command(flatten)]
    remote: Remote,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    Jsonl,
    Csv,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let client = args.remote.client()?;
    let at = args.at.map(|at| at.to_string());
    let ask = Ask {
        filter: &args.filter,
        from: args.from.as_deref(),
        to: args.to.as_deref(),
        at: at.as_deref(),
        oldest_first: true,
    };
    let bar = progress(count(&client, ask)?);
    let target = args
        .output
        .as_deref()
        .filter(|path| *path != Path::new("-"));
    // Under another name until it is whole, so that half an export is never taken for one.
    let unfinished = target.map(|path| {
        let mut name = path.as_os_str().to_owned();
        name.push(".part");
        PathBuf::from(name)
    });
    let out: Box<dyn Write> = match &unfinished {
        Some(path) => Box::new(
            File::create(path).with_context(|| format!("cannot create {}", path.display()))?,
        ),
        None => Box::new(stdout()),
    };
    let out = BufWriter::with_capacity(1 << 20, out);
    let mut sheet: Box<dyn Sheet> = match args.format {
        Format::Jsonl => Box::new(Lines::new(out)),
        Format::Csv => Box::new(Csv::new(out, !args.no_content)?),
    };
    let (mut records, mut contents) = (0u64, 0u64);
    each_page(&client, ask, usize::MAX, |page| {
        for record in page {
            let content = if args.no_content {
                None
            } else {
                content_of(&client, &record)?
            };
            sheet.put(&record, content.as_deref())?;
            records += 1;
            contents += u64::from(content.is_some());
            bar.inc(1);
        }
        Ok(())
    })?;
    sheet.finish()?;
    if let (Some(from), Some(to)) = (&unfinished, target) {
        std::fs::rename(from, to)
            .with_context(|| format!("cannot rename {} to {}", from.display(), to.display()))?;
    }
    bar.finish_and_clear();
    let place = target.map_or_else(
        || "standard output".to_owned(),
        |path| path.display().to_string(),
    );
    let text = format!("{records} records and {contents} contents to {place}");
    eprintln!("{} {text}", Paint::stderr().good("exported"));
    Ok(ExitCode::SUCCESS)
}

#[derive(Deserialize)]
struct Count {
    value: u64,
}

fn count(client: &Client, ask: Ask<'_>) -> Result<u64> {
    let optional = [
        (
            "q",
            Some(ask.filter).filter(|filter| !filter.trim().is_empty()),
        ),
        ("from", ask.from),
        ("to", ask.to),
        ("at", ask.at),
    ];
    let query: Vec<_> = optional
        .iter()
        .filter_map(|(name, value)| Some((*name, (*value)?)))
        .collect();
    let answer = client.get("/v1/count", &query)?;
    let count: Count = serde_json::from_slice(&answer)
        .context("the server's count is not what this version understands")?;
    Ok(count.value)
}

/// The content's exact text, for a record that has one.
fn content_of(client: &Client, record: &str) -> Result<Option<String>> {
    let Ok(view) = RecordView::parse(record.as_bytes()) else {
        return Ok(None);
    };
    if view.content.is_none() {
        return Ok(None);
    }
    let content = client
        .get(&format!("/v1/events/{}/content", view.seq), &[])
        .context("contents cannot be had; --no-content leaves them out")?;
    Ok(Some(
        String::from_utf8(content).context("a content is not text")?,
    ))
}

fn progress(total: u64) -> ProgressBar {
    // Draws nothing when standard error is not a terminal.
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} events, {eta} left");
    style.map_or(bar.clone(), |style| bar.with_style(style))
}
