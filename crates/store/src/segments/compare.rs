//! Whether what is made from events is what those events give.

use super::{Segments, projections};
use crate::{error::StoreError, index::Builder, rollup, segment::Segment};

impl Segments {
    /// Makes the index and the rollup of a segment again, from its columns and events, and returns where they
    /// are not the same. A file that is missing or of another version will be made again before it is used, and
    /// is no difference.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the segment or one of the files cannot be read.
    pub fn compare(&self, segment: &Segment) -> Result<Vec<StoreError>, StoreError> {
        let index = present(segment.load_index())?;
        let rollup = present(segment.load_rollup())?;
        let columns = projections::columns_of(segment)?;
        let mut differences = Vec::new();
        if let Some(rollup) = rollup {
            differences.extend(rollup.difference(&rollup::build(&columns))?);
        }
        if let Some(index) = index {
            let path = self.objects.path(&segment.files().index);
            let mut builder = Builder::new(index.terms(), &path);
            projections::add_events(segment, &columns, &mut builder, &|| false)?;
            let again = builder.finish(index.shape, Vec::new())?;
            differences.extend(index.difference(&again)?);
        }
        Ok(differences)
    }
}

fn present<T>(opened: Result<Option<T>, StoreError>) -> Result<Option<T>, StoreError> {
    match opened {
        Err(StoreError::Missing { .. }) => Ok(None),
        opened => opened,
    }
}
