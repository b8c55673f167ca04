//! Events of one short process, numbered.

use crate::{
    draft::{Draft, Stamp},
    redact::Redaction,
};

/// Makes the bytes of events. Each process that records is a producer of its own.
#[derive(Clone, Debug)]
pub struct Writer {
    producer: String,
    next_seq: u64,
}

impl Writer {
    /// A producer that has written nothing yet.
    #[must_use]
    pub fn new(producer: String) -> Self {
        Self {
            producer,
            next_seq: 0,
        }
    }

    /// The bytes of an event, without a line feed.
    #[must_use]
    pub fn write(&mut self, draft: &Draft, id: &str, with: &Redaction<'_>) -> Vec<u8> {
        let stamp = Stamp {
            id: Some(id),
            producer: Some((&self.producer, self.next_seq)),
            vouches: false,
        };
        let mut line = Vec::new();
        draft.write(&stamp, with, &mut line);
        self.next_seq += 1;
        line
    }
}
