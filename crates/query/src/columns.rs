use std::sync::Arc;

use store::{Column, Ints, Segment, StoreError, Texts};

/// The typed columns of neighbouring events, sealed or not.
#[derive(Clone)]
pub(crate) enum Columns<'a> {
    /// A row group of a segment.
    Sealed(&'a Segment, usize),
    Hot(Arc<store::Columns>),
}

impl Columns<'_> {
    /// `None` for a column that is of another kind or that the segment lacks.
    pub(crate) fn ints(&self, column: Column) -> Result<Option<Arc<Ints>>, StoreError> {
        match self {
            Self::Sealed(segment, group) => segment.ints(*group, column),
            Self::Hot(columns) => Ok(columns.ints(column).cloned()),
        }
    }

    /// `None` for a column of another kind.
    pub(crate) fn texts(&self, column: Column) -> Result<Option<Arc<Texts>>, StoreError> {
        match self {
            Self::Sealed(segment, group) => segment.texts(*group, column),
            Self::Hot(columns) => Ok(columns.texts(column).cloned()),
        }
    }
}
