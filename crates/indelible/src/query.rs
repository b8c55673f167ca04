//! `indelible query`: the newest events that match.

mod messages;

use std::{
    io::{BufRead, IsTerminal, Write, stdout},
    process::ExitCode,
    time::Duration,
};

use anyhow::Result;
use clap::error::ErrorKind;
use event::RecordView;
use messages::Messages;
use serde::Deserialize;

use crate::{
    client::{Client, ClientError, Remote},
    row::{Page, record},
    screen::{Paint, columns},
    table::{Cell, Tone, draw},
};

/// Most rows that the API gives at once.
pub(crate) const PAGE_ROWS: usize = 200;
/// Pause before a stream that ended is taken up again.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  indelible query 'action:shell.* result:failure' --from=-24h\n  \
    indelible query 'actor:agent-7' --limit 500 --json | jq .action\n  indelible query --follow\n\n\
    A table on a terminal, one exact record a line in a pipe."
)]
pub(crate) struct Args {
    /// Filter; everything without one
    #[arg(default_value = "", allow_hyphen_values = true)]
    filter: String,
    /// Events that happened at or after this time (RFC 3339, or -24h)
    #[arg(long, allow_hyphen_values = true, value_name = "TIME")]
    from: Option<String>,
    /// Events that happened before this time
    #[arg(long, allow_hyphen_values = true, value_name = "TIME")]
    to: Option<String>,
    /// Most events to print; with --follow, 0 for newer ones alone
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: usize,
    /// Then wait for newer ones, until Ctrl-C
    #[arg(long, conflicts_with = "to")]
    follow: bool,
    /// JSON Lines, on a terminal too
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

/// What is asked of the list.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ask<'a> {
    pub(crate) filter: &'a str,
    pub(crate) from: Option<&'a str>,
    pub(crate) to: Option<&'a str>,
    /// Size of the log to look at; as it is now without.
    pub(crate) at: Option<&'a str>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if args.limit == 0 && !args.follow {
        let what = "--limit takes 1 or more, and 0 only with --follow\n";
        clap::Error::raw(ErrorKind::ValueValidation, what).exit();
    }
    let client = args.remote.client()?;
    let is_table = !args.json && stdout().is_terminal();
    let ask = Ask {
        filter: &args.filter,
        from: args.from.as_deref(),
        to: args.to.as_deref(),
        ..Ask::default()
    };
    if args.follow {
        // The list and the stream meet at the list's size: nothing is in both or in neither.
        let size = log_size(&client)?;
        let at = size.to_string();
        let ask = Ask {
            at: Some(&at),
            ..ask
        };
        let mut records = newest(&client, ask, args.limit)?;
        records.reverse();
        print(&records, is_table)?;
        return follow(&client, args, size.saturating_sub(1), is_table);
    }
    let records = newest(&client, ask, args.limit)?;
    if records.is_empty() && is_table {
        println!("No event matches.");
        return Ok(ExitCode::SUCCESS);
    }
    print(&records, is_table)?;
    Ok(ExitCode::SUCCESS)
}

fn log_size(client: &Client) -> Result<u64> {
    let page = Page::parse(&client.get("/v1/events", &[("limit", "1")])?)?;
    Ok(page.snapshot.tree_size)
}

/// Exact records, newest first.
pub(crate) fn newest(client: &Client, ask: Ask<'_>, limit: usize) -> Result<Vec<String>> {
    let mut records = Vec::new();
    each_page(client, ask, limit, |page| {
        records.extend(page);
        Ok(())
    })?;
    Ok(records)
}

/// Walks over the pages of a list; exact records.
fn each_page(
    client: &Client,
    ask: Ask<'_>,
    limit: usize,
    mut visit: impl FnMut(Vec<String>) -> Result<()>,
) -> Result<()> {
    let mut left = limit;
    let mut cursor: Option<String> = None;
    while left > 0 {
        let rows = left.min(PAGE_ROWS).to_string();
        let mut query = vec![("limit", rows.as_str())];
        if !ask.filter.trim().is_empty() {
            query.push(("q", ask.filter));
        }
        let optional = [
            ("from", ask.from),
            ("to", ask.to),
            ("at", ask.at),
            ("cursor", cursor.as_deref()),
        ];
        query.extend(
            optional
                .iter()
                .filter_map(|(name, value)| Some((*name, (*value)?))),
        );
        let page = Page::parse(&client.get("/v1/events", &query)?)?;
        left -= page.data.len().min(left);
        visit(page.data.iter().map(|row| record(row.get())).collect())?;
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    Ok(())
}

/// What is printed by [`follow`] when the server leaves something out.
#[derive(Debug, Deserialize)]
struct Gap {
    missed: u64,
    from: u64,
    to: u64,
}

/// Prints what comes after an event of the log, and goes on there when the server was away.
fn follow(client: &Client, args: &Args, last: u64, is_table: bool) -> Result<ExitCode> {
    let filter = Some(args.filter.as_str()).filter(|filter| !filter.trim().is_empty());
    let asked: Vec<_> = filter.map(|filter| ("q", filter)).into_iter().collect();
    let mut last = last.to_string();
    loop {
        match client.stream("/v1/events/stream", &asked, Some(&last)) {
            Ok(stream) => print_stream(stream, is_table, &mut last)?,
            Err(ClientError::Unreachable { .. }) => {}
            Err(ClientError::Refused(problem)) if is_passing(problem.http_status) => {}
            Err(refused) => return Err(refused.into()),
        }
        std::thread::sleep(RECONNECT_PAUSE);
    }
}

/// Whether the same may be answered well a moment later.
fn is_passing(http_status: u16) -> bool {
    matches!(http_status, 429 | 500..)
}

/// Prints events up to the end of a stream; `last` becomes the last one's id.
fn print_stream(stream: impl BufRead, is_table: bool, last: &mut String) -> Result<()> {
    let mut messages = Messages::new(stream);
    // A stream that breaks is taken up again where it broke.
    while let Some(message) = messages.next_message() {
        match message.event.as_str() {
            "" => print_rows(&[record(&message.data)], is_table, false)?,
            "gap" => {
                let Gap { missed, from, to } = serde_json::from_str(&message.data)?;
                let end = to.saturating_sub(1);
                eprintln!(
                    "{missed} events were left out: this was too slow. They are seq:{from}..{end}"
                );
            }
            _ => {}
        }
        if let Some(id) = message.id {
            *last = id;
        }
    }
    Ok(())
}

fn print(records: &[String], is_table: bool) -> Result<()> {
    print_rows(records, is_table, true)
}

fn print_rows(records: &[String], is_table: bool, has_head: bool) -> Result<()> {
    let mut out = stdout().lock();
    if is_table {
        let text = table(records, columns(), Paint::stdout());
        let rows = if has_head {
            Some(text.as_str())
        } else {
            text.split_once('\n').map(|(_, rows)| rows)
        };
        out.write_all(rows.unwrap_or_default().as_bytes())?;
    } else {
        for record in records {
            writeln!(out, "{record}")?;
        }
    }
    Ok(out.flush()?)
}

/// Records as a table.
pub(crate) fn table(records: &[String], columns: usize, paint: Paint) -> String {
    let head = [
        "SEQ",
        "TIME (UTC)",
        "ACTOR",
        "ACTION",
        "RESOURCE",
        "RESULT",
        "STATUS",
        "TOOK",
    ];
    let rows: Vec<_> = records.iter().map(|record| cells(record)).collect();
    draw(&head, &rows, columns, paint)
}

fn cells(record: &str) -> Vec<Cell> {
    let Ok(view) = RecordView::parse(record.as_bytes()) else {
        // An erased event, or a version that is newer than this program.
        return vec![Cell::plain(""), Cell::new(record, Tone::Dim)];
    };
    let resource = view.resource.as_ref().map_or(String::new(), |resource| {
        let parts = [resource.kind.as_deref(), resource.id.as_deref()];
        parts.into_iter().flatten().collect::<Vec<_>>().join("/")
    });
    // An action that takes time is two records; the first has no result yet.
    let phase = view
        .producer
        .as_ref()
        .and_then(|producer| producer.phase.as_deref());
    let result = view
        .result
        .as_deref()
        .or(phase.filter(|phase| *phase == "intent"));
    let result = result.unwrap_or_default();
    let tone = match result {
        "success" => Tone::Good,
        "" | "intent" => Tone::Dim,
        _ => Tone::Bad,
    };
    let time = view.time.get(..19).unwrap_or(&view.time).replace('T', " ");
    let status = view
        .status
        .map_or(String::new(), |status| status.to_string());
    vec![
        Cell::right(&view.seq.to_string(), Tone::Dim),
        Cell::plain(&time),
        Cell::new(&view.actor.id, Tone::Accent),
        Cell::plain(&view.action),
        Cell::plain(&resource),
        Cell::new(result, tone),
        Cell::right(&status, Tone::Plain),
        Cell::right(&took(view.duration_us), Tone::Dim),
    ]
}

/// A duration in a unit that a person reads at a glance.
fn took(micros: Option<i64>) -> String {
    match micros {
        None => String::new(),
        Some(us @ ..1_000) => format!("{us} µs"),
        Some(us @ ..1_000_000) => format!("{} ms", us / 1_000),
        Some(us @ ..60_000_000) => format!("{}.{} s", us / 1_000_000, us / 100_000 % 10),
        Some(us) => format!("{} min {} s", us / 60_000_000, us / 1_000_000 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_a_row_and_its_text_is_harmless() {
        let record = "{\"v\":1,\"id\":\"x\",\"seq\":7,\"recorded_at\":\"2026-01-02T03:04:05.000006Z\",\
            \"time\":\"2026-01-02T03:04:05.000006Z\",\"duration_us\":1500000,\"actor\":{\"type\":\"agent\",\"id\":\"a\\u001b[2J\"},\
            \"source\":\"shell\",\"action\":\"shell.exec\",\"resource\":{\"type\":\"command\",\"id\":\"ls\"},\
            \"result\":\"failure\",\"status\":2}";
        let text = table(&[record.to_owned()], 200, Paint::none());
        assert_eq!(
            text.lines().nth(1).unwrap(),
            "  7  2026-01-02 03:04:05  a\\u{1b}[2J  shell.exec  command/ls  failure       2  1.5 s"
        );
    }

    #[test]
    fn durations_are_short() {
        let cases = [
            (999, "999 µs"),
            (1_000, "1 ms"),
            (59_990_000, "59.9 s"),
            (61_000_000, "1 min 1 s"),
        ];
        for (micros, text) in cases {
            assert_eq!(took(Some(micros)), text);
        }
    }
}
