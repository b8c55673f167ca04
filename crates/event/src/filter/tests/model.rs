//! Events as trees, and a matcher over them that is as plain as the language's description.

use std::fmt::Write;

use crate::filter::{
    Comparison, Decimal, Expr, Field, FreeText, NumberField, Part, PathTest, Term, TextField,
    TextPattern, Unit,
};

/// A JSON value.
#[derive(Clone, Debug)]
pub(super) enum Json {
    /// A value written as it is: `null`, `true` and fixed strings.
    Word(&'static str),
    Number(String),
    /// Decoded, and which of its characters are written as escapes.
    String(String, u8),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) record: Json,
    pub(super) content: Option<Json>,
}

impl Json {
    pub(super) fn write(&self) -> String {
        match self {
            Self::Word(text) => (*text).to_owned(),
            Self::Number(text) => text.clone(),
            Self::String(text, escapes) => write_string(text, *escapes),
            Self::Array(elements) => {
                let elements: Vec<String> = elements.iter().map(Self::write).collect();
                format!("[{}]", elements.join(","))
            }
            Self::Object(members) => {
                let members: Vec<String> = members
                    .iter()
                    .map(|(name, value)| format!("{}:{}", write_string(name, 0), value.write()))
                    .collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }

    fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => {
                let named = members.iter().rev().find(|(key, _)| key == name);
                named.map(|(_, value)| value)
            }
            _ => None,
        }
    }

    fn at(&self, path: &str) -> Option<&Self> {
        path.split('.')
            .try_fold(self, |value, name| value.member(name))
    }

    /// Text of anything but arrays and objects.
    fn as_text(&self) -> Option<String> {
        match self {
            Self::Word(text) => Some(text.trim_matches('"').to_owned()),
            Self::Number(text) | Self::String(text, _) => Some(text.clone()),
            Self::Array(_) | Self::Object(_) => None,
        }
    }

    fn searched(&self, found: &mut Vec<String>) {
        match self {
            Self::Word(text) if text.starts_with('"') => found.extend(self.as_text()),
            Self::Word(_) => {}
            Self::Number(text) | Self::String(text, _) => found.push(text.clone()),
            Self::Array(elements) => elements.iter().for_each(|value| value.searched(found)),
            Self::Object(members) => members.iter().for_each(|(_, value)| value.searched(found)),
        }
    }
}

/// Every eighth character is escaped where the bit of its index is set.
fn write_string(text: &str, escapes: u8) -> String {
    let mut json = String::from("\"");
    for (index, c) in text.chars().enumerate() {
        if escapes >> (index % 8) & 1 == 1 {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                write!(json, "\\u{unit:04x}").unwrap();
            }
        } else if matches!(c, '"' | '\\') {
            json.extend(['\\', c]);
        } else {
            json.push(c);
        }
    }
    json.push('"');
    json
}

pub(super) fn matches(event: &Event, expr: &Expr) -> bool {
    match expr {
        Expr::And(parts) => parts.iter().all(|part| matches(event, part)),
        Expr::Or(parts) => parts.iter().any(|part| matches(event, part)),
        Expr::Not(inner) => !matches(event, inner),
        Expr::Term(term) => term_matches(event, term),
    }
}

fn term_matches(event: &Event, term: &Term) -> bool {
    let record = &event.record;
    match term {
        Term::Text(field, pattern) => record
            .at(text_path(*field))
            .and_then(Json::as_text)
            .is_some_and(|value| glob(&glob_of(pattern), &chars(&value))),
        Term::Number(field, range) => stored(record, *field).is_some_and(|value| {
            // What was asked in dollars and durations is kept in stored units too.
            assert!(matches!(
                field.unit(),
                Unit::Plain | Unit::Dollars | Unit::Duration
            ));
            in_range(value * SCALE, range.comparison())
        }),
        Term::Present(Field::Text(field)) => record.at(text_path(*field)).is_some(),
        Term::Present(Field::Number(field)) => stored(record, *field).is_some(),
        Term::Path(path, test) => {
            let root = match path.root().name() {
                "meta" => record.member("meta"),
                name => event
                    .content
                    .as_ref()
                    .and_then(|content| content.member(name)),
            };
            root.is_some_and(|root| path_matches(root, path.members(), test))
        }
        Term::Has(part) => match part {
            Part::Content => record.member("content").is_some(),
            Part::Input => event
                .content
                .as_ref()
                .is_some_and(|c| c.member("input").is_some()),
            Part::Output => event
                .content
                .as_ref()
                .is_some_and(|c| c.member("output").is_some()),
            Part::Usage => record.member("usage").is_some(),
            Part::Approval => record.member("approval").is_some(),
        },
        Term::FreeText(text) => {
            let mut values = Vec::new();
            if let Json::Object(members) = record {
                for (name, value) in members {
                    if !matches!(name.as_str(), "v" | "seq" | "content" | "via") {
                        value.searched(&mut values);
                    }
                }
            }
            event
                .content
                .iter()
                .for_each(|content| content.searched(&mut values));
            values.iter().any(|value| phrase(text, value))
        }
    }
}

fn text_path(field: TextField) -> &'static str {
    match field {
        TextField::Actor => "actor.id",
        TextField::Role => "actor.role",
        TextField::Ip => "actor.ip",
        TextField::Auth => "actor.auth",
        TextField::Initiator => "initiator.id",
        TextField::Resource => "resource.id",
        TextField::Model => "usage.model",
        TextField::Provider => "usage.provider",
        TextField::Approver => "approval.approver",
        TextField::Rule => "approval.rule",
        TextField::Decision => "approval.decision",
        TextField::Producer => "producer.id",
        TextField::Phase => "producer.phase",
        TextField::Call => "producer.call",
        other => other.name(),
    }
}

fn stored(record: &Json, field: NumberField) -> Option<i128> {
    let at = |path: &str| match record.at(path) {
        Some(Json::Number(text)) => Some(text.parse::<i128>().unwrap()),
        Some(Json::Word(text)) => Some(text.parse::<i128>().unwrap()),
        _ => None,
    };
    match field {
        NumberField::Seq => at("seq"),
        NumberField::Status => at("status"),
        NumberField::Duration => at("duration_us"),
        NumberField::Cost => at("usage.cost_nanousd"),
        NumberField::Waited => at("approval.waited_us"),
        NumberField::Tokens => {
            let both = [at("usage.input_tokens"), at("usage.output_tokens")];
            let present: Vec<i128> = both.into_iter().flatten().collect();
            (!present.is_empty()).then(|| present.iter().sum())
        }
        other => at(&format!("usage.{}", other.name())),
    }
}

fn path_matches(value: &Json, members: &[String], test: &PathTest) -> bool {
    if let Some((name, below)) = members.split_first() {
        return match value {
            Json::Array(elements) => elements
                .iter()
                .any(|value| path_matches(value, members, test)),
            value => value
                .member(name)
                .is_some_and(|value| path_matches(value, below, test)),
        };
    }
    match (test, value) {
        (PathTest::Present, _) => true,
        (_, Json::Array(elements)) => elements.iter().any(|value| path_matches(value, &[], test)),
        (PathTest::Number(range), Json::Number(number)) => {
            in_range(scaled(number), range.comparison())
        }
        (PathTest::Number(_), _) => false,
        (PathTest::Text(pattern), value) => value
            .as_text()
            .is_some_and(|text| glob(&glob_of(pattern), &chars(&text))),
    }
}

/// Generated numbers are whole after this factor.
const SCALE: i128 = 1_000_000_000_000;

fn in_range(value: i128, comparison: &Comparison) -> bool {
    let number = |decimal: &Decimal| scaled(&decimal.to_string());
    match comparison {
        Comparison::Equal(n) => value == number(n),
        Comparison::Above(n) => value > number(n),
        Comparison::AtLeast(n) => value >= number(n),
        Comparison::Below(n) => value < number(n),
        Comparison::AtMost(n) => value <= number(n),
        Comparison::Between(low, high) => number(low) <= value && value <= number(high),
    }
}

fn scaled(text: &str) -> i128 {
    let lower = text.to_lowercase();
    let (mantissa, exponent) = lower.split_once('e').unwrap_or((&lower, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().unwrap();
    let places = i32::try_from(fraction.len()).unwrap();
    let power = exponent.parse::<i32>().unwrap() - places + 12;
    digits * 10i128.pow(u32::try_from(power).unwrap())
}

/// A pattern's characters, `None` for a wildcard.
fn glob_of(pattern: &TextPattern) -> Vec<Option<char>> {
    let pieces: Vec<Vec<Option<char>>> = pattern
        .pieces()
        .iter()
        .map(|piece| piece.chars().map(Some).collect())
        .collect();
    pieces.join(&None)
}

fn glob(pattern: &[Option<char>], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((None, after)) => (0..=text.len()).any(|skip| glob(after, &text[skip..])),
        Some((Some(c), after)) => text.first() == Some(c) && glob(after, &text[1..]),
    }
}

fn chars(text: &str) -> Vec<char> {
    text.chars().collect()
}

/// Simple lower case of the letters that are generated.
fn lower(c: char) -> char {
    match c {
        'A'..='Z' => c.to_ascii_lowercase(),
        '\u{c9}' => '\u{e9}',
        '\u{212a}' => 'k',
        '\u{130}' => 'i',
        other => other,
    }
}

fn phrase(text: &FreeText, value: &str) -> bool {
    let value: Vec<char> = value.chars().map(lower).collect();
    let pattern: Vec<Option<char>> = glob_of(text.pattern())
        .into_iter()
        .map(|c| c.map(lower))
        .collect();
    let cuts = |at: usize| {
        at > 0 && at < value.len() && value[at - 1].is_alphanumeric() && value[at].is_alphanumeric()
    };
    let open_start = pattern.first() == Some(&None);
    let open_end = pattern.last() == Some(&None);
    (0..=value.len()).any(|start| {
        (start..=value.len()).any(|end| {
            (open_start || !cuts(start))
                && (open_end || !cuts(end))
                && glob(&pattern, &value[start..end])
        })
    })
}
