//! A text column while it is collected.

use std::hash::{BuildHasher, RandomState};

use rapidhash::v3::{RapidSecrets, rapidhash_v3_micro_inline};

use crate::segment::Texts;

/// Values end to end, and which one each row has; of a column with few values each one once.
pub(super) struct Collected {
    values: String,
    ends: Vec<u32>,
    codes: Vec<Option<u32>>,
    known: Option<Known>,
}

/// Codes of values by their hash, with open addressing.
struct Known {
    /// A code and one more, 0 without one. At most half full.
    slots: Vec<u32>,
    hashes: Vec<u64>,
    secrets: RapidSecrets,
    /// Code of the value before: neighbours are often equal.
    last: u32,
}

impl Collected {
    pub(super) fn new(has_dictionary: bool) -> Self {
        Self {
            values: String::new(),
            ends: Vec::new(),
            codes: Vec::new(),
            known: has_dictionary.then(Known::new),
        }
    }

    pub(super) fn push(&mut self, value: Option<&str>) {
        let code = value.map(|value| self.code(value));
        self.codes.push(code);
    }

    pub(super) fn finish(self) -> Texts {
        Texts::new(self.values, self.ends, &self.codes)
    }

    fn code(&mut self, value: &str) -> u32 {
        let Some(known) = &mut self.known else {
            return self.append(value);
        };
        if text(&self.values, &self.ends, known.last) == Some(value) {
            return known.last;
        }
        let hash = known.hash(value);
        let found = known.find(hash, |code| {
            text(&self.values, &self.ends, code) == Some(value)
        });
        if let Some(code) = found {
            known.last = code;
            return code;
        }
        let code = self.append(value);
        if let Some(known) = &mut self.known {
            known.insert(hash, code);
            known.last = code;
        }
        code
    }

    fn append(&mut self, value: &str) -> u32 {
        self.values.push_str(value);
        let code = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.ends
            .push(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        code
    }
}

impl Known {
    fn new() -> Self {
        Self {
            slots: vec![0; 16],
            hashes: Vec::new(),
            // Random, so that nobody who sends events can choose values that share a slot.
            secrets: RapidSecrets::seed(RandomState::new().hash_one(())),
            last: 0,
        }
    }

    fn hash(&self, value: &str) -> u64 {
        rapidhash_v3_micro_inline::<true, false>(value.as_bytes(), &self.secrets)
    }

    fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len() - 1;
        let mut at = usize::try_from(hash).unwrap_or(0) & mask;
        loop {
            let code = self.slots.get(at)?.checked_sub(1)?;
            if self.hashes.get(code as usize) == Some(&hash) && is_it(code) {
                return Some(code);
            }
            at = (at + 1) & mask;
        }
    }

    /// Codes are given in order.
    fn insert(&mut self, hash: u64, code: u32) {
        self.hashes.push(hash);
        if self.hashes.len() * 2 > self.slots.len() {
            self.slots = vec![0; self.slots.len() * 4];
            for code in 0..code {
                self.place(code);
            }
        }
        self.place(code);
    }

    fn place(&mut self, code: u32) {
        let mask = self.slots.len() - 1;
        let hash = self.hashes.get(code as usize).copied().unwrap_or(0);
        let mut at = usize::try_from(hash).unwrap_or(0) & mask;
        while self.slots.get(at).is_some_and(|slot| *slot != 0) {
            at = (at + 1) & mask;
        }
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = code + 1;
        }
    }
}

fn text<'a>(values: &'a str, ends: &[u32], code: u32) -> Option<&'a str> {
    let code = code as usize;
    let end = *ends.get(code)? as usize;
    let start = match code.checked_sub(1) {
        Some(before) => *ends.get(before)? as usize,
        None => 0,
    };
    values.get(start..end)
}

#[cfg(test)]
mod tests {
    use super::Collected;

    #[test]
    fn equal_values_share_a_code_and_every_row_keeps_its_value() {
        for has_dictionary in [true, false] {
            let mut texts = Collected::new(has_dictionary);
            let value = |row: usize| format!("value {}", row * row % 1013);
            let has = |row: usize| row % 7 != 3;
            for row in 0..5000 {
                texts.push(has(row).then(|| value(row)).as_deref());
            }
            texts.push(Some(""));
            let texts = texts.finish();
            for row in 0..5000 {
                assert_eq!(texts.get(row), has(row).then(|| value(row)).as_deref());
            }
            assert_eq!(texts.get(5000), Some(""));
            assert_eq!(texts.len() < 1015, has_dictionary);
        }
    }
}
