//! Sums of a segment, so that a question over many events need not look at each.
//!
//! A rollup has cuboids: for some dimensions, and mostly for spans of time, the sums of all rows that
//! have the same values. It is made from the columns and can be made again; without one, columns are added
//! up. The same rows give the same cuboids.

mod build;
mod codec;
mod cuboid;
mod file;
mod measures;
#[cfg(test)]
mod tests;

pub(crate) use build::build;
pub use cuboid::{Cuboid, Labels, Measure, Span};
pub(crate) use file::to_bytes;
pub use file::{Rollup, Shape};

use crate::column::Column;

/// What a cuboid is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plan {
    dimensions: &'static [Column],
    has_time: bool,
    /// Whether first and last row and time of each cell are kept.
    has_spans: bool,
}

const fn by_time(dimensions: &'static [Column]) -> Plan {
    Plan {
        dimensions,
        has_time: true,
        has_spans: false,
    }
}

const fn in_all(dimensions: &'static [Column], has_spans: bool) -> Plan {
    Plan {
        dimensions,
        has_time: false,
        has_spans,
    }
}

/// All cuboids, the most useful first: the last ones are left out where they would be too large. Since a verifier
/// makes them again, another list or bound is another version of the file.
const PLANS: [Plan; 24] = [
    by_time(&[Column::Source]),
    by_time(&[Column::Result]),
    by_time(&[Column::ActorType]),
    by_time(&[Column::Action]),
    by_time(&[Column::ResourceType]),
    by_time(&[Column::Project]),
    by_time(&[Column::Model]),
    in_all(&[Column::ActorType, Column::Actor], true),
    in_all(&[Column::Job], true),
    by_time(&[Column::Provider]),
    by_time(&[Column::Approver]),
    by_time(&[Column::Rule]),
    by_time(&[Column::Status]),
    by_time(&[Column::Source, Column::Result]),
    by_time(&[Column::Project, Column::Source]),
    by_time(&[Column::Project, Column::Result]),
    by_time(&[Column::Project, Column::Action]),
    by_time(&[Column::Project, Column::Model]),
    by_time(&[Column::Project, Column::ActorType]),
    by_time(&[Column::Project, Column::ResourceType]),
    in_all(&[Column::Project, Column::Actor], false),
    in_all(&[Column::Initiator], false),
    by_time(&[Column::Action, Column::Result]),
    in_all(&[Column::Resource], false),
];

/// Lengths of a span of time, microseconds: the shortest that keeps the first cuboids small.
const UNITS_US: [i64; 2] = [15 * 60 * 1_000_000, 60 * 60 * 1_000_000];
/// The cells of all cuboids together are at most so many times fewer than rows,
const CELLS_PART: usize = 4;
/// but for these, where there are as many rows.
const MIN_CELLS: usize = 1 << 15;
/// Those of one cuboid.
const CUBOID_PART: usize = 8;
/// So too.
const MIN_CUBOID_CELLS: usize = 1 << 13;
