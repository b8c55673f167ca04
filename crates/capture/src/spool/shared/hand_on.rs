//! A shared spool as the place where a process with a spool of its own hands its events on.

use super::SharedSpool;
use crate::sink::{Receipts, Sink, SinkError};

/// Whoever delivers from the spool takes them further. Events that were kept before one that was not come twice then, which
/// the server notices.
impl Sink for SharedSpool {
    fn send(&self, lines: &[u8]) -> Result<Receipts, SinkError> {
        let events = lines.split(|byte| *byte == b'\n');
        for event in events.filter(|event| !event.is_empty()) {
            self.put(event)?;
        }
        Ok(Receipts::default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use journal::RealFs;

    use super::*;

    #[test]
    fn events_wait_one_by_one_and_a_full_spool_takes_none() {
        let dir = tempfile::tempdir().unwrap();
        let spool = SharedSpool::new(Arc::new(RealFs), dir.path());
        spool.send(b"{\"n\":1}\n{\"n\":2}\n").unwrap();
        assert_eq!(
            spool.waiting().unwrap().events,
            [b"{\"n\":1}", b"{\"n\":2}"]
        );
        let full = spool.limited(0);
        assert!(matches!(
            full.send(b"{\"n\":3}\n"),
            Err(SinkError::Spool(_))
        ));
        assert_eq!(full.count().unwrap(), 2);
    }
}
