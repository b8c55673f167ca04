//! The page that a person opens first.

use std::fmt::Write;

use super::Facts;
use crate::{gaps::Gap, manifest::Counts};

/// Gaps and erasures that the page shows; the others are in the manifest.
const SHOWN: usize = 200;

const HEAD: &str = include_str!("readme_head.html");
const CHECK: &str = include_str!("readme_check.html");

/// Text that may say anything, made harmless.
struct Hostile<'a>(&'a str);

/// A number with its thousands apart.
struct Grouped(u64);

/// The page.
pub(super) fn render(facts: &Facts<'_>, counts: Counts, has_contents: bool) -> String {
    let mut page = HEAD.to_owned();
    // Writing into a string cannot fail.
    let _ = write_facts(&mut page, facts, counts, has_contents);
    page.push_str(CHECK);
    let _ = write_gaps(&mut page, facts);
    let _ = write_erasures(&mut page, facts);
    page.push_str("</main>\n</html>\n");
    page
}

fn write_facts(
    page: &mut String,
    facts: &Facts<'_>,
    counts: Counts,
    has_contents: bool,
) -> std::fmt::Result {
    let records = Grouped(counts.records);
    let trail = Hostile(facts.trail);
    writeln!(
        page,
        "<p class=\"lead\">{records} records of the trail <b>{trail}</b>"
    )?;
    if has_contents {
        writeln!(page, "and {} contents.</p>", Grouped(counts.contents))?;
    } else {
        writeln!(page, "without their contents.</p>")?;
    }
    let query = &facts.query;
    let filter = match query.q.as_str() {
        "" => "<i>everything</i>".to_owned(),
        q => format!("<code>{}</code>", Hostile(q)),
    };
    let end = |end: &Option<String>| match end {
        Some(end) => Hostile(end).to_string(),
        None => "no limit".to_owned(),
    };
    let purpose = match facts.purpose {
        "" => "<i>not stated</i>".to_owned(),
        purpose => Hostile(purpose).to_string(),
    };
    writeln!(page, "<dl>")?;
    let rows = [
        ("Asked for", filter),
        ("Happened from", end(&query.from)),
        ("up to, not including", end(&query.to)),
        ("In the log as of", format!("{} events", Grouped(query.at))),
        ("Made", facts.made_at.to_string()),
        ("Made by", Hostile(facts.exporter).to_string()),
        ("For", purpose),
        (
            "Signed checkpoint",
            format!("of {} events", Grouped(facts.tree_size)),
        ),
        (
            "Key of the log",
            format!("<code>{}</code>", Hostile(&facts.key.to_string())),
        ),
    ];
    for (name, value) in rows {
        writeln!(page, "<dt>{name}</dt><dd>{value}</dd>")?;
    }
    writeln!(page, "</dl>")
}

fn write_gaps(page: &mut String, facts: &Facts<'_>) -> std::fmt::Result {
    writeln!(page, "<h2>Gaps</h2>")?;
    if facts.gaps.is_empty() {
        return writeln!(
            page,
            "<p>None: every event that a producer numbered in this period arrived.</p>"
        );
    }
    writeln!(
        page,
        "<p>Events that were numbered and never arrived. A gap can be explained, never filled.</p>\n<ul>"
    )?;
    for gap in facts.gaps.iter().take(SHOWN) {
        match gap {
            Gap::Missing {
                producer,
                from,
                to,
                after,
                before,
            } => {
                let producer = Hostile(producer);
                let count = gap.count();
                write!(
                    page,
                    "<li>{} from <code>{producer}</code>, number",
                    Grouped(count)
                )?;
                match count {
                    1 => write!(page, " {from}")?,
                    _ => write!(page, "s {from} to {to}")?,
                }
                for (word, neighbour) in [("after", after), ("before", before)] {
                    if let Some(neighbour) = neighbour {
                        write!(page, ", {word} {}", Hostile(&neighbour.time))?;
                    }
                }
                writeln!(page, "</li>")?;
            }
            Gap::Scattered { producer, .. } => writeln!(
                page,
                "<li><code>{}</code> does not number its events without holes: its numbers say nothing</li>",
                Hostile(producer)
            )?,
            Gap::More { more_events } => writeln!(
                page,
                "<li>{} numbered events of further producers were not looked at</li>",
                Grouped(*more_events)
            )?,
        }
    }
    write_rest(page, facts.gaps.len())?;
    writeln!(page, "</ul>")
}

fn write_erasures(page: &mut String, facts: &Facts<'_>) -> std::fmt::Result {
    writeln!(page, "<h2>Erasures</h2>")?;
    if facts.erasures.is_empty() {
        return writeln!(
            page,
            "<p>None: the log tells of nothing that was erased.</p>"
        );
    }
    writeln!(
        page,
        "<p>What the log says was erased. The proofs stay valid: they never needed the bytes.</p>\n<ul>"
    )?;
    for erasure in facts.erasures.iter().take(SHOWN) {
        write!(
            page,
            "<li><code>{}</code> by event {}: ",
            Hostile(&erasure.action),
            erasure.seq
        )?;
        let ranges = erasure.erased.iter().take(SHOWN);
        let ranges: Vec<_> = ranges
            .map(|[from, to]| {
                if from == to {
                    format!("event {from}")
                } else {
                    format!("events {from} to {to}")
                }
            })
            .collect();
        writeln!(page, "{}</li>", ranges.join(", "))?;
    }
    write_rest(page, facts.erasures.len())?;
    writeln!(page, "</ul>")
}

fn write_rest(page: &mut String, all: usize) -> std::fmt::Result {
    match all.saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(page, "<li>{more} more, in manifest.json</li>"),
    }
}

impl std::fmt::Display for Hostile<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<bdi>")?;
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                c if c.is_control() || is_invisible(c) => write!(f, "U+{:04X}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_str("</bdi>")
    }
}

/// Characters that show nothing themselves and change how others are read.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

impl std::fmt::Display for Grouped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = self.0.to_string();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                f.write_char(',')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}
