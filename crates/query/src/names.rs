//! Numbers for the values that events are grouped by, the same in all segments.
//!
//! Values come from the dictionaries of many row groups and cuboids. Each dictionary is translated once and
//! keeps the numbers, so that grouping compares numbers and no text.

use std::{
    collections::{HashMap, hash_map},
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use hashbrown::hash_table::{Entry, HashTable};

use crate::{Dimension, Value};

/// No value.
pub(crate) const NONE: u32 = u32::MAX;
/// Values of a dimension after which its numbers are given anew: nobody may need the old ones any more.
const MAX_NAMES: usize = 1 << 18;

/// The names of all dimensions.
#[derive(Debug, Default)]
pub(crate) struct Names(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    of: HashMap<Dimension, Arc<NamesOf>>,
    generation: u64,
}

/// The values of one dimension, numbered in the order in which they were seen.
#[derive(Debug, Default)]
pub(crate) struct NamesOf {
    /// No other names have it.
    generation: u64,
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    all: Vec<Value>,
    /// Where each text is in `all`.
    texts: HashTable<u32>,
    hasher: RandomState,
    numbers: HashMap<i64, u32>,
}

impl Names {
    /// For one question: its numbers stay valid for as long as this is held.
    pub(crate) fn of(&self, dimension: Dimension) -> Arc<NamesOf> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = inner.of.get(&dimension);
        if let Some(names) = known.filter(|names| names.read().all.len() <= MAX_NAMES) {
            return Arc::clone(names);
        }
        inner.generation += 1;
        let names = Arc::new(NamesOf {
            generation: inner.generation,
            known: RwLock::default(),
        });
        inner.of.insert(dimension, Arc::clone(&names));
        names
    }

    /// Drops the names of dimensions that have too many, once nobody holds them.
    pub(crate) fn trim(&self) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner
            .of
            .retain(|_, names| names.read().all.len() <= MAX_NAMES);
    }
}

impl NamesOf {
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// The number of a text.
    pub(crate) fn text(&self, text: &str) -> u32 {
        let number = self.read().find(text);
        number.unwrap_or_else(|| self.write().text(text))
    }

    /// The number of a number.
    pub(crate) fn number(&self, number: i64) -> u32 {
        let known = self.read().numbers.get(&number).copied();
        known.unwrap_or_else(|| self.write().number(number))
    }

    /// The numbers of texts.
    pub(crate) fn texts<'t>(&self, texts: impl Iterator<Item = Option<&'t str>>) -> Arc<[u32]> {
        let mut known = self.write();
        texts
            .map(|text| text.map_or(NONE, |text| known.text(text)))
            .collect()
    }

    /// The numbers of numbers.
    pub(crate) fn numbers(&self, numbers: &[i64]) -> Arc<[u32]> {
        let mut known = self.write();
        numbers.iter().map(|number| known.number(*number)).collect()
    }

    /// The values of numbers.
    pub(crate) fn values(&self, numbers: impl Iterator<Item = u32>) -> Vec<Option<Value>> {
        let known = self.read();
        numbers
            .map(|number| known.all.get(number as usize).cloned())
            .collect()
    }

    /// What a panic can leave behind is a value without a number, which gets another one.
    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn text(&mut self, text: &str) -> u32 {
        let next = self.next();
        let hash = self.hasher.hash_one(text);
        let (all, hasher) = (&self.all, &self.hasher);
        let hash_of = |number: &u32| text_of(all, *number).map_or(0, |text| hasher.hash_one(text));
        let is_it = |number: &u32| text_of(all, *number) == Some(text);
        match self.texts.entry(hash, is_it, hash_of) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                new.insert(next);
                self.all.push(Value::from(text));
                next
            }
        }
    }

    fn find(&self, text: &str) -> Option<u32> {
        let is_it = |number: &u32| text_of(&self.all, *number) == Some(text);
        self.texts.find(self.hasher.hash_one(text), is_it).copied()
    }

    fn number(&mut self, number: i64) -> u32 {
        let next = self.next();
        match self.numbers.entry(number) {
            hash_map::Entry::Occupied(known) => *known.get(),
            hash_map::Entry::Vacant(new) => {
                self.all.push(Value::Number(number));
                *new.insert(next)
            }
        }
    }

    /// Values stay far below: each is of a dictionary that was read.
    fn next(&self) -> u32 {
        u32::try_from(self.all.len()).unwrap_or(NONE)
    }
}

fn text_of(all: &[Value], number: u32) -> Option<&str> {
    match all.get(number as usize)? {
        Value::Text(text) => Some(text),
        Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_until_there_are_too_many() {
        let dimension = Dimension::Status;
        let names = Names::default();
        let of = names.of(dimension);
        let first = of.texts(["a", "b", "a"].into_iter().map(Some).chain([None]));
        assert_eq!(*first, [0, 1, 0, NONE]);
        assert_eq!((of.text("b"), of.number(7), of.text("c")), (1, 2, 3));
        let value = |text: &str| Some(Value::from(text));
        let values = of.values([3, NONE, 2].into_iter());
        assert_eq!(values, [value("c"), None, Some(Value::Number(7))]);
        assert_eq!(names.of(dimension).generation(), of.generation());
        let many: Vec<i64> = (0..).take(MAX_NAMES + 1).collect();
        of.numbers(&many);
        let other = names.of(dimension);
        assert_ne!(other.generation(), of.generation());
        assert_eq!(other.text("z"), 0);
        assert_eq!(of.text("a"), 0);
    }
}
