//! What is kept of a request or an answer: its head, and the beginning of a body that people can read.

use hyper::{HeaderMap, header::CONTENT_TYPE};
use serde_json::{Map, Value as Json};

use crate::{
    http::Coding,
    payload::{Payload, Value},
    redact::Redaction,
};

/// Bytes of a body that are kept.
const KEPT_BYTES: usize = 32 << 10;
/// Bytes of a body that are looked at: a secret that begins in what is kept ends in what is seen.
const SEEN_BYTES: usize = 64 << 10;
/// Media types that are text without being `text/`.
const TEXTS: [&str; 7] = [
    "json",
    "xml",
    "javascript",
    "x-www-form-urlencoded",
    "graphql",
    "yaml",
    "toml",
];

/// One half of an exchange as it comes.
pub(super) struct Summary {
    /// Members that stand before the body.
    head: Map<String, Json>,
    coding: Coding,
    /// Unless nobody could read it.
    body: Option<Payload>,
    /// Unpacked bytes that were looked at.
    seen: usize,
    /// Bytes of the body as they came.
    pub(super) bytes: u64,
}

impl Summary {
    pub(super) fn new(mut head: Map<String, Json>, headers: &HeaderMap) -> Self {
        head.insert("headers".to_owned(), Json::Object(listed(headers)));
        Self {
            head,
            coding: Coding::of(headers),
            body: is_text(headers).then(|| Payload::default().limited(KEPT_BYTES)),
            seen: 0,
            bytes: 0,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8], with: &Redaction<'_>) {
        self.bytes += bytes.len() as u64;
        let (seen, body) = (&mut self.seen, &mut self.body);
        let Some(body) = body.as_mut().filter(|_| *seen < SEEN_BYTES) else {
            return;
        };
        self.coding.push(bytes, |bytes| {
            let room = SEEN_BYTES.saturating_sub(*seen);
            *seen += bytes.len();
            body.push(with, bytes.get(..room).unwrap_or(bytes));
        });
    }

    /// `{"method":…,"headers":{…},"bytes":n,"body":…}`.
    pub(super) fn finish(self, with: &Redaction<'_>) -> Value {
        let Self {
            mut head,
            body,
            seen,
            bytes,
            ..
        } = self;
        head.insert("bytes".to_owned(), bytes.into());
        let mut value = Value::of_json(&Json::Object(head).to_string(), with);
        let Some(body) = body.and_then(|body| body.finish(with)) else {
            return value;
        };
        value.redactions += body.redactions;
        // Of what was not even looked at, the unpacked length is not known; as it came, it is.
        value.truncated_bytes += body.truncated_bytes;
        if seen > SEEN_BYTES {
            value.truncated_bytes = value
                .truncated_bytes
                .max(bytes.saturating_sub(KEPT_BYTES as u64));
        }
        if value.json.ends_with('}') {
            value.json.pop();
            value.json.push_str(",\"body\":");
            value.json.push_str(&body.json);
            value.json.push('}');
        }
        value
    }
}

/// Values of one name are one text: in a list the name would not tell that they are secret.
fn listed(headers: &HeaderMap) -> Map<String, Json> {
    let names = headers.keys().map(|name| {
        let values: Vec<_> = headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        (name.as_str().to_owned(), Json::from(values.join(", ")))
    });
    names.collect()
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = kind
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    kind.starts_with("text/") || TEXTS.iter().any(|text| kind.ends_with(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Redactor;

    fn summary(kind: &str, body: &[u8]) -> Value {
        let redactor = Redactor::new(None, &[], &[7; 32]).unwrap();
        let with = redactor.with(&[]);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        headers.append("set-cookie", "a=secret-one-cookie".parse().unwrap());
        headers.append("set-cookie", "b=secret-two-cookie".parse().unwrap());
        let mut summary = Summary::new(Map::new(), &headers);
        body.chunks(1000)
            .for_each(|piece| summary.push(piece, &with));
        summary.finish(&with)
    }

    #[test]
    fn text_is_kept_and_the_rest_is_counted() {
        let value = summary(
            "application/vnd.api+json; charset=utf-8",
            br#"{"a":1,"password":"hunter2"}"#,
        );
        let json: Json = serde_json::from_str(&value.json).unwrap();
        assert_eq!(
            (&json["body"]["a"], &json["bytes"]),
            (&Json::from(1), &Json::from(28))
        );
        assert!(
            !value.json.contains("hunter2") && !value.json.contains("one-cookie"),
            "{}",
            value.json
        );
        assert_eq!(value.redactions, 2);
        let value = summary("application/octet-stream", &[7; 5000]);
        let json: Json = serde_json::from_str(&value.json).unwrap();
        assert_eq!(
            (json.get("body"), &json["bytes"]),
            (None, &Json::from(5000))
        );
        assert_eq!(value.truncated_bytes, 0);
    }

    #[test]
    fn a_long_text_is_cut_and_no_secret_with_it() {
        let mut body = "x".repeat(KEPT_BYTES - 10);
        body.push_str(" ghp_0123456789abcdefghijklmnopqrstuvwxyz ");
        body.push_str(&"y".repeat(300_000));
        let value = summary("text/plain", body.as_bytes());
        assert!(
            value.json.len() < KEPT_BYTES + 1_000,
            "{}",
            value.json.len()
        );
        assert!(!value.json.contains("ghp_"));
        assert_eq!(value.truncated_bytes, (body.len() - KEPT_BYTES) as u64);
        serde_json::from_str::<Json>(&value.json).unwrap();
    }
}
