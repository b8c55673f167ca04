//! Loops over whole columns, one for each width.

use store::{Ints, Packed};

use super::verdicts::{Verdict, Verdicts};

/// The verdict of each row's code.
pub(super) fn by_code(codes: &Packed, verdicts: &[Verdict]) -> Verdicts {
    let of = |code: usize| verdicts.get(code).copied().unwrap_or(Verdict::No);
    Verdicts::Rows(match codes {
        Packed::Bytes(codes) => {
            // Of fixed length, so that no look-up needs a check.
            let mut table = [Verdict::No; 256];
            for (slot, verdict) in table.iter_mut().zip(verdicts) {
                *slot = *verdict;
            }
            let of = |code: &u8| table.get(usize::from(*code)).copied();
            let codes = codes.iter();
            codes.map(|code| of(code).unwrap_or(Verdict::No)).collect()
        }
        Packed::Shorts(codes) => codes.iter().map(|code| of((*code).into())).collect(),
        Packed::Words(codes) => codes.iter().map(|code| of(*code as usize)).collect(),
        Packed::Longs(codes) => {
            let code = |code: &i64| usize::try_from(*code).unwrap_or(usize::MAX);
            codes.iter().map(|long| of(code(long))).collect()
        }
    })
}

/// Rows with a value between two, both meant.
pub(super) fn within(ints: &Ints, low: i64, high: i64) -> Verdicts {
    let mut rows = match ints.values() {
        Packed::Bytes(values) => compare(values, low, high),
        Packed::Shorts(values) => compare(values, low, high),
        Packed::Words(values) => compare(values, low, high),
        Packed::Longs(values) => compare(values, low, high),
    };
    if let Some(present) = ints.present() {
        for (row, has) in rows.iter_mut().zip(present) {
            *row = (*row).min((*has).into());
        }
    }
    Verdicts::Rows(rows)
}

fn compare<T: Copy + Into<i64>>(values: &[T], low: i64, high: i64) -> Vec<Verdict> {
    let contains = |value: i64| low <= value && value <= high;
    let values = values.iter().map(|value| (*value).into());
    values.map(|value| contains(value).into()).collect()
}
