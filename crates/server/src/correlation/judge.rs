//! Where sides disagree.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Call, Kind, Side,
    call::{HIDDEN, Seen},
};

/// Sides that tell of every tool that an agent runs. The proxy for MCP tells only of its own servers.
const TELL_ALL: [Side; 3] = [Side::Llm, Side::Hook, Side::Otlp];

/// What two sides do not agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Disagreement {
    /// A side that tells of others does not tell of this one.
    NotTold { by: Side },
    /// They say different things of one member.
    Differs {
        what: &'static str,
        said: Vec<(Side, String)>,
    },
    /// It was denied, and it ran.
    RanThoughDenied,
}

/// The time in which a side is taken at its word.
#[derive(Clone, Copy, Debug)]
struct Heard {
    from_us: i64,
    to_us: i64,
}

pub(super) fn judge(calls: &mut [Call]) {
    let heard = heard(calls);
    let servers = servers(calls);
    for call in calls {
        let mut found = Vec::new();
        let time_us = began_us(call);
        for ((kind, side), heard) in &heard {
            let is_judged = *kind == call.kind && (heard.from_us..heard.to_us).contains(&time_us);
            let tells = TELL_ALL.contains(side) || is_of(call, &servers);
            if is_judged && tells && !call.seen.iter().any(|seen| seen.side == *side) {
                found.push(Disagreement::NotTold { by: *side });
            }
        }
        let results = said(call, |seen| {
            let is_end = seen.says == "outcome";
            seen.result.clone().filter(|_| is_end)
        });
        found.extend(differs("result", results));
        let names = said(call, |seen| seen.name.clone().filter(|name| name != HIDDEN));
        if call.kind == Kind::Tool {
            found.extend(differs("name", names));
        } else {
            found.extend(differs("tokens", said(call, tokens)));
        }
        let is_denied = call.decision().is_some_and(|decision| decision.is_denied);
        let ran = |seen: &Seen| seen.says == "outcome" && seen.result.as_deref() == Some("success");
        if is_denied && call.seen.iter().any(ran) {
            found.push(Disagreement::RanThoughDenied);
        }
        call.disagreements = found;
    }
}

/// When it began, by those who saw it begin; the model asks for it before.
fn began_us(call: &Call) -> i64 {
    let earliest = |is_asked: bool| {
        let times = call
            .seen
            .iter()
            .filter(|seen| (seen.says == "asked") == is_asked);
        times.map(|seen| seen.time_us).min()
    };
    earliest(false).or_else(|| earliest(true)).unwrap_or(0)
}

/// First and last word of each side on calls of a kind. Of the last one the other sides may not have heard yet, and so it is
/// not judged.
fn heard(calls: &[Call]) -> BTreeMap<(Kind, Side), Heard> {
    let mut heard: BTreeMap<(Kind, Side), Heard> = BTreeMap::new();
    for call in calls {
        for seen in &call.seen {
            let at = seen.time_us;
            let known = heard.entry((call.kind, seen.side)).or_insert(Heard {
                from_us: at,
                to_us: at,
            });
            known.from_us = known.from_us.min(at);
            known.to_us = known.to_us.max(at);
        }
    }
    heard
}

/// MCP servers that the proxy stands before.
fn servers(calls: &[Call]) -> BTreeSet<String> {
    let told = calls.iter().flat_map(|call| &call.seen);
    told.filter(|seen| seen.side == Side::Mcp)
        .filter_map(|seen| Some(seen.name.as_deref()?.split_once('/')?.0.to_owned()))
        .collect()
}

fn is_of(call: &Call, servers: &BTreeSet<String>) -> bool {
    let server = call.name().and_then(|name| name.split_once('/'));
    server.is_some_and(|(server, _)| servers.contains(server))
}

/// The first word of each side.
fn said(call: &Call, of: impl Fn(&Seen) -> Option<String>) -> Vec<(Side, String)> {
    let mut said: BTreeMap<Side, String> = BTreeMap::new();
    for seen in &call.seen {
        if let Some(text) = of(seen) {
            said.entry(seen.side).or_insert(text);
        }
    }
    said.into_iter().collect()
}

fn differs(what: &'static str, said: Vec<(Side, String)>) -> Option<Disagreement> {
    let (_, first) = said.first()?;
    let is_one = said.iter().all(|(_, other)| other == first);
    (!is_one).then_some(Disagreement::Differs { what, said })
}

fn tokens(seen: &Seen) -> Option<String> {
    let (input, output) = seen.tokens?;
    Some(format!("{} in, {} out", input?, output?))
}
