//! The index of a segment, which may be missing.

use std::sync::{Arc, PoisonError};

use super::Segment;
use crate::{
    error::StoreError,
    index::{Hits, Index, Sought},
};

/// What is known of a segment's index.
#[derive(Debug, Default)]
pub(super) enum IndexState {
    #[default]
    Unknown,
    Good(Arc<Index>),
    /// Missing, damaged, or of another version.
    Lacking,
}

impl Segment {
    /// The rows, counted in the segment, that have what is sought; `None` if only the events themselves can
    /// tell, and for more than `most` rows. Damage is noted and no error: the index will be made again.
    pub fn hits(&self, sought: Sought<'_>, most: usize) -> Option<Hits> {
        self.ask(|index| index.hits(sought, most))
    }

    /// How many rows may have what is sought; `None` if only the events themselves can tell.
    pub fn hit_count(&self, sought: Sought<'_>) -> Option<usize> {
        self.ask(|index| index.count(sought))
    }

    fn ask<T>(&self, ask: impl Fn(&Index) -> Result<Option<T>, StoreError>) -> Option<T> {
        let answer = ask(self.index()?.as_ref());
        answer.unwrap_or_else(|error| {
            self.lose_index(&error);
            None
        })
    }

    /// The index, if there is a good one.
    pub(crate) fn index(&self) -> Option<Arc<Index>> {
        let state = self.index.read().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            IndexState::Good(index) => return Some(Arc::clone(index)),
            IndexState::Lacking => return None,
            IndexState::Unknown => drop(state),
        }
        match self.load_index() {
            Ok(Some(index)) => {
                let index = Arc::new(index);
                self.set_index(IndexState::Good(Arc::clone(&index)));
                Some(index)
            }
            Ok(None) => {
                self.set_index(IndexState::Lacking);
                None
            }
            Err(error) => {
                self.lose_index(&error);
                None
            }
        }
    }

    /// Opens the file; `None` if it was written by another version.
    pub(super) fn load_index(&self) -> Result<Option<Index>, StoreError> {
        let file = self.objects.open(&self.files.index)?;
        let rows = self.info.end - self.info.first;
        Index::open(file, &self.objects.path(&self.files.index), rows)
    }

    /// Takes the file that was written anew.
    pub(crate) fn renew_index(&self) {
        self.set_index(IndexState::Unknown);
    }

    fn lose_index(&self, reason: &StoreError) {
        tracing::warn!(%reason, "a segment is searched without its index");
        self.set_index(IndexState::Lacking);
    }

    fn set_index(&self, state: IndexState) {
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = state;
    }
}
