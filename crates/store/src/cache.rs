//! Decoded pages and columns, the least recently used ones dropped first.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    column::Column,
    rollup::Cuboid,
    segment::{Ints, PayloadPage, Texts},
};

/// One cache for all segments of a node.
#[derive(Debug)]
pub(crate) struct Cache {
    max_bytes: usize,
    numbers: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: HashMap<Key, Entry>,
    by_age: BTreeMap<u64, Key>,
    bytes: usize,
    age: u64,
}

#[derive(Debug)]
struct Entry {
    value: Cached,
    bytes: usize,
    age: u64,
}

/// What is cached, and of which segment.
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
}

/// A cached value.
#[derive(Clone, Debug)]
pub(crate) enum Cached {
    Ints(Arc<Ints>),
    Texts(Arc<Texts>),
    Payload(Arc<PayloadPage>),
    Cuboid(Arc<Cuboid>),
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
        };
        value + OVERHEAD_BYTES
    }
}

impl Cache {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            numbers: AtomicU64::new(0),
            inner: Mutex::default(),
        }
    }

    /// A number that no other segment of this cache has: names of files may come again.
    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn get(&self, key: Key) -> Option<Cached> {
        let mut inner = self.lock();
        inner.age += 1;
        let age = inner.age;
        let entry = inner.entries.get_mut(&key)?;
        let before = std::mem::replace(&mut entry.age, age);
        let value = entry.value.clone();
        inner.by_age.remove(&before);
        inner.by_age.insert(age, key);
        Some(value)
    }

    pub(crate) fn put(&self, key: Key, value: Cached) {
        let bytes = value.size_bytes();
        if bytes > self.max_bytes {
            return;
        }
        let mut inner = self.lock();
        inner.age += 1;
        let age = inner.age;
        if let Some(before) = inner.entries.insert(key, Entry { value, bytes, age }) {
            inner.bytes -= before.bytes;
            inner.by_age.remove(&before.age);
        }
        inner.by_age.insert(age, key);
        inner.bytes += bytes;
        while inner.bytes > self.max_bytes {
            let Some((_, oldest)) = inner.by_age.pop_first() else {
                break;
            };
            if let Some(entry) = inner.entries.remove(&oldest) {
                inner.bytes -= entry.bytes;
            }
        }
    }

    /// A panic while it was held left at worst a wrong count behind, so a poisoned lock is taken.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
