use super::Submitter;
use super::rules::{ACTOR_ID, Field, Rule, SOURCES, SYSTEM_SOURCE, find};
use crate::json::{Kind, Text, Value};
use crate::reject::shown;
use crate::{ActorAuth, Reject, code, instant_micros};

/// Longest producer's id, in bytes.
const MAX_ID_BYTES: usize = 128;

/// Which members of an object are there: one bit for each place in its table.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen(u32);

impl Seen {
    /// Adds a place; false if it was there already.
    pub(super) fn add(&mut self, place: usize) -> bool {
        let bit = 1 << place;
        let new = self.0 & bit == 0;
        self.0 |= bit;
        new
    }

    pub(super) fn has(self, place: usize) -> bool {
        self.0 & (1 << place) != 0
    }
}

/// Checks the value of one member against its rule; for a named object, answers which members are
/// there. `path` is its name for an answer.
pub(super) fn value(
    path: &str,
    rule: Rule,
    value: Value<'_>,
    by: &Submitter<'_>,
) -> Result<Seen, Reject> {
    match rule {
        Rule::Actor(fields) => return actor(path, fields, value, by),
        Rule::Object(fields) => return object(path, fields, value, by),
        Rule::Server | Rule::Via => return Err(server_assigned(path)),
        Rule::Id => id(path, &string(path, value)?.decode())?,
        Rule::Time => time(path, &string(path, value)?.decode())?,
        Rule::Text => drop(string(path, value)?),
        Rule::NonEmptyText => not_empty(path, string(path, value)?)?,
        Rule::OneOf(allowed) => one_of(path, value, allowed)?,
        Rule::Source => source(path, value, by)?,
        Rule::Auth => auth(path, value, by)?,
        Rule::Project => project(path, value, by)?,
        Rule::Integer => drop(integer(path, value)?),
        Rule::Count | Rule::AboutContent => drop(count(path, value)?),
        Rule::Meta | Rule::Content if value.kind() != Kind::Object => {
            return Err(wrong_type(path, "an object"));
        }
        Rule::Meta | Rule::Content | Rule::ContentShorthand => {}
    }
    Ok(Seen::default())
}

/// Checks a named object: known members only, each once. Answers which are there.
pub(super) fn object(
    path: &str,
    fields: &'static [Field],
    value: Value<'_>,
    by: &Submitter<'_>,
) -> Result<Seen, Reject> {
    if value.kind() != Kind::Object {
        return Err(wrong_type(path, "an object"));
    }
    let mut seen = Seen::default();
    let mut expected = 0;
    for (name, member) in value.members() {
        let Some(place) = find(fields, name, expected) else {
            return Err(unknown(path, &name.decode()));
        };
        let Some(field) = fields.get(place) else {
            continue;
        };
        if !seen.add(place) {
            return Err(duplicate(&format!("{path}.{}", field.name)));
        }
        expected = place + 1;
        self::value(field.name, field.rule, member, by).map_err(|reject| below(path, reject))?;
    }
    Ok(seen)
}

/// Puts the object's name before the member's; done only once there is an error to tell.
fn below(path: &str, reject: Reject) -> Reject {
    Reject {
        code: reject.code,
        detail: format!("{path}.{}", reject.detail),
        member: reject.member.map(|member| format!("{path}.{member}")),
    }
}

fn actor(
    path: &str,
    fields: &'static [Field],
    value: Value<'_>,
    by: &Submitter<'_>,
) -> Result<Seen, Reject> {
    let seen = object(path, fields, value, by)?;
    if seen.has(ACTOR_ID) {
        Ok(seen)
    } else {
        Err(missing("actor.id"))
    }
}

fn time(path: &str, time: &str) -> Result<(), Reject> {
    match instant_micros(time) {
        Ok(_) => Ok(()),
        Err(error) => Err(Reject::new(
            code::INVALID_TIME,
            path,
            format!("{path}: {error}"),
        )),
    }
}

fn not_empty(path: &str, text: Text<'_>) -> Result<(), Reject> {
    if text.raw().is_empty() {
        let detail = format!("{path} must not be empty");
        return Err(Reject::new(code::INVALID_VALUE, path, detail));
    }
    Ok(())
}

fn auth(path: &str, value: Value<'_>, by: &Submitter<'_>) -> Result<(), Reject> {
    if !(by.gateway || by.system) {
        return Err(server_assigned(path));
    }
    match ActorAuth::from_name(&string(path, value)?.decode()) {
        Some(_) => Ok(()),
        None => Err(not_one_of(path, &ActorAuth::ALL.map(ActorAuth::as_str))),
    }
}

fn source(path: &str, value: Value<'_>, by: &Submitter<'_>) -> Result<(), Reject> {
    let source = string(path, value)?.decode();
    if SOURCES.contains(&&*source) || (by.system && source == SYSTEM_SOURCE) {
        Ok(())
    } else if source == SYSTEM_SOURCE {
        let detail = format!("{path} `{SYSTEM_SOURCE}` is for the server's own events");
        Err(Reject::new(code::INVALID_VALUE, path, detail))
    } else {
        Err(not_one_of(path, &SOURCES))
    }
}

fn project(path: &str, value: Value<'_>, by: &Submitter<'_>) -> Result<(), Reject> {
    let sent = string(path, value)?;
    match by.project {
        Some(project) if sent.decode() != project => {
            let detail = "the key is limited to another project".to_owned();
            Err(Reject::new(code::PROJECT_FORBIDDEN, path, detail))
        }
        _ => Ok(()),
    }
}

fn id(path: &str, id: &str) -> Result<(), Reject> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
    let problem = if id.is_empty() || id.len() > MAX_ID_BYTES || !id.bytes().all(allowed) {
        "must be 1 to 128 of A-Z, a-z, 0-9, '.', '_', ':' and '-'"
    } else if id.bytes().all(|b| b.is_ascii_digit()) {
        "must not be digits only: that is a seq"
    } else if id == "stream" {
        "must not be `stream`: that is a route"
    } else {
        return Ok(());
    };
    Err(Reject::new(
        code::INVALID_ID,
        path,
        format!("{path} {problem}"),
    ))
}

fn one_of(path: &str, value: Value<'_>, allowed: &[&str]) -> Result<(), Reject> {
    let text = string(path, value)?.decode();
    if allowed.contains(&&*text) {
        Ok(())
    } else {
        Err(not_one_of(path, allowed))
    }
}

fn string<'a>(path: &str, value: Value<'a>) -> Result<Text<'a>, Reject> {
    value.text().ok_or_else(|| wrong_type(path, "a string"))
}

/// An integer as its text matches `-?(0|[1-9][0-9]*)`, within 64 bits.
fn integer(path: &str, value: Value<'_>) -> Result<i64, Reject> {
    let text = value
        .number()
        .filter(|text| !text.contains(['.', 'e', 'E']));
    let text = text.ok_or_else(|| wrong_type(path, "an integer, without point and exponent"))?;
    text.parse().map_err(|_| {
        let detail = format!("{path} must be from {} to {}", i64::MIN, i64::MAX);
        Reject::new(code::OUT_OF_RANGE, path, detail)
    })
}

pub(super) fn count(path: &str, value: Value<'_>) -> Result<u64, Reject> {
    u64::try_from(integer(path, value)?).map_err(|_| {
        Reject::new(
            code::OUT_OF_RANGE,
            path,
            format!("{path} must not be negative"),
        )
    })
}

pub(super) fn missing(path: &str) -> Reject {
    Reject::new(code::MISSING_MEMBER, path, format!("{path} is required"))
}

fn unknown(path: &str, name: &str) -> Reject {
    let member = format!("{path}.{}", shown(name));
    Reject::new(
        code::UNKNOWN_MEMBER,
        &member,
        format!("{path} has no such member"),
    )
}

pub(super) fn duplicate(path: &str) -> Reject {
    let detail = format!("{} is given twice", shown(path));
    Reject::new(code::DUPLICATE_MEMBER, path, detail)
}

fn server_assigned(path: &str) -> Reject {
    Reject::new(
        code::SERVER_ASSIGNED,
        path,
        format!("{path} is set by the server"),
    )
}

fn wrong_type(path: &str, expected: &str) -> Reject {
    Reject::new(code::WRONG_TYPE, path, format!("{path} must be {expected}"))
}

fn not_one_of(path: &str, allowed: &[&str]) -> Reject {
    let detail = format!("{path} must be one of {}", allowed.join(", "));
    Reject::new(code::INVALID_VALUE, path, detail)
}
