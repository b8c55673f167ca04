//! The numbers that producers give their events: what is missing among them never arrived.

use std::ops::Range;

use event::filter::Filter;
use store::Column;

use crate::{Order, QueryError, Snapshot, TimeRange, scan::Scan};

/// An event that its producer numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered<'a> {
    /// Id of the producer.
    pub producer: &'a str,
    /// The producer's number, from 0 without holes if everything arrives.
    pub number: i64,
    /// Position in the log.
    pub seq: u64,
    /// When it happened, microseconds since 1970.
    pub time_us: i64,
}

impl Snapshot {
    /// Shows every numbered event of a range of sequence numbers, oldest first.
    ///
    /// # Errors
    /// If columns cannot be read.
    pub fn numbers(
        &self,
        seqs: Range<u64>,
        mut each: impl FnMut(Numbered<'_>),
    ) -> Result<(), QueryError> {
        let all = Filter::all();
        for work in Scan::new(self, &all, TimeRange::ALL, seqs, Order::Oldest)?.works()? {
            let producers = work.columns.texts(Column::Producer)?;
            let numbers = work.columns.ints(Column::ProducerSeq)?;
            let (Some(producers), Some(numbers)) = (producers, numbers) else {
                continue;
            };
            let times = work.time_column()?;
            for seq in work.wanted.clone() {
                let row = work.row(seq);
                if let (Some(producer), Some(number)) = (producers.get(row), numbers.get(row)) {
                    each(Numbered {
                        producer,
                        number,
                        seq,
                        time_us: times.get(row).unwrap_or(0),
                    });
                }
            }
        }
        Ok(())
    }
}
