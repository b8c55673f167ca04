//! `indelible stats`: figures by groups and over time.

mod bars;

use std::{
    collections::BTreeMap,
    io::{IsTerminal, Write, stdout},
    process::ExitCode,
};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    client::Remote,
    screen::{Paint, columns},
    table::{Cell, Tone, draw},
};
use bars::{bar, sparkline};

/// Cells of a bar.
const BAR_WIDTH: usize = 24;
/// Columns that sparklines may take; longer series show their end.
const SPARKLINE_WIDTH: usize = 60;
/// Most lines of sparklines: as many as rows of groups.
const MAX_LINES: usize = 100;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  indelible stats --by source,result --from=-24h\n  \
    indelible stats 'source:llm' --by actor --sort cost_nanousd --top 20\n  \
    indelible stats 'result:failure' --by action --interval hour --tz Europe/Berlin\n\n\
    Bars and sparklines on a terminal, one row a line as JSON in a pipe."
)]
pub(crate) struct Args {
    /// Filter; everything without one
    #[arg(default_value = "", allow_hyphen_values = true)]
    filter: String,
    /// Members that make a group, up to three, such as source,result
    #[arg(long, value_name = "MEMBERS")]
    by: Option<String>,
    /// Buckets of a minute, hour, day or week
    #[arg(long, value_name = "INTERVAL")]
    interval: Option<String>,
    /// Events that happened at or after this time (RFC 3339, or -24h)
    #[arg(long, allow_hyphen_values = true, value_name = "TIME")]
    from: Option<String>,
    /// Events that happened before this time
    #[arg(long, allow_hyphen_values = true, value_name = "TIME")]
    to: Option<String>,
    /// Time zone of buckets, such as Europe/Berlin; UTC without one
    #[arg(long, value_name = "ZONE", requires = "interval")]
    tz: Option<String>,
    /// Figure by which groups are ordered, falling; count without one
    #[arg(long, value_name = "FIGURE", conflicts_with = "interval")]
    sort: Option<String>,
    /// Most groups, 100 without a number
    #[arg(long, value_name = "N", conflicts_with = "interval")]
    top: Option<u32>,
    /// JSON Lines, on a terminal too
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

/// An answer of `GET /v1/aggregate` or `GET /v1/series`.
#[derive(Debug, Deserialize)]
struct Answer {
    data: Vec<Box<RawValue>>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let path = if args.interval.is_some() {
        "/v1/series"
    } else {
        "/v1/aggregate"
    };
    let top = args.top.map(|top| top.to_string());
    let asked = [
        (
            "q",
            Some(args.filter.as_str()).filter(|q| !q.trim().is_empty()),
        ),
        ("by", args.by.as_deref()),
        ("interval", args.interval.as_deref()),
        ("from", args.from.as_deref()),
        ("to", args.to.as_deref()),
        ("tz", args.tz.as_deref()),
        ("sort", args.sort.as_deref()),
        ("top", top.as_deref()),
    ];
    let asked: Vec<_> = asked
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let body = args.remote.client()?.get(path, &asked)?;
    let answer: Answer = serde_json::from_slice(&body)
        .context("the server's figures are not what this version understands")?;
    let mut out = stdout().lock();
    if args.json || !stdout().is_terminal() {
        for row in &answer.data {
            writeln!(out, "{}", row.get())?;
        }
        return finish(out);
    }
    let rows: Result<Vec<Value>, _> = answer
        .data
        .iter()
        .map(|row| serde_json::from_str(row.get()))
        .collect();
    let rows = rows?;
    let by: Vec<&str> = args.by.iter().flat_map(|by| by.split(',')).collect();
    let text = match (&args.interval, by.is_empty()) {
        _ if rows.is_empty() => "No event matches.\n".to_owned(),
        (None, _) => groups(&rows, &by, args.sort.as_deref(), columns(), Paint::stdout()),
        (Some(_), true) => buckets(&rows, columns(), Paint::stdout()),
        (Some(_), false) => lines(&rows, &by, columns(), Paint::stdout()),
    };
    out.write_all(text.as_bytes())?;
    finish(out)
}

fn finish(mut out: impl Write) -> Result<ExitCode> {
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

const FIGURE_HEADS: [&str; 5] = ["COUNT", "FAILED", "TOKENS", "COST", "TOOK"];

/// A table of groups, each with a bar of the figure that orders them.
fn groups(rows: &[Value], by: &[&str], sort: Option<&str>, columns: usize, paint: Paint) -> String {
    let sort = sort.unwrap_or("count");
    let most = rows.iter().map(|row| figure(row, sort)).fold(0.0, f64::max);
    let heads: Vec<String> = by.iter().map(|name| name.to_uppercase()).collect();
    let mut head: Vec<&str> = heads.iter().map(String::as_str).collect();
    head.push("");
    head.extend(FIGURE_HEADS);
    let cells = |row: &Value| {
        let mut cells = values(row, by);
        cells.push(Cell::new(
            &bar(figure(row, sort), most, BAR_WIDTH),
            Tone::Accent,
        ));
        cells.extend(figures(row));
        cells
    };
    let rows: Vec<_> = rows.iter().map(cells).collect();
    draw(&head, &rows, columns, paint)
}

/// A table of buckets, each with a bar of its count.
fn buckets(rows: &[Value], columns: usize, paint: Paint) -> String {
    let most = rows
        .iter()
        .map(|row| figure(row, "count"))
        .fold(0.0, f64::max);
    let mut head = vec!["START", ""];
    head.extend(FIGURE_HEADS);
    let cells = |row: &Value| {
        let count = bar(figure(row, "count"), most, BAR_WIDTH);
        let mut cells = vec![Cell::plain(start(row)), Cell::new(&count, Tone::Accent)];
        cells.extend(figures(row));
        cells
    };
    let rows: Vec<_> = rows.iter().map(cells).collect();
    draw(&head, &rows, columns, paint)
}

/// A line for each group, the most frequent first: its count over time and in all.
fn lines(rows: &[Value], by: &[&str], columns: usize, paint: Paint) -> String {
    let shown = rows.len().saturating_sub(SPARKLINE_WIDTH);
    let rows = rows.get(shown..).unwrap_or_default();
    let mut groups: BTreeMap<Vec<String>, (Vec<&Value>, Vec<f64>)> = BTreeMap::new();
    for (at, bucket) in rows.iter().enumerate() {
        for row in bucket["groups"].as_array().into_iter().flatten() {
            let key: Vec<&Value> = by.iter().map(|name| &row[*name]).collect();
            let texts = key.iter().map(ToString::to_string).collect();
            let new = || (key, vec![0.0; rows.len()]);
            let (_, line) = groups.entry(texts).or_insert_with(new);
            if let Some(count) = line.get_mut(at) {
                *count = figure(row, "count");
            }
        }
    }
    let total = |line: &[f64]| line.iter().sum::<f64>();
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by(|(_, one), (_, other)| total(other).total_cmp(&total(one)));
    groups.truncate(MAX_LINES);
    let most = groups
        .iter()
        .flat_map(|(_, line)| line)
        .copied()
        .fold(0.0, f64::max);
    let heads: Vec<String> = by.iter().map(|name| name.to_uppercase()).collect();
    let mut head: Vec<&str> = heads.iter().map(String::as_str).collect();
    head.extend(["COUNT", "OVER TIME"]);
    let cells = |(key, line): &(Vec<&Value>, Vec<f64>)| {
        let mut cells: Vec<_> = key.iter().map(|value| value_cell(value)).collect();
        cells.push(Cell::right(&total(line).to_string(), Tone::Plain));
        cells.push(Cell::new(&sparkline(line, most), Tone::Accent));
        cells
    };
    let table: Vec<_> = groups.iter().map(cells).collect();
    let mut text = draw(&head, &table, columns, paint);
    if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
        let span = format!("from {} to {}\n", start(first), start(last));
        text.push_str(&paint.dim(&crate::screen::shown_lines(&span)));
    }
    text
}

fn start(bucket: &Value) -> &str {
    bucket["start"].as_str().unwrap_or_default()
}

fn values(row: &Value, by: &[&str]) -> Vec<Cell> {
    by.iter().map(|name| value_cell(&row[*name])).collect()
}

fn value_cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::new("none", Tone::Dim),
        Value::String(text) => Cell::plain(text),
        other => Cell::plain(&other.to_string()),
    }
}

/// For bars and short texts only: a figure beyond 2^53 loses its last digits there.
fn figure(row: &Value, name: &str) -> f64 {
    row[name].as_f64().unwrap_or(0.0)
}

fn figures(row: &Value) -> Vec<Cell> {
    let failures = figure(row, "failures");
    let tone = if failures > 0.0 { Tone::Bad } else { Tone::Dim };
    let tokens = figure(row, "input_tokens") + figure(row, "output_tokens");
    let dollars = figure(row, "cost_nanousd") / 1e9;
    let seconds = figure(row, "duration_us") / 1e6;
    let unpriced = if figure(row, "unpriced") > 0.0 {
        "+"
    } else {
        ""
    };
    vec![
        Cell::right(&figure(row, "count").to_string(), Tone::Plain),
        Cell::right(&failures.to_string(), tone),
        Cell::right(&tokens.to_string(), Tone::Plain),
        // A sum that lacks unpriced events is a lower bound.
        Cell::right(&format!("${dollars:.4}{unpriced}"), Tone::Plain),
        Cell::right(&format!("{seconds:.1} s"), Tone::Dim),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(source: &Value, count: u64) -> Value {
        json!({ "source": source, "count": count, "failures": 1, "input_tokens": 3, "output_tokens": 4,
            "cost_nanousd": 2_500_000_000_u64, "unpriced": 1, "duration_us": 1_500_000 })
    }

    #[test]
    fn groups_have_bars_and_absent_members_a_word() {
        let rows = [row(&json!("shell\u{1b}"), 48), row(&Value::Null, 1)];
        let text = groups(&rows, &["source"], None, 200, Paint::none());
        let lines: Vec<_> = text.lines().collect();
        let full = "█".repeat(BAR_WIDTH);
        assert_eq!(
            lines[1],
            format!("shell\\u{{1b}}  {full}     48       1       7  $2.5000+  1.5 s")
        );
        assert!(lines[2].starts_with("none         ▌"), "{text}");
    }

    #[test]
    fn groups_over_time_are_lines_over_the_same_scale() {
        let bucket = |start: &str, groups: Value| json!({ "start": start, "groups": groups });
        let rows = [
            bucket("t0", json!([{ "source": "a", "count": 1 }])),
            bucket("t1", json!([])),
            bucket(
                "t2",
                json!([{ "source": "b", "count": 8 }, { "source": "a", "count": 2 }]),
            ),
        ];
        let text = lines(&rows, &["source"], 200, Paint::none());
        let all: Vec<_> = text.lines().collect();
        assert_eq!(all[1], "b           8    █");
        assert_eq!(all[2], "a           3  ▁ ▂");
        assert_eq!(all[3], "from t0 to t2");
    }
}
