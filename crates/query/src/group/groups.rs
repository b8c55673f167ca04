use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasherDefault, Hash, Hasher},
    sync::Arc,
};

use super::{Grouping, MAX_GROUPS, Measure};
use crate::{AggregateError, Dimension, Figure, Figures, Value};

/// No value.
pub(super) const NULL: u32 = u32::MAX;

/// Bucket and value of each dimension of a group; values are positions among those that are known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(pub(super) [u32; 1 + Dimension::MOST]);

/// Mixes the bits of a key. Its numbers are given in order of appearance, so nobody can choose them to
/// collide.
#[derive(Default)]
pub(super) struct KeyHasher(u64);

/// Groups and their sums.
pub(crate) struct Groups {
    values: Vec<Values>,
    index: HashMap<Key, usize, BuildHasherDefault<KeyHasher>>,
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

/// The values of a dimension that occurred.
#[derive(Default)]
pub(super) struct Values {
    all: Vec<Value>,
    texts: HashMap<Arc<str>, u32>,
    numbers: HashMap<i64, u32>,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [bucket, one, two, three] = self.0.map(u64::from);
        state.write_u64(bucket << 32 | one);
        state.write_u64(two << 32 | three);
    }
}

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64((*byte).into());
        }
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }

    fn finish(&self) -> u64 {
        self.0.wrapping_mul(0xd6e8_feb8_6659_fd93)
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
    pub(super) fn new(grouping: &Grouping<'_>) -> Self {
        Self {
            values: grouping.by.iter().map(|_| Values::default()).collect(),
            index: HashMap::default(),
            keys: Vec::new(),
            sums: Vec::new(),
            spans: Vec::new(),
            measures: grouping.measures.len(),
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
        let id = *self.keys.get(group)?.0.get(1 + dimension)?;
        self.values.get(dimension)?.all.get(id as usize)
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

    /// The values of a dimension, to which more can be added.
    pub(super) fn values_mut(&mut self, dimension: usize) -> Option<&mut Values> {
        self.values.get_mut(dimension)
    }

    /// Adds to a group, which may be new.
    pub(super) fn add(
        &mut self,
        key: Key,
        sums: impl Iterator<Item = i128>,
        span: Option<Span>,
    ) -> Result<(), AggregateError> {
        let next = self.keys.len();
        let group = match self.index.entry(key) {
            Entry::Occupied(group) => *group.get(),
            Entry::Vacant(_) if next == MAX_GROUPS => {
                return Err(AggregateError::TooManyGroups { most: MAX_GROUPS });
            }
            Entry::Vacant(group) => {
                self.keys.push(key);
                self.sums.resize((next + 1) * self.measures, 0);
                self.spans.extend(span);
                *group.insert(next)
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

    /// Adds all groups of the same grouping.
    pub(super) fn merge(&mut self, other: Self) -> Result<(), AggregateError> {
        if self.keys.is_empty() {
            *self = other;
            return Ok(());
        }
        let ids: Vec<Vec<u32>> = other
            .values
            .iter()
            .zip(&mut self.values)
            .map(|(values, into)| values.all.iter().map(|value| into.id(value)).collect())
            .collect();
        for (group, key) in other.keys.iter().enumerate() {
            let mut key = *key;
            for (id, ids) in key.0.iter_mut().skip(1).zip(&ids) {
                *id = ids.get(*id as usize).copied().unwrap_or(NULL);
            }
            let sums = (0..other.measures).map(|measure| other.sum(group, measure));
            self.add(key, sums, other.span(group))?;
        }
        Ok(())
    }
}

impl Values {
    /// Position of a text.
    pub(super) fn text(&mut self, text: &str) -> u32 {
        if let Some(id) = self.texts.get(text) {
            return *id;
        }
        let (id, text) = (self.next(), Arc::<str>::from(text));
        self.all.push(Value::Text(Arc::clone(&text)));
        self.texts.insert(text, id);
        id
    }

    /// Position of a number.
    pub(super) fn number(&mut self, number: i64) -> u32 {
        let id = self.next();
        match self.numbers.entry(number) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.all.push(Value::Number(number));
                *new.insert(id)
            }
        }
    }

    fn id(&mut self, value: &Value) -> u32 {
        match value {
            Value::Text(text) => self.text(text),
            Value::Number(number) => self.number(*number),
        }
    }

    /// Values stay far below: each is of a group or of a dictionary that was read.
    fn next(&self) -> u32 {
        u32::try_from(self.all.len()).unwrap_or(NULL)
    }
}
