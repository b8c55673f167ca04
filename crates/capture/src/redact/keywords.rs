//! Which of many words occur in a text, whatever their case.
//!
//! Nearly every place of a text begins no word, and that is all that most looks have to say: each takes the low five bits
//! of three bytes, in which the cases of a letter are equal, and asks a table. Places do not depend on each other, which
//! makes this several times faster than an automaton, and costs nothing to build for a process that lives for one event.

/// Bits of a byte that are looked at.
const BYTE_BITS: usize = 5;
/// Values that three bytes can have.
const BEGINNINGS: usize = 1 << (3 * BYTE_BITS);
const BEGINNING_MASK: u64 = BEGINNINGS as u64 - 1;
/// Bytes that are read at once, and places among them that have all of their three bytes.
const WINDOW_BYTES: usize = 8;
const WINDOW_PLACES: usize = 6;

/// Words, ready to be looked for.
pub(super) struct Keywords {
    /// Of each three such bytes, where in `by_beginning` the words that begin with them are, and one more; zero for none.
    first: Box<[u32]>,
    /// Words by what they begin with, in order.
    by_beginning: Vec<(u64, usize)>,
    words: Vec<Vec<u8>>,
}

impl Keywords {
    /// Words are known by their places in `words`.
    pub(super) fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let words: Vec<_> = words
            .into_iter()
            .map(|word| word.as_bytes().to_vec())
            .collect();
        let mut by_beginning: Vec<_> = words
            .iter()
            .enumerate()
            .flat_map(|(index, word)| {
                let known = word.len().min(3);
                let free = (3 - known) * BYTE_BITS;
                let first = beginning(word);
                let known_bits = known * BYTE_BITS;
                (0..1_u64 << free).map(move |rest| (first | rest << known_bits, index))
            })
            .collect();
        by_beginning.sort_unstable();
        let mut first = vec![0; BEGINNINGS].into_boxed_slice();
        for (next, (beginning, _)) in (1..).zip(&by_beginning) {
            if let Some(first) = first
                .get_mut((*beginning & BEGINNING_MASK) as usize)
                .filter(|first| **first == 0)
            {
                *first = next;
            }
        }
        Self {
            first,
            by_beginning,
            words,
        }
    }

    /// Calls back for every place of every word.
    pub(super) fn each(&self, text: &[u8], mut hit: impl FnMut(usize)) {
        let mut at = 0;
        while let Some(window) = text
            .get(at..)
            .and_then(|rest| rest.first_chunk::<WINDOW_BYTES>())
        {
            let folded = fold(*window);
            let places = 0..WINDOW_PLACES;
            let first = |place: usize| self.first(folded >> (place * BYTE_BITS));
            if places.clone().fold(0, |any, place| any | first(place)) != 0 {
                for place in places {
                    self.words_at(text, at + place, first(place), &mut hit);
                }
            }
            at += WINDOW_PLACES;
        }
        for at in at..text.len() {
            let first = self.first(beginning(text.get(at..).unwrap_or_default()));
            self.words_at(text, at, first, &mut hit);
        }
    }

    fn first(&self, folded: u64) -> u32 {
        let first = self.first.get((folded & BEGINNING_MASK) as usize);
        first.copied().unwrap_or(0)
    }

    fn words_at(&self, text: &[u8], at: usize, first: u32, hit: &mut impl FnMut(usize)) {
        let Some(first) = first.checked_sub(1) else {
            return;
        };
        let text = text.get(at..).unwrap_or_default();
        let words = self.by_beginning.get(first as usize..).unwrap_or_default();
        let beginning = words.first().map(|(beginning, _)| *beginning);
        for (_, index) in words
            .iter()
            .take_while(|(other, _)| Some(*other) == beginning)
        {
            let word = self.words.get(*index).map_or(&[][..], Vec::as_slice);
            let part = text.get(..word.len());
            if part.is_some_and(|part| part.eq_ignore_ascii_case(word)) {
                hit(*index);
            }
        }
    }
}

/// The first three bytes of a text; what is not there is zero.
fn beginning(text: &[u8]) -> u64 {
    let mut bytes = [0; WINDOW_BYTES];
    for (to, from) in bytes.iter_mut().zip(text.iter().take(3)) {
        *to = *from;
    }
    fold(bytes)
}

/// The low bits of eight bytes one behind the other, those of the first byte lowest.
fn fold(bytes: [u8; WINDOW_BYTES]) -> u64 {
    let bytes = u64::from_le_bytes(bytes);
    let pairs = bytes & 0x001f_001f_001f_001f | bytes >> 3 & 0x03e0_03e0_03e0_03e0;
    let fours = pairs & 0x0000_03ff_0000_03ff | pairs >> 6 & 0x000f_fc00_000f_fc00;
    fours & 0x0f_ffff | fours >> 12 & 0xff_fff0_0000
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::Keywords;

    fn found(words: &[String], text: &str) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        Keywords::new(words.iter().map(String::as_str)).each(text.as_bytes(), |index| {
            found.insert(index);
        });
        found
    }

    #[test]
    fn words_of_any_length_are_found_at_any_place() {
        let words = ["sk", "key", "://", "-----begin", "é"].map(String::from);
        for (index, word) in words.iter().enumerate() {
            for before in 0..20 {
                for after in 0..10 {
                    let text = format!(
                        "{}{}{}",
                        " ".repeat(before),
                        word.to_uppercase(),
                        ".".repeat(after)
                    );
                    let expected = if word == "é" { vec![] } else { vec![index] };
                    assert_eq!(Vec::from_iter(found(&words, &text)), expected, "{text}");
                }
            }
        }
        assert_eq!(Vec::from_iter(found(&words, "caf\u{e9}")), [4]);
    }

    proptest! {
        #[test]
        fn it_finds_what_a_plain_search_finds(
            words in prop::collection::vec("[a-cK_:\u{e9}-]{1,5}", 0..12),
            text in "[A-Ca-ck_:\u{e9}K-]{0,200}",
        ) {
            let words: Vec<_> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
            let lower = text.to_ascii_lowercase();
            let expected: BTreeSet<_> = words
                .iter()
                .enumerate()
                .filter(|(_, word)| lower.contains(word.as_str()))
                .map(|(index, _)| index)
                .collect();
            prop_assert_eq!(found(&words, &text), expected);
        }
    }
}
