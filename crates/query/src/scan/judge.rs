//! Judging rows by their typed columns.
//!
//! An index will answer here for the terms that are left open; nothing else of the walk changes.

use std::ops::{Range, RangeInclusive};

use event::filter::{Expr, Field, Filter, NumberField, Part, Term, TextField, TextPattern};
use store::{Column, StoreError};

use super::{
    loops,
    verdicts::{Verdict, Verdicts},
};
use crate::{TimeRange, columns::Columns};

/// Neighbouring events and their columns.
pub(super) struct Rows<'a> {
    pub(super) columns: Columns<'a>,
    pub(super) seqs: Range<u64>,
    /// Earliest and latest time.
    pub(super) time: [i64; 2],
}

/// What is known of rows without their payload.
pub(super) fn judge(
    rows: &Rows<'_>,
    filter: &Filter,
    range: TimeRange,
) -> Result<Verdicts, StoreError> {
    let judge = Judge { rows };
    let verdicts = judge.time(range)?;
    judge.all(verdicts, filter.terms())
}

struct Judge<'a> {
    rows: &'a Rows<'a>,
}

impl Judge<'_> {
    fn time(&self, range: TimeRange) -> Result<Verdicts, StoreError> {
        if range.is_all() || range.covers(self.rows.time) {
            return Ok(Verdicts::All(Verdict::Yes));
        }
        if !range.overlaps(self.rows.time) {
            return Ok(Verdicts::All(Verdict::No));
        }
        // No producer's time comes near the ends of 64 bits.
        let from = range.from.unwrap_or(i64::MIN);
        let last = range.to.map_or(i64::MAX, |to| to.saturating_sub(1));
        self.within(Column::Time, from, last)
    }

    /// Stops as soon as no row is left, so that the other columns are not read.
    fn all(&self, mut verdicts: Verdicts, parts: &[Expr]) -> Result<Verdicts, StoreError> {
        for part in parts {
            if verdicts.are_all(Verdict::No) {
                break;
            }
            verdicts = verdicts.and(self.expr(part)?).settled();
        }
        Ok(verdicts)
    }

    fn expr(&self, expr: &Expr) -> Result<Verdicts, StoreError> {
        match expr {
            Expr::And(parts) => self.all(Verdicts::All(Verdict::Yes), parts),
            Expr::Or(parts) => {
                let mut verdicts = Verdicts::All(Verdict::No);
                for part in parts {
                    if verdicts.are_all(Verdict::Yes) {
                        break;
                    }
                    verdicts = verdicts.or(self.expr(part)?).settled();
                }
                Ok(verdicts)
            }
            Expr::Not(inner) => Ok(self.expr(inner)?.not()),
            Expr::Term(term) => self.term(term),
        }
    }

    fn term(&self, term: &Term) -> Result<Verdicts, StoreError> {
        match term {
            Term::Text(field, pattern) => self.texts(text_column(*field), Some(pattern)),
            Term::Present(Field::Text(field)) => self.texts(text_column(*field), None),
            Term::Number(field, range) => self.numbers(*field, range.integers()),
            Term::Present(Field::Number(field)) => {
                self.numbers(*field, Some(i128::MIN..=i128::MAX))
            }
            Term::Has(Part::Usage) => self.within(Column::HasUsage, 1, 1),
            Term::Has(Part::Approval) => self.within(Column::HasApproval, 1, 1),
            // Only the payload knows.
            Term::Has(_) | Term::Path(..) | Term::FreeText(_) => Ok(Verdicts::All(Verdict::Maybe)),
        }
    }

    /// Rows with a value, of a pattern or any. Asks once for each distinct value.
    fn texts(&self, column: Column, pattern: Option<&TextPattern>) -> Result<Verdicts, StoreError> {
        let Some(texts) = self.rows.columns.texts(column)? else {
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

    /// Rows with a number in a range; none without one.
    fn numbers(
        &self,
        field: NumberField,
        range: Option<RangeInclusive<i128>>,
    ) -> Result<Verdicts, StoreError> {
        let Some((low, high)) = range.map(RangeInclusive::into_inner) else {
            return Ok(Verdicts::All(Verdict::No));
        };
        let column = match field {
            NumberField::Seq => {
                let contains = |seq: u64| (low..=high).contains(&seq.into());
                return Ok(self.rows.seqs.clone().map(contains).collect());
            }
            NumberField::Tokens => return self.tokens(low, high),
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
            return Ok(Verdicts::All(Verdict::No));
        }
        let low = i64::try_from(low).unwrap_or(i64::MIN);
        self.within(column, low, i64::try_from(high).unwrap_or(i64::MAX))
    }

    fn tokens(&self, low: i128, high: i128) -> Result<Verdicts, StoreError> {
        let input = self.rows.columns.ints(Column::InputTokens)?;
        let output = self.rows.columns.ints(Column::OutputTokens)?;
        let (Some(input), Some(output)) = (input, output) else {
            return Ok(Verdicts::All(Verdict::Maybe));
        };
        let matches = |row: usize| {
            let (input, output) = (input.get(row), output.get(row));
            let sum = i128::from(input.unwrap_or(0)) + i128::from(output.unwrap_or(0));
            input.or(output).is_some() && (low..=high).contains(&sum)
        };
        Ok((0..input.rows()).map(matches).collect())
    }

    /// Rows with a value between two, both meant.
    fn within(&self, column: Column, low: i64, high: i64) -> Result<Verdicts, StoreError> {
        let ints = self.rows.columns.ints(column)?;
        Ok(ints.map_or(Verdicts::All(Verdict::Maybe), |ints| {
            loops::within(&ints, low, high)
        }))
    }
}

pub(crate) fn text_column(field: TextField) -> Column {
    match field {
        TextField::Actor => Column::Actor,
        TextField::ActorType => Column::ActorType,
        TextField::ActorName => Column::ActorName,
        TextField::Role => Column::Role,
        TextField::Ip => Column::Ip,
        TextField::Auth => Column::Auth,
        TextField::Initiator => Column::Initiator,
        TextField::InitiatorType => Column::InitiatorType,
        TextField::InitiatorName => Column::InitiatorName,
        TextField::Source => Column::Source,
        TextField::Action => Column::Action,
        TextField::Resource => Column::Resource,
        TextField::ResourceType => Column::ResourceType,
        TextField::ResourceName => Column::ResourceName,
        TextField::Result => Column::Result,
        TextField::Project => Column::Project,
        TextField::Job => Column::Job,
        TextField::Trace => Column::Trace,
        TextField::Span => Column::Span,
        TextField::Parent => Column::Parent,
        TextField::Model => Column::Model,
        TextField::Provider => Column::Provider,
        TextField::Approver => Column::Approver,
        TextField::Rule => Column::Rule,
        TextField::Decision => Column::Decision,
        TextField::Producer => Column::Producer,
        TextField::Phase => Column::Phase,
        TextField::Call => Column::Call,
        TextField::Id => Column::Id,
        TextField::Description => Column::Description,
    }
}
