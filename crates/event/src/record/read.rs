use std::{borrow::Cow, str::FromStr};

use super::{
    Actor, Approval, ContentInfo, Initiator, Producer, RecordError, RecordView, Resource, Usage,
    Via,
};
use crate::json::{Cursor, Kind, Value};
use crate::{ActorAuth, Micros, Seq, instant_micros};

impl<'a> RecordView<'a> {
    /// Reads a record in one pass.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if the bytes are not a record of version 1 as [`Prepared::write_record`]
    /// writes it.
    ///
    /// [`Prepared::write_record`]: crate::Prepared::write_record
    pub fn parse(record: &'a [u8]) -> Result<Self, RecordError> {
        let text = std::str::from_utf8(record).map_err(|_| RecordError::NotAnObject)?;
        let mut record = Cursor::new(text);
        if !record.enter() {
            return Err(RecordError::NotAnObject);
        }
        let mut view = Self {
            exact: Value::new(text),
            ..Self::default()
        };
        let (mut version, mut seq, mut recorded_at, mut time) = (None, None, None, None);
        while let Some(name) = record.name() {
            let record = &mut record;
            match &*name {
                "v" => version = record.value().map(Value::as_str),
                "id" => view.id = string("id", record)?,
                "seq" => seq = Some(unsigned("seq", record)?),
                "recorded_at" => recorded_at = Some(string("recorded_at", record)?),
                "time" => time = Some(string("time", record)?),
                "duration_us" => view.duration_us = some_integer("duration_us", record)?,
                "project" => view.project = some_string("project", record)?,
                "job" => view.job = some_string("job", record)?,
                "trace" => view.trace = some_string("trace", record)?,
                "span" => view.span = some_string("span", record)?,
                "parent" => view.parent = some_string("parent", record)?,
                "actor" => view.actor = actor(record)?,
                "initiator" => view.initiator = Some(initiator(record)?),
                "source" => view.source = string("source", record)?,
                "action" => view.action = string("action", record)?,
                "resource" => view.resource = Some(resource(record)?),
                "result" => view.result = some_string("result", record)?,
                "status" => view.status = some_integer("status", record)?,
                "approval" => view.approval = Some(approval(record)?),
                "usage" => view.usage = Some(usage(record)?),
                "producer" => view.producer = Some(producer(record)?),
                "via" => view.via = Some(via(record)?),
                "description" => view.description = some_string("description", record)?,
                "meta" => {
                    let meta = record.value();
                    let meta = meta.filter(|meta| meta.kind() == Kind::Object);
                    view.meta = Some(meta.ok_or(invalid("meta", "an object"))?);
                }
                "content" => view.content = Some(content(record)?),
                _ => {
                    record.value();
                }
            }
        }
        match version {
            Some("1") => {}
            Some(other) => {
                return Err(RecordError::Version {
                    actual: other.to_owned(),
                });
            }
            None => return Err(RecordError::Missing { member: "v" }),
        }
        view.seq = Seq(seq.ok_or(RecordError::Missing { member: "seq" })?);
        let recorded_at = recorded_at.ok_or(RecordError::Missing {
            member: "recorded_at",
        })?;
        let time = time.ok_or(RecordError::Missing { member: "time" })?;
        view.read_times(&recorded_at, time)?;
        for (member, text) in [
            ("id", &view.id),
            ("actor.id", &view.actor.id),
            ("actor.type", &view.actor.kind),
            ("source", &view.source),
            ("action", &view.action),
        ] {
            if text.is_empty() {
                return Err(RecordError::Missing { member });
            }
        }
        Ok(view)
    }

    fn read_times(&mut self, recorded_at: &str, time: Cow<'a, str>) -> Result<(), RecordError> {
        let expected = "a time with six decimals in UTC";
        self.recorded_at =
            Micros::parse(recorded_at).map_err(|_| invalid("recorded_at", expected))?;
        self.time_us = instant_micros(&time).map_err(|_| invalid("time", "an RFC 3339 time"))?;
        self.time = time;
        Ok(())
    }
}

/// Reads the members of a named object; their names may be written with escapes, as sent.
macro_rules! read_object {
    ($record:expr, $path:literal, $into:ident, { $($name:literal => $field:ident: $read:expr),+ $(,)? }) => {{
        if !$record.enter() {
            return Err(invalid($path, "an object"));
        }
        while let Some(name) = $record.name() {
            match &*name {
                $($name => $into.$field = $read(concat!($path, ".", $name), $record)?,)+
                _ => {
                    $record.value();
                }
            }
        }
        Ok($into)
    }};
}

fn actor<'a>(record: &mut Cursor<'a>) -> Result<Actor<'a>, RecordError> {
    let mut actor = Actor::default();
    read_object!(record, "actor", actor, {
        "type" => kind: string,
        "id" => id: string,
        "name" => name: some_string,
        "role" => role: some_string,
        "ip" => ip: some_string,
        "auth" => auth: some_auth,
    })
}

fn initiator<'a>(record: &mut Cursor<'a>) -> Result<Initiator<'a>, RecordError> {
    let mut initiator = Initiator::default();
    read_object!(record, "initiator", initiator, {
        "type" => kind: some_string,
        "id" => id: some_string,
        "name" => name: some_string,
    })
}

fn resource<'a>(record: &mut Cursor<'a>) -> Result<Resource<'a>, RecordError> {
    let mut resource = Resource::default();
    read_object!(record, "resource", resource, {
        "type" => kind: some_string,
        "id" => id: some_string,
        "name" => name: some_string,
    })
}

fn approval<'a>(record: &mut Cursor<'a>) -> Result<Approval<'a>, RecordError> {
    let mut approval = Approval::default();
    read_object!(record, "approval", approval, {
        "decision" => decision: some_string,
        "approver" => approver: some_string,
        "rule" => rule: some_string,
        "reason" => reason: some_string,
        "waited_us" => waited_us: some_integer,
    })
}

fn usage<'a>(record: &mut Cursor<'a>) -> Result<Usage<'a>, RecordError> {
    let mut usage = Usage::default();
    read_object!(record, "usage", usage, {
        "provider" => provider: some_string,
        "model" => model: some_string,
        "input_tokens" => input_tokens: some_integer,
        "output_tokens" => output_tokens: some_integer,
        "cache_read_tokens" => cache_read_tokens: some_integer,
        "cache_write_tokens" => cache_write_tokens: some_integer,
        "reasoning_tokens" => reasoning_tokens: some_integer,
        "cost_nanousd" => cost_nanousd: some_integer,
        "prices" => prices: some_string,
    })
}

fn producer<'a>(record: &mut Cursor<'a>) -> Result<Producer<'a>, RecordError> {
    let mut producer = Producer::default();
    read_object!(record, "producer", producer, {
        "id" => id: some_string,
        "seq" => seq: some_integer,
        "phase" => phase: some_string,
        "call" => call: some_string,
    })
}

fn via<'a>(record: &mut Cursor<'a>) -> Result<Via<'a>, RecordError> {
    let mut via = Via::default();
    read_object!(record, "via", via, {
        "key" => key: some_string,
        "ip" => ip: some_string,
    })
}

fn content<'a>(record: &mut Cursor<'a>) -> Result<ContentInfo<'a>, RecordError> {
    let mut content = ContentInfo::default();
    read_object!(record, "content", content, {
        "bytes" => bytes: integer,
        "type" => kind: string,
        "redactions" => redactions: some_integer,
        "truncated_bytes" => truncated_bytes: some_integer,
        "whole" => whole: some_string,
    })
}

fn string<'a>(member: &'static str, record: &mut Cursor<'a>) -> Result<Cow<'a, str>, RecordError> {
    record.string().ok_or(invalid(member, "a string"))
}

fn integer(member: &'static str, record: &mut Cursor<'_>) -> Result<i64, RecordError> {
    number(record).ok_or(invalid(member, "an integer of 64 bits"))
}

fn unsigned(member: &'static str, record: &mut Cursor<'_>) -> Result<u64, RecordError> {
    number(record).ok_or(invalid(member, "an unsigned integer of 64 bits"))
}

fn number<T: FromStr>(record: &mut Cursor<'_>) -> Option<T> {
    record.value()?.as_str().parse().ok()
}

fn some_string<'a>(
    member: &'static str,
    record: &mut Cursor<'a>,
) -> Result<Option<Cow<'a, str>>, RecordError> {
    string(member, record).map(Some)
}

fn some_integer(member: &'static str, record: &mut Cursor<'_>) -> Result<Option<i64>, RecordError> {
    integer(member, record).map(Some)
}

fn some_auth(
    member: &'static str,
    record: &mut Cursor<'_>,
) -> Result<Option<ActorAuth>, RecordError> {
    let auth = ActorAuth::from_name(&string(member, record)?);
    Ok(Some(
        auth.ok_or(invalid(member, "key, mtls, peer or claimed"))?,
    ))
}

fn invalid(member: &'static str, expected: &'static str) -> RecordError {
    RecordError::Invalid { member, expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"{"v":1,"id":"i","seq":18446744073709551615,"recorded_at":"2026-01-01T00:00:00.000001Z","time":"2025-12-31T23:59:59+00:30","duration_us":1500,"project":"p","job":"j","trace":"t","span":"s","parent":"pp","actor":{"name":"Zo\u00eb","type":"agent","\u0069d":"a","role":"r","ip":"::1","auth":"mtls"},"initiator":{"type":"user","id":"u","name":"n"},"source":"shell","action":"x","resource":{"type":"rt","id":"ri","name":"rn"},"result":"success","status":-1,"approval":{"decision":"denied","approver":"auto","rule":"ru","reason":"re","waited_us":7},"usage":{"provider":"pr","model":"m","input_tokens":1,"output_tokens":2,"cache_read_tokens":3,"cache_write_tokens":4,"reasoning_tokens":5,"cost_nanousd":6,"prices":"v1"},"producer":{"id":"pi","seq":0,"phase":"intent","call":"c"},"via":{"key":"k","ip":"10.0.0.1"},"description":"d\n","meta":{"a":[1.0]},"content":{"bytes":9,"type":"application/json","redactions":1,"truncated_bytes":3,"whole":"w="}}"#;

    #[test]
    fn reads_every_member() {
        let some = |text: &'static str| Some(Cow::Borrowed(text));
        let expected = RecordView {
            exact: Value::new(FULL),
            id: "i".into(),
            seq: Seq(u64::MAX),
            recorded_at: Micros(1_767_225_600_000_001),
            time: "2025-12-31T23:59:59+00:30".into(),
            time_us: 1_767_223_799_000_000,
            duration_us: Some(1500),
            project: some("p"),
            job: some("j"),
            trace: some("t"),
            span: some("s"),
            parent: some("pp"),
            actor: Actor {
                kind: "agent".into(),
                id: "a".into(),
                name: some("Zoë"),
                role: some("r"),
                ip: some("::1"),
                auth: Some(ActorAuth::Mtls),
            },
            initiator: Some(Initiator {
                kind: some("user"),
                id: some("u"),
                name: some("n"),
            }),
            source: "shell".into(),
            action: "x".into(),
            resource: Some(Resource {
                kind: some("rt"),
                id: some("ri"),
                name: some("rn"),
            }),
            result: some("success"),
            status: Some(-1),
            approval: Some(Approval {
                decision: some("denied"),
                approver: some("auto"),
                rule: some("ru"),
                reason: some("re"),
                waited_us: Some(7),
            }),
            usage: Some(Usage {
                provider: some("pr"),
                model: some("m"),
                input_tokens: Some(1),
                output_tokens: Some(2),
                cache_read_tokens: Some(3),
                cache_write_tokens: Some(4),
                reasoning_tokens: Some(5),
                cost_nanousd: Some(6),
                prices: some("v1"),
            }),
            producer: Some(Producer {
                id: some("pi"),
                seq: Some(0),
                phase: some("intent"),
                call: some("c"),
            }),
            via: Some(Via {
                key: some("k"),
                ip: some("10.0.0.1"),
            }),
            description: some("d\n"),
            meta: Some(Value::new(r#"{"a":[1.0]}"#)),
            content: Some(ContentInfo {
                bytes: 9,
                kind: "application/json".into(),
                redactions: Some(1),
                truncated_bytes: Some(3),
                whole: some("w="),
            }),
        };
        assert_eq!(RecordView::parse(FULL.as_bytes()), Ok(expected));
    }

    #[test]
    fn names_what_is_missing_or_wrong() {
        let missing = |member| RecordError::Missing { member };
        for (from, to, error) in [
            ("\"v\":1,", "", missing("v")),
            (
                "\"v\":1,",
                "\"v\":2,",
                RecordError::Version { actual: "2".into() },
            ),
            ("\"id\":\"i\",", "", missing("id")),
            ("\"seq\":18446744073709551615,", "", missing("seq")),
            ("\"action\":\"x\",", "", missing("action")),
            ("\"source\":\"shell\",", "", missing("source")),
            ("\"\\u0069d\":\"a\",", "", missing("actor.id")),
            (
                "\"time\":\"2",
                "\"time\":\"x",
                invalid("time", "an RFC 3339 time"),
            ),
            (
                "\"status\":-1",
                "\"status\":1.5",
                invalid("status", "an integer of 64 bits"),
            ),
            ("{\"a\":[1.0]}", "[]", invalid("meta", "an object")),
            (
                "mtls",
                "magic",
                invalid("actor.auth", "key, mtls, peer or claimed"),
            ),
            (
                "\"model\":\"m\"",
                "\"model\":null",
                invalid("usage.model", "a string"),
            ),
        ] {
            let changed = FULL.replacen(from, to, 1);
            assert_ne!(changed, FULL, "{from}");
            assert_eq!(
                RecordView::parse(changed.as_bytes()),
                Err(error),
                "{from} -> {to}"
            );
        }
        for text in [&b""[..], b"[]", b"null", b"\xff{}"] {
            assert_eq!(RecordView::parse(text), Err(RecordError::NotAnObject));
        }
    }
}
