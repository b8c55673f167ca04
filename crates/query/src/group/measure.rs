//! What is added up, as numbers of rows.

use std::sync::Arc;

use store::{Column, Ints, Packed, Texts};

use super::pick::Picked;
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

    /// The same in rollups.
    pub(super) fn in_rollup(self) -> store::Measure {
        match self {
            Self::Figure(figure) => match figure {
                Figure::Count => store::Measure::Count,
                Figure::Failures => store::Measure::Failures,
                Figure::Unpriced => store::Measure::Unpriced,
                Figure::InputTokens => store::Measure::InputTokens,
                Figure::OutputTokens => store::Measure::OutputTokens,
                Figure::CacheReadTokens => store::Measure::CacheReadTokens,
                Figure::CacheWriteTokens => store::Measure::CacheWriteTokens,
                Figure::ReasoningTokens => store::Measure::ReasoningTokens,
                Figure::CostNanousd => store::Measure::CostNanousd,
                Figure::DurationUs => store::Measure::DurationUs,
            },
            Self::Approvals => store::Measure::Approvals,
            Self::Denied => store::Measure::Denied,
        }
    }

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

    pub(super) fn can_be_negative(&self) -> bool {
        matches!(self, Self::Ints(ints) if matches!(ints.values(), Packed::Longs(_)))
    }

    /// Adds the numbers of the rows to their lanes, shifted by so many bits.
    pub(super) fn add(&self, picked: &Picked<'_>, lanes: &mut [i64], shift: u32) {
        match self {
            Self::Zeroes => {}
            Self::Ones => lanes.iter_mut().for_each(|lane| *lane += 1 << shift),
            Self::Ints(ints) => {
                picked.each(ints.values(), lanes, |lane, number| {
                    *lane += number << shift;
                });
            }
            Self::Texts(texts, numbers) => picked.each(texts.codes(), lanes, |lane, code| {
                let number = usize::try_from(code)
                    .ok()
                    .and_then(|code| numbers.get(code));
                *lane += number.copied().unwrap_or(0) << shift;
            }),
            Self::Without { flag, other } => {
                picked.each(flag.values(), lanes, |lane, number| {
                    *lane += number << shift;
                });
                // Who has a value has the flag.
                let present = other.present().unwrap_or_default();
                picked.each_of(present, lanes, |lane, has| *lane -= i64::from(has) << shift);
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
