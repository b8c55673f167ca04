//! Definitions of tools, by hash.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::payload::hex;

/// Definitions of one answer that are looked at.
pub(super) const MAX_DEFINITIONS: usize = 10_000;
/// Longest definition that is looked into, bytes; of a longer one only the whole is compared.
const MAX_DEFINITION_BYTES: usize = 256 << 10;

/// What a tool says of itself, by hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Definition {
    pub(super) name: String,
    /// SHA-256 of the definition with its members sorted.
    pub(super) hash: [u8; 32],
    /// The same of each of its members, so that it can be told what has changed.
    pub(super) members: BTreeMap<String, [u8; 32]>,
}

/// A definition as it comes.
#[derive(Debug, Default)]
pub(super) struct Reading {
    kept: Vec<u8>,
    hash: Option<Sha256>,
}

impl Reading {
    pub(super) fn push(&mut self, piece: &[u8]) {
        let room = MAX_DEFINITION_BYTES - self.kept.len();
        if piece.len() > room && self.hash.is_none() {
            self.hash = Some(Sha256::new_with_prefix(&self.kept));
        }
        if let Some(hash) = &mut self.hash {
            hash.update(piece);
        }
        self.kept.extend(piece.iter().take(room));
    }

    /// `None` if it has no name, so that nobody can call it.
    pub(super) fn finish(self) -> Option<Definition> {
        if let Some(hash) = self.hash {
            return Some(Definition {
                name: start_of_name(&self.kept)?,
                hash: hash.finalize().into(),
                members: BTreeMap::new(),
            });
        }
        let Ok(Json::Object(members)) = serde_json::from_slice(&self.kept) else {
            return None;
        };
        let name = members.get("name")?.as_str()?.to_owned();
        let hashes = members
            .iter()
            .map(|(name, value)| (name.clone(), hash(value)));
        Some(Definition {
            members: hashes.collect(),
            hash: hash(&Json::Object(members)),
            name,
        })
    }
}

impl Definition {
    pub(super) fn hex(&self) -> String {
        hex(&self.hash)
    }
}

/// Members come sorted from this map: a server whose members change places has changed nothing.
fn hash(value: &Json) -> [u8; 32] {
    Sha256::digest(value.to_string()).into()
}

/// The name in a text that is cut somewhere behind it.
fn start_of_name(text: &[u8]) -> Option<String> {
    let at = memchr::memmem::find(text, b"\"name\":\"")? + 8;
    let rest = std::str::from_utf8(text.get(at..)?).ok()?;
    let (name, _) = rest.split_once('"')?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(text: &str) -> Definition {
        let mut reading = Reading::default();
        text.as_bytes()
            .chunks(3)
            .for_each(|piece| reading.push(piece));
        reading.finish().unwrap()
    }

    #[test]
    fn the_order_of_members_does_not_matter_and_everything_else_does() {
        let one =
            definition(r#"{"name":"a","description":"d","inputSchema":{"type":"object","x":1}}"#);
        let same = definition(
            r#"{"inputSchema": {"x":1, "type":"object"}, "description":"d","name":"a"}"#,
        );
        assert_eq!(one, same);
        let other =
            definition(r#"{"name":"a","description":"d ","inputSchema":{"type":"object","x":1}}"#);
        assert_ne!(one.hash, other.hash);
        assert_eq!(one.members["inputSchema"], other.members["inputSchema"]);
        assert_ne!(one.members["description"], other.members["description"]);
    }

    #[test]
    fn a_long_definition_is_compared_as_a_whole() {
        let long = |end: &str| {
            let schema = "x".repeat(MAX_DEFINITION_BYTES);
            definition(&format!(
                "{{\"name\":\"a\",\"description\":\"{schema}{end}\"}}"
            ))
        };
        assert_eq!(long("").name, "a");
        assert_eq!(long(""), long(""));
        assert_ne!(long("").hash, long("!").hash);
    }
}
