//! What typed columns say of a condition: of all rows, or of some.

use std::ops::RangeInclusive;

use event::filter::{Field, NumberField, Part, Term, TextPattern};
use store::{Column, StoreError};

use super::{Rows, text_column};
use crate::scan::{
    loops,
    verdicts::{Verdict, Verdicts},
};

/// Judges all rows.
pub(super) struct Dense<'a>(pub(super) &'a Rows<'a>);

/// Judges some rows, in their order.
pub(super) struct At<'a>(pub(super) &'a Rows<'a>, pub(super) &'a [u32]);

/// What is asked of which column.
enum Question<'t> {
    /// A value, of a pattern or any.
    Text(Column, Option<&'t TextPattern>),
    /// A number between two, both meant.
    Between(Column, i64, i64),
    /// The same of both sorts of tokens together.
    Tokens(i128, i128),
    /// The same of the position.
    Seq(i128, i128),
    Never,
    /// Only the payload knows.
    Unknown,
}

impl<'t> From<&'t Term> for Question<'t> {
    fn from(term: &'t Term) -> Self {
        match term {
            Term::Text(field, pattern) => Self::Text(text_column(*field), Some(pattern)),
            Term::Present(Field::Text(field)) => Self::Text(text_column(*field), None),
            Term::Number(field, range) => Self::numbers(*field, range.integers()),
            Term::Present(Field::Number(field)) => {
                Self::numbers(*field, Some(i128::MIN..=i128::MAX))
            }
            Term::Has(Part::Usage) => Self::Between(Column::HasUsage, 1, 1),
            Term::Has(Part::Approval) => Self::Between(Column::HasApproval, 1, 1),
            Term::Has(_) | Term::Path(..) | Term::FreeText(_) => Self::Unknown,
        }
    }
}

impl Question<'_> {
    fn numbers(field: NumberField, range: Option<RangeInclusive<i128>>) -> Self {
        let Some((low, high)) = range.map(RangeInclusive::into_inner) else {
            return Self::Never;
        };
        let column = match field {
            NumberField::Seq => return Self::Seq(low, high),
            NumberField::Tokens => return Self::Tokens(low, high),
            NumberField::Status => Column::Status,
            NumberField::Duration => Column::DurationUs,
            NumberField::Cost => Column::CostNanousd,
            NumberField::InputTokens => Column::InputTokens,
            NumberField::OutputTokens => Column::OutputTokens,
            NumberField::CacheReadTokens => Column::CacheReadTokens,
            NumberField::CacheWriteTokens => Column::CacheWriteTokens,
            NumberField::ReasoningTokens => Column::ReasoningTokens,
            NumberField::Waited => Column::WaitedUs,
        };
        if high < i64::MIN.into() || low > i64::MAX.into() {
            return Self::Never;
        }
        let low = i64::try_from(low).unwrap_or(i64::MIN);
        Self::Between(column, low, i64::try_from(high).unwrap_or(i64::MAX))
    }
}

impl Dense<'_> {
    pub(super) fn term(&self, term: &Term) -> Result<Verdicts, StoreError> {
        match Question::from(term) {
            Question::Text(column, pattern) => self.texts(column, pattern),
            Question::Between(column, low, high) => self.within(column, low, high),
            Question::Tokens(low, high) => self.tokens(low, high),
            Question::Seq(low, high) => {
                let contains = |seq: u64| (low..=high).contains(&seq.into());
                Ok(self.0.seqs.clone().map(contains).collect())
            }
            Question::Never => Ok(Verdicts::All(Verdict::No)),
            Question::Unknown => Ok(Verdicts::All(Verdict::Maybe)),
        }
    }

    /// Asks once for each distinct value.
    fn texts(&self, column: Column, pattern: Option<&TextPattern>) -> Result<Verdicts, StoreError> {
        let Some(texts) = self.0.columns.texts(column)? else {
            return Ok(Verdicts::All(Verdict::Maybe));
        };
        let codes = 0..u32::try_from(texts.len()).unwrap_or(u32::MAX);
        let matches = |value: &str| pattern.is_none_or(|pattern| pattern.matches(value));
        // Rows without a value have the code after the last.
        let verdicts: Vec<Verdict> = codes
            .map(|code| texts.value(code).is_some_and(matches).into())
            .chain([Verdict::No])
            .collect();
        if !verdicts.contains(&Verdict::Yes) {
            return Ok(Verdicts::All(Verdict::No));
        }
        Ok(loops::by_code(texts.codes(), &verdicts))
    }

    fn tokens(&self, low: i128, high: i128) -> Result<Verdicts, StoreError> {
        let input = self.0.columns.ints(Column::InputTokens)?;
        let output = self.0.columns.ints(Column::OutputTokens)?;
        let (Some(input), Some(output)) = (input, output) else {
            return Ok(Verdicts::All(Verdict::Maybe));
        };
        let matches = |row: usize| has_tokens(input.get(row), output.get(row), low, high);
        Ok((0..input.rows()).map(matches).collect())
    }

    pub(super) fn within(
        &self,
        column: Column,
        low: i64,
        high: i64,
    ) -> Result<Verdicts, StoreError> {
        let ints = self.0.columns.ints(column)?;
        Ok(ints.map_or(Verdicts::All(Verdict::Maybe), |ints| {
            loops::within(&ints, low, high)
        }))
    }
}

impl At<'_> {
    pub(super) fn term(&self, term: &Term) -> Result<Vec<Verdict>, StoreError> {
        match Question::from(term) {
            Question::Text(column, pattern) => self.texts(column, pattern),
            Question::Between(column, low, high) => self.within(column, low, high),
            Question::Tokens(low, high) => self.tokens(low, high),
            Question::Seq(low, high) => {
                let seq = |row: usize| i128::from(self.0.seqs.start) + row as i128;
                Ok(self.each(|row| (low..=high).contains(&seq(row)).into()))
            }
            Question::Never => Ok(self.each(|_| Verdict::No)),
            Question::Unknown => Ok(self.each(|_| Verdict::Maybe)),
        }
    }

    fn texts(
        &self,
        column: Column,
        pattern: Option<&TextPattern>,
    ) -> Result<Vec<Verdict>, StoreError> {
        let Some(texts) = self.0.columns.texts(column)? else {
            return Ok(self.each(|_| Verdict::Maybe));
        };
        let matches = |value: &str| pattern.is_none_or(|pattern| pattern.matches(value));
        Ok(self.each(|row| texts.get(row).is_some_and(matches).into()))
    }

    fn tokens(&self, low: i128, high: i128) -> Result<Vec<Verdict>, StoreError> {
        let input = self.0.columns.ints(Column::InputTokens)?;
        let output = self.0.columns.ints(Column::OutputTokens)?;
        let (Some(input), Some(output)) = (input, output) else {
            return Ok(self.each(|_| Verdict::Maybe));
        };
        Ok(self.each(|row| has_tokens(input.get(row), output.get(row), low, high).into()))
    }

    pub(super) fn within(
        &self,
        column: Column,
        low: i64,
        high: i64,
    ) -> Result<Vec<Verdict>, StoreError> {
        let Some(ints) = self.0.columns.ints(column)? else {
            return Ok(self.each(|_| Verdict::Maybe));
        };
        let contains = |value: i64| low <= value && value <= high;
        Ok(self.each(|row| ints.get(row).is_some_and(contains).into()))
    }

    fn each(&self, verdict: impl Fn(usize) -> Verdict) -> Vec<Verdict> {
        self.1.iter().map(|row| verdict(*row as usize)).collect()
    }
}

/// Whether there are tokens, and so many of them.
fn has_tokens(input: Option<i64>, output: Option<i64>, low: i128, high: i128) -> bool {
    let sum = i128::from(input.unwrap_or(0)) + i128::from(output.unwrap_or(0));
    input.or(output).is_some() && (low..=high).contains(&sum)
}
