//! What is made from a segment's events and may be missing.

use std::sync::{Arc, PoisonError, RwLock};

use super::Segment;
use crate::{
    cache::{Cached, Key},
    error::StoreError,
    index::{Hits, Index, Sought},
    rollup::{Cuboid, Rollup},
};

/// An index or a rollup, opened at first use.
#[derive(Debug)]
pub(super) struct Projection<T>(RwLock<State<T>>);

#[derive(Debug)]
enum State<T> {
    Unknown,
    Good(Arc<T>),
    /// Missing, damaged, or of another version.
    Lacking,
}

impl<T> Projection<T> {
    pub(super) fn new() -> Self {
        Self(RwLock::new(State::Unknown))
    }

    fn get(&self, load: impl FnOnce() -> Result<Option<T>, StoreError>) -> Option<Arc<T>> {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Good(known) => return Some(Arc::clone(known)),
            State::Lacking => return None,
            State::Unknown => drop(state),
        }
        match load() {
            Ok(Some(loaded)) => {
                let loaded = Arc::new(loaded);
                self.set(State::Good(Arc::clone(&loaded)));
                Some(loaded)
            }
            Ok(None) => {
                self.set(State::Lacking);
                None
            }
            Err(error) => {
                self.lose(&error);
                None
            }
        }
    }

    fn lose(&self, reason: &StoreError) {
        tracing::warn!(%reason, "a segment is read without what is made from it");
        self.set(State::Lacking);
    }

    fn set(&self, state: State<T>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = state;
    }
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

    /// The rollup, if there is a good one.
    pub fn rollup(&self) -> Option<Arc<Rollup>> {
        self.rollup.get(|| self.load_rollup())
    }

    /// A cuboid of the rollup by its position. Damage is noted and no error: the rollup will be made again.
    pub fn cuboid(&self, number: usize) -> Option<Arc<Cuboid>> {
        let key = Key::cuboid(self.number, number);
        if let Some(Cached::Cuboid(cuboid)) = self.cache.get(key) {
            return Some(cuboid);
        }
        match self.rollup()?.cuboid(number) {
            Ok(cuboid) => {
                let cuboid = Arc::new(cuboid);
                self.cache.put(key, Cached::Cuboid(Arc::clone(&cuboid)));
                Some(cuboid)
            }
            Err(error) => {
                self.rollup.lose(&error);
                None
            }
        }
    }

    /// The index, if there is a good one.
    pub(crate) fn index(&self) -> Option<Arc<Index>> {
        self.index.get(|| self.load_index())
    }

    /// Opens the file; `None` if it was written by another version.
    pub(crate) fn load_index(&self) -> Result<Option<Index>, StoreError> {
        let source = self.objects.source(&self.files.index)?;
        Index::open(source, self.rows_count(), Some(&self.cache))
    }

    /// So too.
    pub(crate) fn load_rollup(&self) -> Result<Option<Rollup>, StoreError> {
        Rollup::open(self.objects.source(&self.files.rollup)?, self.rows_count())
    }

    /// Takes the files that were written anew.
    pub(crate) fn renew_projections(&self) {
        self.index.set(State::Unknown);
        self.rollup.set(State::Unknown);
    }

    /// Number of events.
    pub(super) fn rows_count(&self) -> u64 {
        self.info.end - self.info.first
    }

    fn ask<T>(&self, ask: impl Fn(&Index) -> Result<Option<T>, StoreError>) -> Option<T> {
        let answer = ask(self.index()?.as_ref());
        answer.unwrap_or_else(|error| {
            self.index.lose(&error);
            None
        })
    }
}
