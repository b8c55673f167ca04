//! One cuboid, in memory.

use std::collections::BTreeMap;

use crate::numbering::Numbering;

/// Something of an event that is added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "named after the figures of the interface; see docs/api.md"
)]
pub enum Measure {
    Count,
    Failures,
    Unpriced,
    InputTokens,
    OutputTokens,
    CacheReadTokens,
    CacheWriteTokens,
    ReasoningTokens,
    CostNanousd,
    DurationUs,
    /// Events with an approval.
    Approvals,
    /// Events whose approval was denied.
    Denied,
}

impl Measure {
    /// All of them, in the order of the file.
    pub const ALL: [Self; 12] = [
        Self::Count,
        Self::Failures,
        Self::Unpriced,
        Self::InputTokens,
        Self::OutputTokens,
        Self::CacheReadTokens,
        Self::CacheWriteTokens,
        Self::ReasoningTokens,
        Self::CostNanousd,
        Self::DurationUs,
        Self::Approvals,
        Self::Denied,
    ];
}

/// Cells: groups of rows that have the same values and lie in the same span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cuboid {
    pub(super) cells: usize,
    /// Empty without time.
    pub(super) starts: Vec<i64>,
    pub(super) labels: Vec<Labels>,
    /// For each dimension.
    pub(super) numberings: Vec<Numbering>,
    /// For each dimension the label of each cell, one past the last without a value.
    pub(super) codes: Vec<Vec<u32>>,
    /// Empty where all are 0.
    pub(super) sums: [Vec<i64>; Measure::ALL.len()],
    /// Empty without spans.
    pub(super) spans: Vec<Span>,
}

/// The values of a dimension, rising.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Labels {
    /// Of a text column: the values end to end, and where each ends.
    Texts(String, Vec<u32>),
    /// Of `status`.
    Numbers(Vec<i64>),
}

/// What the rows of a cell lie between: first and last row, counted in the segment, earliest and latest time,
/// microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "described above")]
pub struct Span {
    pub rows: [u32; 2],
    pub time: [i64; 2],
}

impl Cuboid {
    /// Number of cells.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// For each cell where its span of time begins, microseconds since 1970; rising. Empty without time.
    #[must_use]
    pub fn starts(&self) -> &[i64] {
        &self.starts
    }

    /// The values of a dimension.
    #[must_use]
    pub fn labels(&self, dimension: usize) -> Option<&Labels> {
        self.labels.get(dimension)
    }

    /// Room for numbers of the values of a dimension.
    #[must_use]
    pub fn numbering(&self, dimension: usize) -> Option<&Numbering> {
        self.numberings.get(dimension)
    }

    /// For each cell the position of its value of a dimension, [`Labels::len`] without one.
    #[must_use]
    pub fn codes(&self, dimension: usize) -> &[u32] {
        self.codes.get(dimension).map_or(&[], Vec::as_slice)
    }

    /// For each cell its sum of a measure; empty if all are 0.
    #[must_use]
    pub fn sums(&self, measure: Measure) -> &[i64] {
        self.sums.get(measure as usize).map_or(&[], Vec::as_slice)
    }

    /// For each cell what its rows lie between, if that is kept.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The same without spans of time, of a cuboid without [`Span`]s.
    pub(super) fn over_all_time(&self) -> Option<Self> {
        let mut all: BTreeMap<Vec<u32>, [i64; Measure::ALL.len()]> = BTreeMap::new();
        for cell in 0..self.cells {
            let codes = self.codes.iter().map(|codes| codes.get(cell).copied());
            let sums = all.entry(codes.collect::<Option<_>>()?).or_default();
            for (sum, sums) in sums.iter_mut().zip(&self.sums) {
                *sum += sums.get(cell).copied().unwrap_or(0);
            }
        }
        let mut whole = Self {
            cells: all.len(),
            starts: Vec::new(),
            labels: self.labels.clone(),
            numberings: self.numberings.clone(),
            codes: vec![Vec::new(); self.codes.len()],
            sums: Default::default(),
            spans: Vec::new(),
        };
        for (key, sums) in all {
            for (codes, code) in whole.codes.iter_mut().zip(key) {
                codes.push(code);
            }
            for ((all, sum), own) in whole.sums.iter_mut().zip(sums).zip(&self.sums) {
                if !own.is_empty() {
                    all.push(sum);
                }
            }
        }
        Some(whole)
    }

    pub(crate) fn size_bytes(&self) -> usize {
        let labels: usize = self.labels.iter().map(Labels::size_bytes).sum();
        let sums: usize = self.sums.iter().map(|sums| sums.len() * 8).sum();
        let codes: usize = self.codes.iter().map(|codes| codes.len() * 4).sum();
        self.starts.len() * 8 + labels + codes + sums + self.spans.len() * size_of::<Span>()
    }
}

impl Labels {
    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Texts(_, ends) => ends.len(),
            Self::Numbers(numbers) => numbers.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text at a position; `None` for numbers.
    #[must_use]
    pub fn text(&self, code: u32) -> Option<&str> {
        let Self::Texts(texts, ends) = self else {
            return None;
        };
        let code = code as usize;
        let end = *ends.get(code)? as usize;
        let start = match code.checked_sub(1) {
            Some(before) => *ends.get(before)? as usize,
            None => 0,
        };
        texts.get(start..end)
    }

    /// The number at a position; `None` for texts.
    #[must_use]
    pub fn number(&self, code: u32) -> Option<i64> {
        match self {
            Self::Texts(..) => None,
            Self::Numbers(numbers) => numbers.get(code as usize).copied(),
        }
    }

    fn size_bytes(&self) -> usize {
        match self {
            // With the numbers that the values may get.
            Self::Texts(texts, ends) => texts.len() + ends.len() * 8,
            Self::Numbers(numbers) => numbers.len() * 12,
        }
    }
}

impl Span {
    pub(super) fn join(self, other: Self) -> Self {
        let ([first, last], [from, to]) = (self.rows, self.time);
        Self {
            rows: [first.min(other.rows[0]), last.max(other.rows[1])],
            time: [from.min(other.time[0]), to.max(other.time[1])],
        }
    }
}
