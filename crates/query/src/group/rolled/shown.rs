//! Filters on the dimensions of a cuboid.

use event::filter::{Expr, Field, Filter, NumberField, Term};
use store::{Column, Cuboid, CuboidShape};

use crate::scan::text_column;

/// Which cells a filter shows.
pub(in crate::group) struct Shown<'a> {
    filter: &'a Filter,
    /// `None` if the filter asks for more than dimensions.
    columns: Option<Vec<Column>>,
}

impl<'a> Shown<'a> {
    pub(in crate::group) fn new(filter: &'a Filter) -> Self {
        let mut columns = Vec::new();
        let all = filter.terms().iter();
        let all = all.map(|expr| add_columns(expr, &mut columns));
        let known = all.collect::<Option<()>>();
        Self {
            filter,
            columns: known.map(|()| columns),
        }
    }

    /// Whether values of dimensions decide.
    pub(in crate::group) fn asks_for_dimensions(&self) -> bool {
        self.columns.is_some()
    }

    /// Whether the values of these dimensions decide.
    pub(super) fn is_answered_by(&self, dimensions: &[Column]) -> bool {
        let columns = self.columns.as_ref();
        columns.is_some_and(|columns| columns.iter().all(|column| dimensions.contains(column)))
    }

    /// For each cell whether it is shown; `None` if all are.
    pub(super) fn cells(&self, shape: &CuboidShape, cuboid: &Cuboid) -> Option<Vec<bool>> {
        let cells = Cells { shape, cuboid };
        let mut shown: Option<Vec<bool>> = None;
        for expr in self.filter.terms() {
            let own = cells.expr(expr);
            match &mut shown {
                Some(shown) => combine(shown, &own, |one, other| one && other),
                None => shown = Some(own),
            }
        }
        shown
    }
}

/// Adds the columns of the dimensions that an expression asks for; `None` if it asks for anything else.
fn add_columns(expr: &Expr, columns: &mut Vec<Column>) -> Option<()> {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts
            .iter()
            .map(|part| add_columns(part, columns))
            .collect(),
        Expr::Not(inner) => add_columns(inner, columns),
        Expr::Term(term) => {
            columns.push(column(term)?);
            Some(())
        }
    }
}

fn column(term: &Term) -> Option<Column> {
    match term {
        Term::Text(field, _) | Term::Present(Field::Text(field)) => Some(text_column(*field)),
        Term::Number(NumberField::Status, _)
        | Term::Present(Field::Number(NumberField::Status)) => Some(Column::Status),
        _ => None,
    }
}

struct Cells<'a> {
    shape: &'a CuboidShape,
    cuboid: &'a Cuboid,
}

impl Cells<'_> {
    fn expr(&self, expr: &Expr) -> Vec<bool> {
        let fold = |parts: &[Expr], first: bool, with: fn(bool, bool) -> bool| {
            let mut shown = vec![first; self.cuboid.cells()];
            for part in parts {
                combine(&mut shown, &self.expr(part), with);
            }
            shown
        };
        match expr {
            Expr::And(parts) => fold(parts, true, |one, other| one && other),
            Expr::Or(parts) => fold(parts, false, |one, other| one || other),
            Expr::Not(inner) => self.expr(inner).iter().map(|shown| !shown).collect(),
            Expr::Term(term) => self.term(term).unwrap_or_default(),
        }
    }

    /// Asks once for each label.
    fn term(&self, term: &Term) -> Option<Vec<bool>> {
        let column = column(term)?;
        let mut dimensions = self.shape.dimensions.iter();
        let dimension = dimensions.position(|dimension| *dimension == column)?;
        let labels = self.cuboid.labels(dimension)?;
        let matches = |code: u32| match term {
            Term::Text(_, pattern) => labels.text(code).is_some_and(|text| pattern.matches(text)),
            Term::Number(_, range) => labels
                .number(code)
                .is_some_and(|number| range.contains(number.into())),
            _ => true,
        };
        let codes = 0..u32::try_from(labels.len()).unwrap_or(u32::MAX);
        // Cells without a value have the code after the last.
        let verdicts: Vec<bool> = codes.map(matches).chain([false]).collect();
        let verdict = |code: &u32| verdicts.get(*code as usize).copied().unwrap_or(false);
        Some(self.cuboid.codes(dimension).iter().map(verdict).collect())
    }
}

fn combine(shown: &mut [bool], others: &[bool], with: fn(bool, bool) -> bool) {
    for (shown, other) in shown.iter_mut().zip(others) {
        *shown = with(*shown, *other);
    }
}
