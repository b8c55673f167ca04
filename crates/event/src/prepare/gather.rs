use std::borrow::Cow;

use super::check::{self, Seen, duplicate, missing};
use super::rules::{ACTION, ACTOR, EVENT, META, Rule, find};
use super::{Limits, Submitter};
use crate::json::{Kind, MemberEnds, Text, Value, members_at};
use crate::{Reject, code};

/// An event taken apart, each member checked.
#[derive(Debug)]
pub(super) struct Gathered<'a> {
    /// Values by their place in [`EVENT`].
    pub(super) values: [Option<Value<'a>>; EVENT.len()],
    /// Which members `actor` has.
    pub(super) actor: Seen,
    /// Members that have no place, in the order sent.
    pub(super) unknown: Vec<(Text<'a>, Value<'a>)>,
}

impl<'a> Gathered<'a> {
    /// The value of the member at a place in [`EVENT`].
    pub(super) fn get(&self, place: usize) -> Option<Value<'a>> {
        self.values.get(place).copied().flatten()
    }
}

pub(super) fn gather<'a>(
    event: &'a str,
    members: &[MemberEnds],
    by: &Submitter<'_>,
    limits: &Limits,
) -> Result<Gathered<'a>, Reject> {
    if Value::new(event).kind() != Kind::Object {
        let detail = "an event is a JSON object".to_owned();
        return Err(Reject::of_event(code::NOT_AN_OBJECT, detail));
    }
    let mut gathered = Gathered {
        values: [None; EVENT.len()],
        actor: Seen::default(),
        unknown: Vec::new(),
    };
    let mut unknown_bytes = 0;
    let mut expected = 0;
    for (name, value) in members_at(event, members) {
        let place = find(&EVENT, name, expected);
        let named = place.and_then(|place| Some((place, EVENT.get(place)?)));
        let Some((place, field)) = named.filter(|(_, field)| is_named(field.rule, by)) else {
            unknown_bytes += name.raw().len() + value.as_str().len();
            // Bounds what is collected and sorted: no record can hold more.
            if unknown_bytes > limits.record_bytes {
                return Err(record_too_large(unknown_bytes, limits));
            }
            gathered.unknown.push((name, value));
            continue;
        };
        expected = place + 1;
        let seen = check::value(field.name, field.rule, value, by)?;
        if place == ACTOR {
            gathered.actor = seen;
        }
        if let Some(slot) = gathered.values.get_mut(place)
            && slot.replace(value).is_some()
        {
            return Err(duplicate(field.name));
        }
    }
    if gathered.get(ACTOR).is_none() {
        return Err(missing("actor.id"));
    }
    if gathered.get(ACTION).is_none() {
        return Err(missing("action"));
    }
    unknown_are_new(&gathered)?;
    Ok(gathered)
}

fn is_named(rule: Rule, by: &Submitter<'_>) -> bool {
    !matches!(rule, Rule::AboutContent) || by.gateway || by.system
}

/// Unknown members go into `meta`: each name once, and none that `meta` has.
fn unknown_are_new(gathered: &Gathered<'_>) -> Result<(), Reject> {
    if gathered.unknown.is_empty() {
        return Ok(());
    }
    let mut names: Vec<Cow<'_, str>> = gathered
        .unknown
        .iter()
        .map(|(name, _)| name.decode())
        .collect();
    names.sort_unstable();
    if let Some([name, _]) = names.array_windows().find(|[a, b]| a == b) {
        return Err(duplicate(name));
    }
    for (name, _) in gathered.get(META).into_iter().flat_map(Value::members) {
        let name = name.decode();
        if names.binary_search(&name).is_ok() {
            let mut reject = duplicate(&name);
            reject
                .detail
                .push_str(": an unknown member goes into `meta`, which has it already");
            return Err(reject);
        }
    }
    Ok(())
}

pub(super) fn record_too_large(bytes: usize, limits: &Limits) -> Reject {
    let limit = limits.record_bytes;
    let detail = format!("the record would have {bytes} bytes, the limit is {limit}");
    Reject::of_event(code::RECORD_TOO_LARGE, detail)
}
