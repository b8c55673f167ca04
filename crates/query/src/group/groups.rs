use std::sync::Arc;

use hashbrown::hash_table::{Entry, HashTable};

use super::{Grouping, MAX_GROUPS, Measure};
use crate::{
    AggregateError, Dimension, Figure, Figures, Value,
    names::{NONE, NamesOf},
};

/// Bucket and value of each dimension of a group; values are numbers of [`NamesOf`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(pub(super) [u32; 1 + Dimension::MOST]);

/// Groups and their sums.
#[derive(Clone)]
pub(crate) struct Groups {
    names: Vec<Arc<NamesOf>>,
    /// For each dimension the values of all groups, once the groups are complete.
    values: Vec<Vec<Option<Value>>>,
    /// Where the key of each group is.
    index: HashTable<u32>,
    keys: Vec<Key>,
    sums: Vec<i128>,
    /// Empty if they are not asked for.
    spans: Vec<Span>,
    measures: usize,
}

/// What the events of a group lie between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// First and last sequence number.
    pub(crate) seqs: [u64; 2],
    /// Earliest and latest time, microseconds since 1970.
    pub(crate) time: [i64; 2],
}

impl Key {
    /// Its numbers are given in order of appearance, so nobody can choose them to collide.
    fn hash(&self) -> u64 {
        let [bucket, one, two, three] = self.0.map(u64::from);
        let mix = |before: u64, number: u64| {
            let mixed = (before ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed ^ mixed >> 32
        };
        mix(mix(0, bucket << 32 | one), two << 32 | three).wrapping_mul(0xd6e8_feb8_6659_fd93)
    }
}

impl Span {
    pub(crate) fn join(self, other: Self) -> Self {
        let ([first, last], [from, to]) = (self.seqs, self.time);
        Self {
            seqs: [first.min(other.seqs[0]), last.max(other.seqs[1])],
            time: [from.min(other.time[0]), to.max(other.time[1])],
        }
    }
}

impl Groups {
    /// Names for each dimension.
    pub(super) fn new(grouping: &Grouping<'_>, names: &[Arc<NamesOf>]) -> Self {
        Self {
            names: names.to_vec(),
            values: Vec::new(),
            index: HashTable::new(),
            keys: Vec::new(),
            sums: Vec::new(),
            spans: Vec::new(),
            measures: grouping.measures.len(),
        }
    }

    /// No groups yet, of the same grouping and names.
    pub(super) fn fresh(&self) -> Self {
        Self {
            names: self.names.clone(),
            values: Vec::new(),
            index: HashTable::new(),
            keys: Vec::new(),
            sums: Vec::new(),
            spans: Vec::new(),
            measures: self.measures,
        }
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Position of a group's bucket.
    pub(crate) fn bucket(&self, group: usize) -> usize {
        let key = self.keys.get(group);
        key.map_or(0, |key| key.0[0] as usize)
    }

    /// A group's value of a dimension.
    pub(crate) fn value(&self, group: usize, dimension: usize) -> Option<&Value> {
        self.values.get(dimension)?.get(group)?.as_ref()
    }

    /// A group's values of all dimensions.
    pub(crate) fn values(&self, group: usize) -> impl Iterator<Item = Option<&Value>> {
        (0..self.values.len()).map(move |dimension| self.value(group, dimension))
    }

    /// A group's sum of a measure.
    pub(crate) fn sum(&self, group: usize, measure: usize) -> i128 {
        let sum = self.sums.get(group * self.measures + measure);
        sum.copied().unwrap_or(0)
    }

    /// A group's figures, if the measures begin with [`Measure::FIGURES`].
    pub(crate) fn figures(&self, group: usize) -> Figures {
        Figures::collect(|figure| self.figure(group, figure))
    }

    /// One of a group's figures.
    pub(crate) fn figure(&self, group: usize, figure: Figure) -> i128 {
        let measure = Measure::FIGURES
            .iter()
            .position(|measure| *measure == Measure::Figure(figure));
        measure.map_or(0, |measure| self.sum(group, measure))
    }

    /// What a group lies between, if that was asked for.
    pub(crate) fn span(&self, group: usize) -> Option<Span> {
        self.spans.get(group).copied()
    }

    /// The names of a dimension.
    pub(super) fn names(&self, dimension: usize) -> Option<&Arc<NamesOf>> {
        self.names.get(dimension)
    }

    /// To be called when the groups are complete.
    pub(super) fn finish(&mut self) {
        let values = self.names.iter().enumerate().map(|(dimension, names)| {
            let number = |key: &Key| key.0.get(1 + dimension).copied().unwrap_or(NONE);
            names.values(self.keys.iter().map(number))
        });
        self.values = values.collect();
    }

    /// Adds to a group, which may be new.
    pub(super) fn add(
        &mut self,
        key: Key,
        sums: impl Iterator<Item = i128>,
        span: Option<Span>,
    ) -> Result<(), AggregateError> {
        let next = self.keys.len();
        let keys = &self.keys;
        let key_of = |group: &u32| keys.get(*group as usize);
        let is_it = |group: &u32| key_of(group) == Some(&key);
        let hash_of = |group: &u32| key_of(group).map_or(0, Key::hash);
        let group = match self.index.entry(key.hash(), is_it, hash_of) {
            Entry::Occupied(group) => *group.get() as usize,
            Entry::Vacant(new) => {
                let number = u32::try_from(next).ok().filter(|_| next < MAX_GROUPS);
                let number = number.ok_or(AggregateError::TooManyGroups { most: MAX_GROUPS })?;
                new.insert(number);
                self.keys.push(key);
                self.sums.resize((next + 1) * self.measures, 0);
                self.spans.extend(span);
                next
            }
        };
        let start = group * self.measures;
        let known = self.sums.get_mut(start..).unwrap_or_default();
        for (known, sum) in known.iter_mut().zip(sums) {
            *known += sum;
        }
        if let (Some(known), Some(span)) = (self.spans.get_mut(group), span) {
            *known = known.join(span);
        }
        Ok(())
    }

    /// Adds all groups of the same grouping and names.
    pub(super) fn merge(&mut self, other: Self) -> Result<(), AggregateError> {
        if self.keys.is_empty() {
            *self = other;
            return Ok(());
        }
        for (group, key) in other.keys.iter().enumerate() {
            let sums = (0..other.measures).map(|measure| other.sum(group, measure));
            self.add(*key, sums, other.span(group))?;
        }
        Ok(())
    }
}
