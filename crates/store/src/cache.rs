//! Decoded pages and columns, those dropped first that were not asked for again: a look at everything does not
//! displace what is used all the time.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter, sync::DefaultLifecycle};

use crate::{
    column::Column,
    index::Found,
    rollup::Cuboid,
    segment::{Ints, PayloadPage, Texts},
};

/// One cache for all segments of a node.
#[derive(Debug)]
pub(crate) struct Cache {
    numbers: AtomicU64,
    inner: quick_cache::sync::Cache<Key, Cached, Weigh>,
}

/// By size.
#[derive(Clone, Debug)]
struct Weigh;

impl Weighter<Key, Cached> for Weigh {
    fn weight(&self, _: &Key, value: &Cached) -> u64 {
        value.size_bytes() as u64
    }
}

/// What is cached, and of which segment or index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    segment: u64,
    part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    /// A column of a row group.
    Column(usize, Column),
    /// A page of one.
    Page(usize, Column, usize),
    Cuboid(usize),
    /// What an index says of a term.
    Term(u64),
    /// A long list of an index, by where it lies.
    Rows(u64),
}

/// A cached value.
#[derive(Clone, Debug)]
pub(crate) enum Cached {
    Ints(Arc<Ints>),
    Texts(Arc<Texts>),
    Payload(Arc<PayloadPage>),
    Cuboid(Arc<Cuboid>),
    Found(Arc<Found>),
    Rows(Arc<Vec<u32>>),
}

impl Key {
    pub(crate) fn column(segment: u64, group: usize, column: Column) -> Self {
        let part = Part::Column(group, column);
        Self { segment, part }
    }

    pub(crate) fn page(segment: u64, group: usize, column: Column, page: usize) -> Self {
        let part = Part::Page(group, column, page);
        Self { segment, part }
    }

    pub(crate) fn cuboid(segment: u64, number: usize) -> Self {
        let part = Part::Cuboid(number);
        Self { segment, part }
    }

    /// An index has a number of its own, as a segment has: it may be made anew.
    pub(crate) fn term(index: u64, term: u64) -> Self {
        let part = Part::Term(term);
        Self {
            segment: index,
            part,
        }
    }

    pub(crate) fn rows(index: u64, offset: u64) -> Self {
        let part = Part::Rows(offset);
        Self {
            segment: index,
            part,
        }
    }
}

impl Cached {
    fn size_bytes(&self) -> usize {
        /// Map, age and shared pointer of an entry, about.
        const OVERHEAD_BYTES: usize = 256;
        let value = match self {
            Self::Ints(ints) => ints.size_bytes(),
            Self::Texts(texts) => texts.size_bytes(),
            Self::Payload(page) => page.size_bytes(),
            Self::Cuboid(cuboid) => cuboid.size_bytes(),
            Self::Found(found) => found.size_bytes(),
            Self::Rows(rows) => size_of_val(rows.as_slice()),
        };
        value + OVERHEAD_BYTES
    }
}

impl Cache {
    #[expect(
        clippy::expect_used,
        reason = "what is missing would be missing always"
    )]
    pub(crate) fn new(max_bytes: usize) -> Self {
        /// Less than a page takes. Half as many keys of dropped entries are remembered as there would be entries of this
        /// size: what a question reads may fill most of the cache, and is kept if it is asked again.
        const ENTRY_BYTES: usize = 32 << 10;
        /// What is not proven to be asked for again has room for some dozen columns.
        const HOT_PART: f64 = 0.875;
        // Each has its part of the bytes, and large columns have to share one well.
        const SHARDS: usize = 2;
        let options = OptionsBuilder::new()
            .shards(SHARDS)
            .estimated_items_capacity(max_bytes / ENTRY_BYTES)
            .weight_capacity(max_bytes as u64)
            .hot_allocation(HOT_PART)
            .build()
            .expect("both capacities are set");
        let (hasher, lifecycle) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
        Self {
            numbers: AtomicU64::new(0),
            inner: quick_cache::sync::Cache::with_options(options, Weigh, hasher, lifecycle),
        }
    }

    /// A number that no other segment or index of this cache has: names of files may come again.
    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn get(&self, key: Key) -> Option<Cached> {
        self.inner.get(&key)
    }

    pub(crate) fn put(&self, key: Key, value: Cached) {
        self.inner.insert(key, value);
    }
}
