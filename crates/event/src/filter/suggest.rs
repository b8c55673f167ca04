use std::ops::Range;

use super::{
    Decimal, Field, FilterError, Path, PathRoot, Unit,
    scan::{Operator, Scanned, in_quotes},
};

/// Most edits between an unknown name and the field that is suggested for it.
const MAX_EDITS: usize = 2;
/// Longer names are no misspelt fields.
const MAX_NAME_BYTES: usize = 32;

/// What others call the fields.
const OTHER_WORDS: [(&str, &str); 14] = [
    ("agent", "actor"),
    ("user", "actor"),
    ("principal", "actor"),
    ("tool", "resource"),
    ("host", "resource"),
    ("command", "resource"),
    ("target", "resource"),
    ("method", "action"),
    ("operation", "action"),
    ("session", "job"),
    ("outcome", "result"),
    ("code", "status"),
    ("latency", "duration"),
    ("price", "cost"),
];
/// Members of the record whose own members are fields.
const OBJECTS: [&str; 6] = [
    "actor",
    "initiator",
    "resource",
    "approval",
    "usage",
    "producer",
];

/// The error for a name that is no field; `word` is the whole word that it begins.
pub(super) fn unknown_field(name: &str, span: Range<usize>, word: &str) -> FilterError {
    if name.is_empty() {
        return FilterError::new(
            span.start..span.start + word.len(),
            "an operator without a field before it",
        )
        .suggest(format!(
            "write `field>1` without spaces, or put the text in quotes: {}",
            in_quotes(word)
        ));
    }
    let is_time = ["time", "recorded_at", "from", "to", "since", "until", "at"]
        .iter()
        .any(|time| time.eq_ignore_ascii_case(name));
    let suggestion = if word
        .get(name.len()..)
        .is_some_and(|rest| rest.starts_with("://"))
    {
        format!("put the text in quotes: {}", in_quotes(word))
    } else if is_time {
        "time is not part of a filter: give it in `from` and `to`".to_owned()
    } else if let Some(known) = known_name(name) {
        format!("did you mean `{known}`? Text with such a sign goes in quotes")
    } else {
        format!("put text in quotes; members of your own are below meta: `meta.{name}`")
    };
    FilterError::new(span, format!("unknown field `{name}`")).suggest(suggestion)
}

/// The field that a name most likely means.
fn known_name(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("content.") {
        return Some("input.");
    }
    let other = OTHER_WORDS.iter().find(|(word, _)| *word == lower);
    other
        .map(|(_, field)| *field)
        .or_else(|| member(&lower))
        .or_else(|| nearest_field(&lower))
}

/// The field or path that a name is, or is for certain meant to be; in the spelling of the language.
pub(super) fn meant_name(name: &str) -> Option<String> {
    if let Some(field) = Field::from_name(name) {
        return Some(field.name().to_owned());
    }
    if matches!(Path::parse(name, 0), Some(Ok(_))) {
        return Some(name.to_owned());
    }
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "has" | "is" => return Some(lower),
        "agent" => return Some("actor".to_owned()),
        _ => {}
    }
    let is_of_record = match lower.split_once('.') {
        Some((object, _)) => OBJECTS.contains(&object),
        None => true,
    };
    let field = member(&lower).filter(|_| is_of_record);
    field.map(ToOwned::to_owned)
}

/// The field of a column, of the record's member with its object, or of a stored unit; `lower` is in
/// lower case.
fn member(lower: &str) -> Option<&'static str> {
    let known = |name: &str| Field::from_name(name).map(Field::name);
    let last = lower.rsplit_once('.').map_or("", |(_, last)| last);
    [
        lower.strip_suffix(".id").unwrap_or_default(),
        lower.strip_suffix("_id").unwrap_or_default(),
        &lower.replace('_', "."),
        &lower.replace("_nanousd", ""),
        &lower.replace("_us", ""),
        last,
        &last.replace("_nanousd", ""),
        &last.replace("_us", ""),
    ]
    .into_iter()
    .find_map(known)
}

fn nearest_field(name: &str) -> Option<&'static str> {
    let roots = PathRoot::ALL.into_iter().map(PathRoot::name);
    let names = Field::all()
        .map(Field::name)
        .chain(roots)
        .chain(["has", "is"]);
    nearest(name, names)
}

/// The name that was meant, if one of some is near.
pub fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > MAX_NAME_BYTES {
        return None;
    }
    // At least half of a short name must be right.
    names
        .map(|known| (edits(name, known), known))
        .filter(|(edits, known)| *edits <= MAX_EDITS && edits * 2 < known.len())
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, known)| known)
}

/// Insertions, deletions and substitutions between two names.
fn edits(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (line, a) in left.chars().enumerate() {
        let mut diagonal = line;
        let mut previous = line + 1;
        let mut cells = row.iter_mut();
        if let Some(first) = cells.next() {
            *first = previous;
        }
        for (cell, b) in cells.zip(right.chars()) {
            let above = *cell;
            *cell = (diagonal + usize::from(a != b))
                .min(above + 1)
                .min(previous + 1);
            diagonal = above;
            previous = *cell;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// How the numbers of a field are written.
pub(super) fn example(name: &str, unit: Unit) -> String {
    match unit {
        Unit::Plain => format!("write a number, as in `{name}>=400` or `{name}:400..499`"),
        Unit::Dollars => format!("write US dollars, as in `{name}>0.05`"),
        Unit::Duration => {
            format!("write a number with `us`, `ms`, `s`, `m` or `h`, as in `{name}>1.5s`")
        }
    }
}

/// What to write instead of `text`, which is not a number of this unit.
pub(super) fn number(
    name: &str,
    unit: Unit,
    operator: Operator,
    value: &Scanned<'_>,
    text: &str,
) -> String {
    let inner = text.trim_matches('"');
    if value.raw.contains('*') {
        return format!(
            "wildcards are for text: write `{name}:*` for presence, `{name}:400..499` for a range"
        );
    }
    if operator == Operator::Colon && text.starts_with(['<', '>']) {
        return format!("write `{name}{text}` without the colon");
    }
    if operator != Operator::Colon && text.contains("..") {
        return format!("write a range as `{name}:{text}`");
    }
    if unit == Unit::Duration && Decimal::parse(text).is_ok() {
        return format!(
            "a duration needs a unit: `{name}{}{text}s`",
            operator.as_str()
        );
    }
    if inner != text && Decimal::parse(inner).is_ok() {
        return format!("remove the quotes: `{name}{}{inner}`", operator.as_str());
    }
    example(name, unit)
}
