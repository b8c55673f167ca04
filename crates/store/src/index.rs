//! Which rows of a segment have a term: a token of their text, a value of a column, a part of the content.
//!
//! An index is made from the events and can be made again; without one, rows are looked at one by one.
//! The same rows give the same bytes, whether they were written at once or merged from smaller
//! indexes, so that a verifier can compare.

mod bits;
mod build;
mod collect;
mod merge;
mod page;
mod reader;
mod rows;
mod shape;
mod terms;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use build::{Builder, can_merge, merge};
pub(crate) use collect::{Collector, Loose, Run, rest};
pub(crate) use page::Found;
pub use reader::{Hits, Index};
pub(crate) use shape::Shape;
pub(crate) use terms::Terms;
pub use terms::{Part, Sought};

use crate::error::StoreError;
use terms::Term;

/// Terms in rising order, each once, with its rows.
trait Entries {
    /// The next term; its rows, rising, replace what `rows` has.
    fn next(&mut self, rows: &mut Vec<u32>) -> Result<Option<Term>, StoreError>;
}
