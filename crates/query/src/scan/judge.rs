//! Judging the rows of a row group by its typed columns.
//!
//! An index will answer here for the terms that are left open; nothing else of the walk changes.

use std::sync::Arc;

use event::filter::{Expr, Field, Filter, NumberField, Term, TextField};
use store::{Column, Group, Ints, Segment, StoreError, Texts};

use super::verdicts::{Verdict, Verdicts};
use crate::TimeRange;

/// What is known of a row group's rows without their payload.
pub(super) fn judge(
    segment: &Segment,
    index: usize,
    group: &Group,
    filter: &Filter,
    range: TimeRange,
) -> Result<Verdicts, StoreError> {
    let judge = Judge {
        segment,
        index,
        group,
    };
    let verdicts = judge.time(range)?;
    judge.all(verdicts, filter.terms())
}

struct Judge<'a> {
    segment: &'a Segment,
    index: usize,
    group: &'a Group,
}

impl Judge<'_> {
    fn time(&self, range: TimeRange) -> Result<Verdicts, StoreError> {
        if range.is_all() || range.covers(self.group.time) {
            return Ok(Verdicts::All(Verdict::Yes));
        }
        if !range.overlaps(self.group.time) {
            return Ok(Verdicts::All(Verdict::No));
        }
        self.ints(Column::Time, |time| {
            time.is_some_and(|time| range.contains(time))
        })
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
            Term::Text(field, pattern) => {
                self.texts(text_column(*field), |value| pattern.matches(value))
            }
            Term::Present(Field::Text(field)) => self.texts(text_column(*field), |_| true),
            Term::Number(field, range) => self.numbers(*field, |value| {
                value.is_some_and(|value| range.contains(value))
            }),
            Term::Present(Field::Number(field)) => self.numbers(*field, |value| value.is_some()),
            // Only the record says whether it has an empty `usage`, `approval` or `content`.
            Term::Has(_) | Term::Path(..) | Term::FreeText(_) => Ok(Verdicts::All(Verdict::Maybe)),
        }
    }

    /// Asks once for each distinct value.
    fn texts(&self, column: Column, test: impl Fn(&str) -> bool) -> Result<Verdicts, StoreError> {
        let Some(texts) = self.segment.texts(self.index, column)? else {
            return Ok(Verdicts::All(Verdict::Maybe));
        };
        let codes = 0..u32::try_from(texts.len()).unwrap_or(Texts::NULL);
        let matching: Vec<bool> = codes
            .map(|code| texts.value(code).is_some_and(&test))
            .collect();
        if !matching.contains(&true) {
            return Ok(Verdicts::All(Verdict::No));
        }
        let of = |code: &u32| matching.get(*code as usize).copied().unwrap_or(false);
        Ok(texts.codes().iter().map(of).collect())
    }

    fn numbers(
        &self,
        field: NumberField,
        test: impl Fn(Option<i128>) -> bool,
    ) -> Result<Verdicts, StoreError> {
        let column = match field {
            NumberField::Seq => {
                let seqs = self.group.first..self.group.end;
                return Ok(seqs.map(|seq| test(Some(seq.into()))).collect());
            }
            NumberField::Tokens => return self.tokens(test),
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
        self.ints(column, |value| test(value.map(i128::from)))
    }

    fn tokens(&self, test: impl Fn(Option<i128>) -> bool) -> Result<Verdicts, StoreError> {
        let input = self.column(Column::InputTokens)?;
        let output = self.column(Column::OutputTokens)?;
        let (Some(input), Some(output)) = (input, output) else {
            return Ok(Verdicts::All(Verdict::Maybe));
        };
        let sum = |row: usize| {
            let (input, output) = (input.get(row), output.get(row));
            input.or(output)?;
            Some(i128::from(input.unwrap_or(0)) + i128::from(output.unwrap_or(0)))
        };
        Ok((0..input.rows()).map(|row| test(sum(row))).collect())
    }

    fn ints(
        &self,
        column: Column,
        test: impl Fn(Option<i64>) -> bool,
    ) -> Result<Verdicts, StoreError> {
        let Some(ints) = self.column(column)? else {
            return Ok(Verdicts::All(Verdict::Maybe));
        };
        Ok((0..ints.rows()).map(|row| test(ints.get(row))).collect())
    }

    fn column(&self, column: Column) -> Result<Option<Arc<Ints>>, StoreError> {
        self.segment.ints(self.index, column)
    }
}

fn text_column(field: TextField) -> Column {
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
