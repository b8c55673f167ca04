//! What one key read within a minute, bounded.

use std::{collections::BTreeSet, fmt::Write as _};

use event::json::write_string;

/// Bytes of filters kept, as JSON. With the ranges they stay well below the limit of a record.
const FILTER_BYTES: usize = 24 * 1024;
/// Ranges of sequence numbers kept, at most 44 bytes each.
const RANGES: usize = 500;

/// Reads of one key.
#[derive(Debug, Default)]
pub(super) struct Reads {
    count: u64,
    /// Distinct filters as JSON strings.
    filters: BTreeSet<Vec<u8>>,
    filter_bytes: usize,
    /// Reads whose filter found no room.
    more_filters: u64,
    /// Ranges, both ends meant, in the order in which they were read.
    seqs: Vec<[u64; 2]>,
    /// Events whose range found no room.
    more_seqs: u64,
}

impl Reads {
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn note(&mut self, filter: Option<&str>, seqs: impl IntoIterator<Item = u64>) {
        self.count += 1;
        if let Some(filter) = filter {
            self.note_filter(filter);
        }
        for seq in seqs {
            self.note_seq(seq);
        }
    }

    fn note_filter(&mut self, filter: &str) {
        let mut json = Vec::with_capacity(filter.len() + 2);
        write_string(&mut json, filter);
        if self.filters.contains(&json) {
            return;
        }
        if self.filter_bytes + json.len() > FILTER_BYTES {
            self.more_filters += 1;
            return;
        }
        self.filter_bytes += json.len() + 1;
        self.filters.insert(json);
    }

    fn note_seq(&mut self, seq: u64) {
        // Pages run up or down, so a neighbour of the last range or something inside it is the common case.
        if let Some([first, last]) = self.seqs.last_mut() {
            if seq.checked_add(1) == Some(*first) {
                *first = seq;
                return;
            }
            if last.checked_add(1) == Some(seq) {
                *last = seq;
                return;
            }
        }
        if self
            .seqs
            .iter()
            .any(|[first, last]| (first..=last).contains(&&seq))
        {
            return;
        }
        if self.seqs.len() == RANGES {
            self.more_seqs += 1;
            return;
        }
        self.seqs.push([seq, seq]);
    }

    /// `{"reads":n,"filters":[...],"seqs":[[from,to],...]}`, and `more_filters` and `more_seqs` where something
    /// found no room.
    pub(super) fn to_meta(&self) -> String {
        let filters: Vec<_> = self
            .filters
            .iter()
            .map(|json| String::from_utf8_lossy(json))
            .collect();
        let seqs: Vec<_> = self
            .seqs
            .iter()
            .map(|[first, last]| format!("[{first},{last}]"))
            .collect();
        let mut meta = format!(
            "{{\"reads\":{},\"filters\":[{}],\"seqs\":[{}]",
            self.count,
            filters.join(","),
            seqs.join(",")
        );
        for (name, more) in [
            ("more_filters", self.more_filters),
            ("more_seqs", self.more_seqs),
        ] {
            if more > 0 {
                // Writing into a string cannot fail.
                let _ = write!(meta, ",\"{name}\":{more}");
            }
        }
        meta.push('}');
        meta
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_become_ranges_and_repeated_filters_one() {
        let mut reads = Reads::default();
        reads.note(Some("actor:a"), [9, 8, 7]);
        reads.note(Some("actor:a"), [6, 5]);
        reads.note(None, [20, 8]);
        assert_eq!(
            reads.to_meta(),
            r#"{"reads":3,"filters":["actor:a"],"seqs":[[5,9],[20,20]]}"#
        );
    }

    #[test]
    fn whatever_is_read_the_event_fits_a_record() {
        let mut reads = Reads::default();
        for index in 0..5_000_u64 {
            let filter = format!("\u{1}\u{2}\"{index}").repeat(40);
            reads.note(Some(&filter), [u64::MAX - 2 * index]);
        }
        let meta = reads.to_meta();
        assert!(meta.len() < 50_000, "{}", meta.len());
        assert!(meta.contains("\"more_seqs\":4500"), "{meta}");
        assert!(meta.contains("\"more_filters\":"));
        serde_json::from_str::<serde_json::Value>(&meta).unwrap();
    }
}
