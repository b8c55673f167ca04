//! The codes by which the rows of a piece are grouped.

use std::sync::Arc;

use store::{Column, Ints, Texts};

use super::super::groups::Key;
use super::{AggregateError, Grouping, Groups, NULL, Picked, Work};
use crate::{Dimension, group::MAX_GROUPS, scan::text_column, series::Buckets};

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

/// Codes of a column, and which values of the whole they stand for, as far as it was asked.
struct Codes {
    values: CodedValues,
    known: Vec<Option<u32>>,
}

enum CodedValues {
    Texts(Arc<Texts>),
    Numbers(Arc<Ints>),
    /// A column that is not there.
    None,
}

impl<'a> Dimensions<'a> {
    pub(super) fn read(work: &Work<'_>, grouping: &Grouping<'a>) -> Result<Self, AggregateError> {
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
        let codes = grouping
            .by
            .iter()
            .map(|dimension| Codes::read(work, *dimension));
        let by = codes.collect::<Result<Vec<_>, AggregateError>>()?;
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
    pub(super) fn key(&mut self, mut key: u64, groups: &mut Groups) -> Key {
        let mut ids = [NULL; 1 + Dimension::MOST];
        for (dimension, codes) in self.by.iter_mut().enumerate().rev() {
            let code = usize::try_from(key % codes.len()).unwrap_or(usize::MAX);
            key /= codes.len();
            if let Some(id) = ids.get_mut(1 + dimension) {
                *id = codes.id(code, dimension, groups);
            }
        }
        let first = self.buckets.as_ref().map_or(0, |buckets| buckets.first);
        ids[0] = u32::try_from(first as u64 + key).unwrap_or(NULL);
        Key(ids)
    }
}

impl Codes {
    fn read(work: &Work<'_>, dimension: Dimension) -> Result<Self, AggregateError> {
        let columns = &work.columns;
        let values = match dimension {
            Dimension::Text(field) => columns.texts(text_column(field))?.map(CodedValues::Texts),
            Dimension::Status => {
                let ints = columns.ints(Column::Status)?;
                let coded = ints.filter(|ints| ints.coded().is_some());
                coded.map(CodedValues::Numbers)
            }
        };
        let mut codes = Self {
            values: values.unwrap_or(CodedValues::None),
            known: Vec::new(),
        };
        codes.known = vec![None; usize::try_from(codes.len()).unwrap_or(0)];
        Ok(codes)
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

    fn id(&mut self, code: usize, dimension: usize, groups: &mut Groups) -> u32 {
        if let Some(Some(id)) = self.known.get(code) {
            return *id;
        }
        let Some(all) = groups.values_mut(dimension) else {
            return NULL;
        };
        let id = match &self.values {
            CodedValues::Texts(texts) => {
                let text = u32::try_from(code).ok().and_then(|code| texts.value(code));
                text.map(|text| all.text(text))
            }
            CodedValues::Numbers(ints) => {
                let number = ints.coded().and_then(|coded| coded.values.get(code));
                number.map(|number| all.number(*number))
            }
            CodedValues::None => None,
        };
        let id = id.unwrap_or(NULL);
        if let Some(known) = self.known.get_mut(code) {
            *known = Some(id);
        }
        id
    }
}
