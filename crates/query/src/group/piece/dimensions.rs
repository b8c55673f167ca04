//! The codes by which the rows of a piece are grouped.

use std::{collections::HashMap, sync::Arc};

use store::{Column, Ints, Texts};

use super::super::groups::Key;
use super::{AggregateError, Grouping, Groups, Picked, Work};
use crate::{
    Dimension,
    group::MAX_GROUPS,
    names::{NONE, NamesOf},
    scan::text_column,
    series::Buckets,
};

/// A row's key has its bucket as highest digit, then the codes of its values.
pub(super) struct Dimensions<'a> {
    buckets: Option<BucketCodes<'a>>,
    by: Vec<Codes>,
    keys: u64,
}

/// The buckets that rows of the piece can be in.
struct BucketCodes<'a> {
    buckets: &'a Buckets,
    first: usize,
    count: u64,
    time: Arc<Ints>,
}

/// Codes of a column, and which values they stand for.
struct Codes {
    values: CodedValues,
    names: Arc<NamesOf>,
    numbers: Numbers,
}

/// The numbers of the values.
enum Numbers {
    All(Arc<[u32]>),
    /// Of those that were met: few rows are asked for.
    Met(HashMap<usize, u32>),
}

enum CodedValues {
    Texts(Arc<Texts>),
    Numbers(Arc<Ints>),
    /// A column that is not there.
    None,
}

impl<'a> Dimensions<'a> {
    pub(super) fn read(
        work: &Work<'_>,
        grouping: &Grouping<'a>,
        groups: &Groups,
        rows: u64,
    ) -> Result<Self, AggregateError> {
        let buckets = grouping.buckets.map(|buckets| {
            let [first, last] = buckets.positions(work.time);
            Ok::<_, AggregateError>(BucketCodes {
                buckets,
                first,
                count: last.saturating_sub(first) as u64 + 1,
                time: work.time_column()?,
            })
        });
        let buckets = buckets.transpose()?;
        let mut by = Vec::new();
        for (dimension, position) in grouping.by.iter().zip(0..) {
            if let Some(names) = groups.names(position) {
                by.push(Codes::read(work, *dimension, Arc::clone(names), rows)?);
            }
        }
        let count = buckets.as_ref().map_or(1, |buckets| buckets.count);
        let keys = by
            .iter()
            .try_fold(count, |keys, codes| keys.checked_mul(codes.len()));
        let keys = keys.ok_or(AggregateError::TooManyGroups { most: MAX_GROUPS })?;
        Ok(Self { buckets, by, keys })
    }

    /// All keys are below.
    pub(super) fn keys(&self) -> u64 {
        self.keys
    }

    /// Writes the keys of rows over zeroes.
    pub(super) fn write_keys(&self, picked: &Picked<'_>, keys: &mut [u64]) {
        if let Some(codes) = self.buckets.as_ref().filter(|codes| codes.count > 1) {
            picked.each(codes.time.values(), keys, |key, time| {
                *key = codes.buckets.position(time).saturating_sub(codes.first) as u64;
            });
        }
        for codes in &self.by {
            let len = codes.len();
            let push = |key: &mut u64, code: i64| {
                *key = key.wrapping_mul(len).wrapping_add(code.cast_unsigned());
            };
            match &codes.values {
                CodedValues::Texts(texts) => picked.each(texts.codes(), keys, push),
                CodedValues::Numbers(ints) => {
                    if let Some(coded) = ints.coded() {
                        picked.each(&coded.codes, keys, push);
                    }
                }
                CodedValues::None => {}
            }
        }
    }

    /// The group that a key stands for.
    pub(super) fn key(&mut self, mut key: u64) -> Key {
        let mut ids = [NONE; 1 + Dimension::MOST];
        for (dimension, codes) in self.by.iter_mut().enumerate().rev() {
            let code = usize::try_from(key % codes.len()).unwrap_or(usize::MAX);
            key /= codes.len();
            if let Some(id) = ids.get_mut(1 + dimension) {
                *id = codes.number(code);
            }
        }
        let first = self.buckets.as_ref().map_or(0, |buckets| buckets.first);
        ids[0] = u32::try_from(first as u64 + key).unwrap_or(NONE);
        Key(ids)
    }
}

impl Codes {
    fn read(
        work: &Work<'_>,
        dimension: Dimension,
        names: Arc<NamesOf>,
        rows: u64,
    ) -> Result<Self, AggregateError> {
        let columns = &work.columns;
        let values = match dimension {
            Dimension::Text(field) => columns.texts(text_column(field))?.map(CodedValues::Texts),
            Dimension::Status => {
                let ints = columns.ints(Column::Status)?;
                let coded = ints.filter(|ints| ints.coded().is_some());
                coded.map(CodedValues::Numbers)
            }
        };
        let values = values.unwrap_or(CodedValues::None);
        let numbers = match &values {
            CodedValues::Texts(texts) => text_numbers(texts, &names, rows),
            CodedValues::Numbers(_) | CodedValues::None => Numbers::Met(HashMap::new()),
        };
        Ok(Self {
            values,
            names,
            numbers,
        })
    }

    /// Number of codes, that of no value among them.
    fn len(&self) -> u64 {
        let values = match &self.values {
            CodedValues::Texts(texts) => texts.len(),
            CodedValues::Numbers(ints) => ints.coded().map_or(0, |coded| coded.values.len()),
            CodedValues::None => 0,
        };
        values as u64 + 1
    }

    fn number(&mut self, code: usize) -> u32 {
        let met = match &mut self.numbers {
            Numbers::All(all) => return all.get(code).copied().unwrap_or(NONE),
            Numbers::Met(met) => met,
        };
        *met.entry(code).or_insert_with(|| match &self.values {
            CodedValues::Texts(texts) => {
                let text = u32::try_from(code).ok().and_then(|code| texts.value(code));
                text.map_or(NONE, |text| self.names.text(text))
            }
            CodedValues::Numbers(ints) => {
                let number = ints.coded().and_then(|coded| coded.values.get(code));
                number.map_or(NONE, |number| self.names.number(*number))
            }
            CodedValues::None => NONE,
        })
    }
}

/// Numbers for all values, unless a few rows are all that is asked for.
fn text_numbers(texts: &Texts, names: &NamesOf, rows: u64) -> Numbers {
    let generation = names.generation();
    if let Some(known) = texts.numbering().known(generation) {
        return Numbers::All(known);
    }
    if rows < texts.len() as u64 {
        return Numbers::Met(HashMap::new());
    }
    let codes = 0..u32::try_from(texts.len()).unwrap_or(u32::MAX);
    let make = || names.texts(codes.map(|code| texts.value(code)));
    Numbers::All(texts.numbering().get(generation, make))
}
