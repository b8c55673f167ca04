//! The reader by itself, for programs that drive it with anything.

use super::reader::{Reader, Seen, Slot};
use crate::redact::Redactor;

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Its method; `None` also for what is no message.
    pub method: Option<String>,
    /// Whether it was a JSON object.
    pub is_object: bool,
    /// All that is known of it.
    pub detail: String,
}

/// Reads a text that comes in pieces.
#[must_use]
pub fn look<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, redactor: &Redactor) -> Vec<Looked> {
    let with = redactor.with(&[]);
    let (mut reader, mut seen) = (Reader::default(), Vec::new());
    for piece in pieces {
        reader.push(piece, &with, &mut |one| seen.push(one));
    }
    reader.end(&mut |one| seen.push(one));
    let looked = seen.into_iter().map(|seen| Looked {
        detail: format!("{seen:?}"),
        is_object: matches!(seen, Seen::Message(_)),
        method: match seen {
            Seen::Message(message) => message.text(Slot::Method),
            Seen::Unreadable(_) => None,
        },
    });
    looked.collect()
}
