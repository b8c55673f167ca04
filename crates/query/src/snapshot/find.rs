//! Events by their id.

use event::{RecordView, Seq};

use super::Snapshot;
use crate::QueryError;

/// How every record begins, up to its id (`docs/format.md` §1).
const BEFORE_ID: &[u8] = b"{\"v\":1,\"id\":\"";

impl Snapshot {
    /// Position of the event with this id.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn find(&self, id: &str) -> Result<Option<Seq>, QueryError> {
        let unsealed = Seq(self.sealed_end())..Seq(self.size);
        for chunk in self.hot.chunks.iter().rev() {
            let found = chunk.iter().rev().find(|event| has_id(event.record, id));
            if let Some(event) = found.filter(|event| unsealed.contains(&event.seq)) {
                return Ok(Some(event.seq));
            }
        }
        for segment in self.sealed.segments().iter().rev() {
            if segment.range().start >= self.size {
                continue;
            }
            if let Some((seq, _)) = segment.find(id)? {
                return Ok(Some(seq).filter(|seq| seq.0 < self.size));
            }
        }
        Ok(None)
    }
}

/// Whether a record has this id. Looks at the first bytes; reads the record only if the producer
/// wrote its id with escapes.
fn has_id(record: &[u8], id: &str) -> bool {
    let Some(rest) = record.strip_prefix(BEFORE_ID) else {
        return false;
    };
    if let Some(after) = rest.strip_prefix(id.as_bytes()) {
        return after.first() == Some(&b'"') && !id.contains(['"', '\\']);
    }
    let end = rest.iter().find(|byte| matches!(byte, b'"' | b'\\'));
    end == Some(&b'\\') && RecordView::parse(record).is_ok_and(|view| view.id == id)
}

#[cfg(test)]
mod tests {
    use super::has_id;

    #[test]
    fn an_id_is_found_as_it_was_written() {
        let record = |id: &str| {
            format!(
                "{{\"v\":1,\"id\":\"{id}\",\"seq\":0,\"recorded_at\":\"2026-01-01T00:00:00.000000Z\",\
                 \"time\":\"2026-01-01T00:00:00Z\",\"actor\":{{\"type\":\"agent\",\"id\":\"a\"}},\
                 \"source\":\"app\",\"action\":\"x\"}}"
            )
        };
        let has = |written: &str, id: &str| has_id(record(written).as_bytes(), id);
        assert!(has("abc", "abc") && has("\\u0061bc", "abc") && has("ab\\u0063", "abc"));
        assert!(!has("abcd", "abc") && !has("ab", "abc") && !has("ab\\u0064", "abc"));
        assert!(!has("\\u0061", "\\u0061") && !has("a", "a\",\"seq") && !has_id(b"{}", "abc"));
    }
}
