//! What is added up, as numbers of rows.

use std::sync::Arc;

use store::{Column, Ints, Texts};

use super::{pick::Picked, sums::Lanes};
use crate::{Figure, QueryError, scan::Work};

/// Something of an event that is added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// See there.
    Figure(Figure),
    /// 1 for an event with an approval.
    Approvals,
    /// 1 for an event whose approval was denied.
    Denied,
}

/// Where the numbers of a measure come from.
pub(super) enum Numbers {
    Ones,
    Zeroes,
    Ints(Arc<Ints>),
    /// For each code of a text its number.
    Texts(Arc<Texts>, Vec<i64>),
    /// The flag where the other has no value.
    Without {
        flag: Arc<Ints>,
        other: Arc<Ints>,
    },
}

impl Measure {
    /// Number of events.
    pub(crate) const COUNT: Self = Self::Figure(Figure::Count);

    /// All figures, in their order.
    pub(crate) const FIGURES: [Self; Figure::ALL.len()] = {
        let mut all = [Self::COUNT; Figure::ALL.len()];
        let mut at = 0;
        while at < all.len() {
            #[expect(clippy::indexing_slicing, reason = "the compiler runs it")]
            {
                all[at] = Self::Figure(Figure::ALL[at]);
            }
            at += 1;
        }
        all
    };

    pub(super) fn numbers(self, work: &Work<'_>) -> Result<Numbers, QueryError> {
        let Self::Figure(figure) = self else {
            return match self {
                Self::Denied => one_of(work, Column::Decision, &["denied"]),
                _ => work.flags(Column::HasApproval).map(ints),
            };
        };
        let column = match figure {
            Figure::Count => return Ok(Numbers::Ones),
            Figure::Failures => return one_of(work, Column::Result, &["failure", "error"]),
            Figure::Unpriced => return unpriced(work),
            Figure::InputTokens => Column::InputTokens,
            Figure::OutputTokens => Column::OutputTokens,
            Figure::CacheReadTokens => Column::CacheReadTokens,
            Figure::CacheWriteTokens => Column::CacheWriteTokens,
            Figure::ReasoningTokens => Column::ReasoningTokens,
            Figure::CostNanousd => Column::CostNanousd,
            Figure::DurationUs => Column::DurationUs,
        };
        Ok(work.columns.ints(column)?.map_or(Numbers::Zeroes, ints))
    }
}

impl Numbers {
    pub(super) fn are_zero(&self) -> bool {
        matches!(self, Self::Zeroes)
    }

    /// The largest of them without its sign.
    pub(super) fn largest(&self) -> u64 {
        match self {
            Self::Zeroes => 0,
            Self::Ints(ints) => ints.largest(),
            Self::Ones | Self::Texts(..) | Self::Without { .. } => 1,
        }
    }

    /// Writes the numbers of the rows.
    pub(super) fn write(&self, picked: &Picked<'_>, lanes: &mut Lanes, measure: usize) {
        let (rows, lane) = lanes.lane(measure);
        let set = |row: &mut [i64], number| {
            if let Some(slot) = row.get_mut(lane) {
                *slot = number;
            }
        };
        match self {
            Self::Zeroes => {}
            Self::Ones => rows.iter_mut().for_each(|row| set(row, 1)),
            Self::Ints(ints) => picked.each(ints.values(), rows, |row, number| set(row, number)),
            Self::Texts(texts, numbers) => picked.each(texts.codes(), rows, |row, code| {
                let number = usize::try_from(code)
                    .ok()
                    .and_then(|code| numbers.get(code));
                set(row, number.copied().unwrap_or(0));
            }),
            Self::Without { flag, other } => {
                picked.each(flag.values(), rows, |row, number| set(row, number));
                let present = other.present().unwrap_or_default();
                picked.each_of(present, rows, |row, has| {
                    if has {
                        set(row, 0);
                    }
                });
            }
        }
    }
}

fn ints(ints: Arc<Ints>) -> Numbers {
    if ints.largest() == 0 {
        Numbers::Zeroes
    } else {
        Numbers::Ints(ints)
    }
}

fn one_of(work: &Work<'_>, column: Column, values: &[&str]) -> Result<Numbers, QueryError> {
    let Some(texts) = work.columns.texts(column)? else {
        return Ok(Numbers::Zeroes);
    };
    let codes = 0..u32::try_from(texts.len()).unwrap_or(u32::MAX);
    let is_one = |code| {
        texts
            .value(code)
            .is_some_and(|value| values.contains(&value))
    };
    let numbers: Vec<i64> = codes.map(|code| is_one(code).into()).collect();
    if numbers.contains(&1) {
        Ok(Numbers::Texts(texts, numbers))
    } else {
        Ok(Numbers::Zeroes)
    }
}

fn unpriced(work: &Work<'_>) -> Result<Numbers, QueryError> {
    let flag = work.flags(Column::HasUsage)?;
    match work.columns.ints(Column::CostNanousd)? {
        Some(cost) if cost.present().is_none() || flag.largest() == 0 => Ok(Numbers::Zeroes),
        Some(other) => Ok(Numbers::Without { flag, other }),
        None => Ok(ints(flag)),
    }
}
