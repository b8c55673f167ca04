//! What the log itself tells of erasures (docs/format.md §3): without such a record, bytes that are not there are
//! missing.

use event::RecordView;
use serde::Deserialize;

/// Ranges of seqs, both ends included, whose bytes a record of the server's own says are gone.
#[derive(Debug, Default)]
pub(super) struct Erasures {
    records: Vec<(u64, u64)>,
    contents: Vec<(u64, u64)>,
}

#[derive(Deserialize)]
struct Meta {
    erased: Vec<(u64, u64)>,
}

impl Erasures {
    /// Takes note of a record that was found in the tree. An intent counts: the bytes may be gone before the
    /// completion is written.
    pub(super) fn learn(&mut self, record: &RecordView<'_>) {
        if record.source != "system" {
            return;
        }
        let ranges = match record.action.as_ref() {
            "record.erase.intent" | "record.erased" | "retention.applied" => &mut self.records,
            "content.erase.intent" | "content.erased" => &mut self.contents,
            _ => return,
        };
        let meta = record.meta.as_ref();
        let meta = meta.and_then(|meta| serde_json::from_str::<Meta>(meta.as_str()).ok());
        ranges.extend(meta.into_iter().flat_map(|meta| meta.erased));
    }

    /// Whether the log tells that the record is gone.
    pub(super) fn has_record(&self, seq: u64) -> bool {
        self.records.iter().any(|range| contains(*range, seq))
    }

    /// Whether the log tells that the content is gone, with its record or alone.
    pub(super) fn has_content(&self, seq: u64) -> bool {
        self.has_record(seq) || self.contents.iter().any(|range| contains(*range, seq))
    }
}

fn contains((from, to): (u64, u64), seq: u64) -> bool {
    (from..=to).contains(&seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learn(erasures: &mut Erasures, source: &str, action: &str, meta: &str) {
        let record = format!(
            "{{\"v\":1,\"id\":\"x\",\"seq\":0,\"recorded_at\":\"1970-01-01T00:00:00.000009Z\",\
            \"time\":\"1970-01-01T00:00:00.000009Z\",\"actor\":{{\"type\":\"system\",\"id\":\"server\"}},\
            \"source\":\"{source}\",\"action\":\"{action}\",\"meta\":{meta}}}"
        );
        erasures.learn(&RecordView::parse(record.as_bytes()).unwrap());
    }

    #[test]
    fn only_the_servers_own_records_tell_of_erasures() {
        let mut erasures = Erasures::default();
        learn(
            &mut erasures,
            "app",
            "record.erased",
            "{\"erased\":[[0,9]]}",
        );
        learn(
            &mut erasures,
            "system",
            "key.created",
            "{\"erased\":[[0,9]]}",
        );
        learn(&mut erasures, "system", "record.erased", "{\"erased\":7}");
        assert!((0..10).all(|seq| !erasures.has_content(seq)));
        learn(
            &mut erasures,
            "system",
            "record.erase.intent",
            "{\"erased\":[[2,3],[7,7]]}",
        );
        learn(
            &mut erasures,
            "system",
            "content.erased",
            "{\"reason\":\"r\",\"erased\":[[5,5]]}",
        );
        let seqs = |has: &dyn Fn(u64) -> bool| (0..10).filter(|seq| has(*seq)).collect::<Vec<_>>();
        assert_eq!(seqs(&|seq| erasures.has_record(seq)), [2, 3, 7]);
        assert_eq!(seqs(&|seq| erasures.has_content(seq)), [2, 3, 5, 7]);
    }
}
