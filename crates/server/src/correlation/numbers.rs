//! Holes in what a program counts.

use std::collections::BTreeMap;

use event::RecordView;

/// Most holes that are told of.
const MOST: usize = 100;

/// Numbers that are missing between two that are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) producer: String,
    pub(crate) from: u64,
    /// The last one.
    pub(crate) to: u64,
}

/// Holes in the numbers of telemetry. Each process of an agent counts from 0 and may go on with another session or come back to
/// an old one, so a smaller number begins anew and what is before the first number of a job is somebody else's.
pub(super) fn missing(records: &[RecordView<'_>]) -> Vec<Missing> {
    let mut counted: BTreeMap<&str, Vec<(i64, u64)>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.source == "otlp") {
        if let Some(producer) = &record.producer
            && let Some(id) = producer.id.as_deref()
            && let Some(number) = producer.seq.and_then(|seq| u64::try_from(seq).ok())
        {
            counted
                .entry(id)
                .or_default()
                .push((record.time_us, number));
        }
    }
    let mut missing = Vec::new();
    for (producer, mut numbers) in counted {
        // Requests may have come in another order.
        numbers.sort_unstable();
        let pairs = numbers.iter().zip(numbers.iter().skip(1));
        for ((_, before), (_, after)) in pairs {
            if *after > before + 1 && missing.len() < MOST {
                missing.push(Missing {
                    producer: producer.to_owned(),
                    from: before + 1,
                    to: after - 1,
                });
            }
        }
    }
    missing
}
