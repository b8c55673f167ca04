//! What is looked up in an index, as numbers.

use rapidhash::v3::{RapidSecrets, rapidhash_v3_micro_inline};

use crate::column::Column;

/// Bits of a term.
pub(super) const TERM_BITS: u32 = 55;

/// Something that rows have: a token anywhere in the event, a value of a column, or a part. Its hash, so
/// two may be the same by chance: among ten million of them with a probability of 0.0014.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Term(pub(super) u64);

/// What rows are sought by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought<'a> {
    /// A token, in lower case, in a value that free text looks at.
    Token(&'a str),
    /// A whole value of a text column.
    Text(Column, &'a str),
    /// A number in a column.
    Number(Column, i64),
    /// A part of the content.
    Part(Part),
}

/// A part of the content that is looked for without its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Content of any kind.
    Content,
    /// Its member `input`.
    Input,
    /// Its member `output`.
    Output,
}

/// Makes terms. The seed is a trail's own, so that nobody who sends events can choose which terms are
/// the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(super) seed: u64,
    secrets: RapidSecrets,
}

/// Terms of another kind begin here; those of columns are their numbers and one.
const PARTS: u64 = 1 << 16;

impl Terms {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            secrets: RapidSecrets::seed(seed),
        }
    }

    /// A token in lower case.
    #[inline]
    pub(crate) fn token(self, token: &[u8]) -> Term {
        self.hash(0, token)
    }

    /// A whole value of a column.
    pub(crate) fn value(self, column: Column, value: &[u8]) -> Term {
        self.hash(column.index() as u64 + 1, value)
    }

    /// A number in a column.
    pub(crate) fn number(self, column: Column, value: i64) -> Term {
        self.value(column, &value.to_le_bytes())
    }

    /// Being there.
    pub(crate) fn part(self, part: Part) -> Term {
        self.hash(PARTS + part as u64, b"")
    }

    /// `None` for a column whose values are not looked up.
    pub(super) fn sought(self, sought: Sought<'_>) -> Option<Term> {
        match sought {
            Sought::Token(token) => Some(self.token(token.as_bytes())),
            Sought::Text(column, value) if column.has_terms() => {
                Some(self.value(column, value.as_bytes()))
            }
            Sought::Number(column, value) if column.has_terms() => Some(self.number(column, value)),
            Sought::Text(..) | Sought::Number(..) => None,
            Sought::Part(part) => Some(self.part(part)),
        }
    }

    #[inline]
    fn hash(self, kind: u64, bytes: &[u8]) -> Term {
        /// Odd, so that kinds stay different.
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        let hash = rapidhash_v3_micro_inline::<true, false>(bytes, &self.secrets);
        Term((hash ^ kind.wrapping_mul(SPREAD)) >> (u64::BITS - TERM_BITS))
    }
}
