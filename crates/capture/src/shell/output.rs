//! Members of the content, in the order in which they are written.

use std::{collections::BTreeMap, ffi::OsStr, fmt::Write, os::unix::ffi::OsStrExt};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::{Excerpt, Finished, Invocation, excerpt::Kept};

/// Text, or bytes that are none.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Text {
    Utf8(String),
    Binary { base64: String },
}

/// A stream, or its two ends.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Stream {
    Whole(Text),
    Edges { first: Text, last: Text },
}

#[derive(Serialize)]
pub(super) struct Content {
    argv: Vec<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cwd: Option<Text>,
    env: BTreeMap<String, Text>,
    #[serde(flatten)]
    outputs: Option<Outputs>,
}

#[derive(Serialize)]
struct Outputs {
    stdout: Stream,
    stderr: Stream,
    /// Length and hash of each whole stream. In the content, so that erasing it erases them too.
    streams: Whole,
}

#[derive(Serialize)]
struct Whole {
    stdout: Digest,
    stderr: Digest,
}

#[derive(Serialize)]
struct Digest {
    bytes: u64,
    sha256: String,
}

impl Text {
    pub(super) fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Utf8(text.to_owned()),
            Err(_) => Self::Binary {
                base64: STANDARD.encode(bytes),
            },
        }
    }

    fn of_os(text: &OsStr) -> Self {
        Self::of(text.as_bytes())
    }
}

impl Content {
    pub(super) fn of(invocation: &Invocation, finished: Option<&Finished>) -> Self {
        Self {
            argv: invocation.argv.iter().map(|arg| Text::of_os(arg)).collect(),
            cwd: invocation
                .cwd
                .as_ref()
                .map(|cwd| Text::of_os(cwd.as_os_str())),
            env: invocation
                .env
                .iter()
                .map(|(name, value)| (name.clone(), Text::of_os(value)))
                .collect(),
            outputs: finished.map(|finished| Outputs {
                stdout: Stream::of(&finished.stdout),
                stderr: Stream::of(&finished.stderr),
                streams: Whole {
                    stdout: Digest::of(&finished.stdout),
                    stderr: Digest::of(&finished.stderr),
                },
            }),
        }
    }
}

impl Stream {
    fn of(excerpt: &Excerpt) -> Self {
        match excerpt.kept() {
            Kept::Whole(bytes) => Self::Whole(Text::of(&bytes)),
            Kept::Edges(first, last) => Self::Edges {
                first: Text::of(&first),
                last: Text::of(&last),
            },
        }
    }
}

impl Digest {
    fn of(excerpt: &Excerpt) -> Self {
        let mut sha256 = String::with_capacity(64);
        for byte in excerpt.sha256() {
            let _ = write!(sha256, "{byte:02x}");
        }
        Self {
            bytes: excerpt.bytes(),
            sha256,
        }
    }
}
