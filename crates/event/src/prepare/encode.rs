use std::net::IpAddr;

use super::Submitter;
use super::check::{Seen, count};
use super::content::Content;
use super::gather::Gathered;
use super::rules::{
    ACTOR_AUTH, ACTOR_IP, ACTOR_TYPE, DEFAULT_ACTOR_TYPE, DEFAULT_SOURCE, EVENT, REDACTIONS, Rule,
    TRUNCATED_BYTES,
};
use crate::json::{Value, write_string};
use crate::{ActorAuth, Reject, code};

/// Media type of content, which is a JSON object.
const CONTENT_TYPE: &str = "application/json";

/// Appends the record's members after `time`, each with the comma before it, in the record's order.
///
/// The closing brace follows, unless the content was cut: then `content` is left open for `whole`.
pub(super) fn write_tail(
    event: &Gathered<'_>,
    by: &Submitter<'_>,
    content: Option<&Content>,
    out: &mut Vec<u8>,
) -> Result<(), Reject> {
    for (field, value) in EVENT.iter().zip(event.values) {
        match (field.rule, value) {
            (Rule::Actor(_), Some(actor)) => write_actor(actor, event.actor, by, out),
            (Rule::Via, _) => write_via(by, out),
            (Rule::Project, None) => {
                if let Some(project) = by.project {
                    write_name(field.name, out);
                    write_string(out, project);
                }
            }
            (Rule::Source, None) => {
                write_name(field.name, out);
                write_string(out, DEFAULT_SOURCE);
            }
            (Rule::Meta, meta) => write_meta(meta, event, out),
            (
                Rule::Server
                | Rule::Id
                | Rule::Time
                | Rule::Content
                | Rule::ContentShorthand
                | Rule::AboutContent,
                _,
            )
            | (_, None) => {}
            (_, Some(value)) => {
                write_name(field.name, out);
                out.extend_from_slice(value.as_str().as_bytes());
            }
        }
    }
    write_content_info(event, content, out)
}

fn write_name(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// The object as sent; what the server adds comes last.
fn write_actor(actor: Value<'_>, seen: Seen, by: &Submitter<'_>, out: &mut Vec<u8>) {
    write_name("actor", out);
    write_open(actor, out);
    if !seen.has(ACTOR_TYPE) {
        write_name("type", out);
        write_string(out, DEFAULT_ACTOR_TYPE);
    }
    if let Some(ip) = by.ip
        && !by.system
        && !seen.has(ACTOR_IP)
    {
        write_name("ip", out);
        write_ip(ip, out);
    }
    if !by.system && !seen.has(ACTOR_AUTH) {
        write_name("auth", out);
        write_string(out, ActorAuth::Claimed.as_str());
    }
    out.push(b'}');
}

/// An object's text without its closing brace.
fn write_open(object: Value<'_>, out: &mut Vec<u8>) {
    let text = object.as_str();
    out.extend_from_slice(text.strip_suffix('}').unwrap_or(text).as_bytes());
}

fn write_via(by: &Submitter<'_>, out: &mut Vec<u8>) {
    if by.system || (by.key.is_none() && by.ip.is_none()) {
        return;
    }
    out.extend_from_slice(b",\"via\":{");
    if let Some(key) = by.key {
        out.extend_from_slice(b"\"key\":");
        write_string(out, key);
    }
    if let Some(ip) = by.ip {
        out.extend_from_slice(if by.key.is_some() {
            b",\"ip\":"
        } else {
            b"\"ip\":"
        });
        write_ip(ip, out);
    }
    out.push(b'}');
}

/// The address as a JSON string; one of IPv4 inside IPv6 as what it is. By hand where it is
/// frequent: the formatter of the standard library takes ten times as long.
fn write_ip(ip: IpAddr, out: &mut Vec<u8>) {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let mut before = b'"';
            for octet in ip.octets() {
                out.push(before);
                out.extend_from_slice(itoa::Buffer::new().format(octet).as_bytes());
                before = b'.';
            }
            out.push(b'"');
        }
        IpAddr::V6(ip) => write_string(out, &ip.to_string()),
    }
}

fn write_meta(meta: Option<Value<'_>>, event: &Gathered<'_>, out: &mut Vec<u8>) {
    if meta.is_none() && event.unknown.is_empty() {
        return;
    }
    write_name("meta", out);
    let meta = meta.unwrap_or(Value::new("{}"));
    write_open(meta, out);
    let mut first = meta.as_str() == "{}";
    for (name, value) in &event.unknown {
        out.extend_from_slice(if first { b"\"" } else { b",\"" });
        out.extend_from_slice(name.raw().as_bytes());
        out.extend_from_slice(b"\":");
        out.extend_from_slice(value.as_str().as_bytes());
        first = false;
    }
    out.push(b'}');
}

fn write_content_info(
    event: &Gathered<'_>,
    content: Option<&Content>,
    out: &mut Vec<u8>,
) -> Result<(), Reject> {
    let redactions = about_content(event, REDACTIONS, content)?;
    let mut truncated_bytes = about_content(event, TRUNCATED_BYTES, content)?;
    let Some(content) = content else {
        out.push(b'}');
        return Ok(());
    };
    let mut number = itoa::Buffer::new();
    out.extend_from_slice(b",\"content\":{\"bytes\":");
    out.extend_from_slice(number.format(content.bytes).as_bytes());
    write_name("type", out);
    write_string(out, CONTENT_TYPE);
    if redactions > 0 {
        write_name("redactions", out);
        out.extend_from_slice(number.format(redactions).as_bytes());
    }
    let cut = content.cut.as_ref();
    truncated_bytes += cut.map_or(0, |cut| cut.truncated_bytes as u64);
    if truncated_bytes > 0 {
        write_name("truncated_bytes", out);
        out.extend_from_slice(number.format(truncated_bytes).as_bytes());
    }
    if cut.is_none() {
        out.extend_from_slice(b"}}");
    }
    Ok(())
}

/// A count that a gateway states about the content.
fn about_content(
    event: &Gathered<'_>,
    place: usize,
    content: Option<&Content>,
) -> Result<u64, Reject> {
    let name = EVENT.get(place).map_or("", |field| field.name);
    let stated = event.get(place).map_or(Ok(0), |value| count(name, value))?;
    if stated > 0 && content.is_none() {
        let detail = format!("{name} counts in a content, and there is none");
        return Err(Reject::new(code::INVALID_VALUE, name, detail));
    }
    Ok(stated)
}
