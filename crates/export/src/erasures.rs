//! What the log itself tells of erasures (`docs/format.md` §3): without such a record, bytes that are not there are
//! missing.

use event::RecordView;
use serde::{Deserialize, Serialize};

/// A record of the server's own that tells of erased events, as a manifest lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erasure {
    /// Position of that record in the log.
    pub seq: u64,
    /// Its action, for example `record.erased`.
    pub action: String,
    /// Ranges of positions, both ends meant.
    pub erased: Vec<[u64; 2]>,
}

/// Ranges of positions, both ends meant, whose bytes the log says are gone.
#[derive(Debug, Default)]
pub struct Erasures {
    records: Vec<[u64; 2]>,
    contents: Vec<[u64; 2]>,
}

/// What an erasure takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    Records,
    Contents,
}

#[derive(Deserialize)]
struct Meta {
    erased: Vec<[u64; 2]>,
}

impl Erasure {
    /// Filter that finds every record that [`Self::of`] reads.
    pub const FILTER: &str = "source:system action:(record.erase.intent OR record.erased OR retention.applied \
        OR content.erase.intent OR content.erased)";

    /// The erasure that a record tells of. An intent counts: the bytes may be gone before the completion is written.
    #[must_use]
    pub fn of(record: &RecordView<'_>) -> Option<Self> {
        if record.source != "system" {
            return None;
        }
        taken(&record.action)?;
        let meta = serde_json::from_str::<Meta>(record.meta?.as_str()).ok()?;
        Some(Self {
            seq: record.seq.0,
            action: record.action.clone().into_owned(),
            erased: meta.erased,
        })
    }
}

impl Erasures {
    /// Takes note of a record that was found in the tree.
    pub fn learn(&mut self, record: &RecordView<'_>) {
        if let Some(erasure) = Erasure::of(record) {
            self.add(&erasure);
        }
    }

    /// Takes note of an erasure that is believed.
    pub fn add(&mut self, erasure: &Erasure) {
        match taken(&erasure.action) {
            Some(Taken::Records) => self.records.extend(&erasure.erased),
            Some(Taken::Contents) => self.contents.extend(&erasure.erased),
            None => {}
        }
    }

    /// Whether the log tells that the record is gone.
    #[must_use]
    pub fn has_record(&self, seq: u64) -> bool {
        self.records.iter().any(|range| contains(*range, seq))
    }

    /// Whether the log tells that the content is gone, with its record or alone.
    #[must_use]
    pub fn has_content(&self, seq: u64) -> bool {
        self.has_record(seq) || self.contents.iter().any(|range| contains(*range, seq))
    }
}

fn taken(action: &str) -> Option<Taken> {
    match action {
        "record.erase.intent" | "record.erased" | "retention.applied" => Some(Taken::Records),
        "content.erase.intent" | "content.erased" => Some(Taken::Contents),
        _ => None,
    }
}

fn contains([from, to]: [u64; 2], seq: u64) -> bool {
    (from..=to).contains(&seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(source: &str, action: &str, meta: &str) -> String {
        format!(
            "{{\"v\":1,\"id\":\"x\",\"seq\":0,\"recorded_at\":\"1970-01-01T00:00:00.000009Z\",\
            \"time\":\"1970-01-01T00:00:00.000009Z\",\"actor\":{{\"type\":\"system\",\"id\":\"server\"}},\
            \"source\":\"{source}\",\"action\":\"{action}\",\"meta\":{meta}}}"
        )
    }

    fn learn(erasures: &mut Erasures, source: &str, action: &str, meta: &str) {
        let record = record(source, action, meta);
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

    #[test]
    fn the_filter_finds_what_is_read_and_nothing_else() {
        let filter = event::filter::parse(Erasure::FILTER).unwrap();
        for (source, action, erases) in [
            ("system", "record.erase.intent", true),
            ("system", "record.erased", true),
            ("system", "retention.applied", true),
            ("system", "content.erase.intent", true),
            ("system", "content.erased", true),
            ("system", "key.created", false),
            ("app", "record.erased", false),
        ] {
            let record = record(source, action, "{\"erased\":[]}");
            let view = RecordView::parse(record.as_bytes()).unwrap();
            assert_eq!(filter.matches(&view, None), erases, "{source} {action}");
            assert_eq!(Erasure::of(&view).is_some(), erases, "{source} {action}");
        }
    }
}
