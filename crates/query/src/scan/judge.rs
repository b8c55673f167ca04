//! Judging rows by indexes and typed columns.

mod columns;

use std::ops::Range;

use event::filter::{Field, Part, Term, TextField};
use store::{Column, Hits, StoreError};

use super::{
    hits::{self, Lookup},
    plan::{Leaf, Node, Plan},
    verdicts::{Few, Verdict, Verdicts},
};
use crate::{TimeRange, columns::Columns};
use columns::{At, Dense};

/// If more of the rows are left than this part, all of them are judged at once.
const FEW_PART: usize = 16;
/// Rows of which the payload is read sooner than a column.
const MANY_OPEN: usize = 16;

/// Neighbouring events, their columns and what an index says of them.
pub(super) struct Rows<'a> {
    pub(super) columns: Columns<'a>,
    pub(super) seqs: Range<u64>,
    /// Earliest and latest time.
    pub(super) time: [i64; 2],
    pub(super) lookup: &'a Lookup<'a>,
    /// The same rows as the index counts them.
    pub(super) positions: Range<u32>,
}

/// What is known of rows without their payload.
pub(super) fn judge(
    rows: &Rows<'_>,
    plan: &Plan<'_>,
    range: TimeRange,
) -> Result<Verdicts, StoreError> {
    let is_whole = range.is_all() || range.covers(rows.time);
    if !is_whole && !range.overlaps(rows.time) {
        return Ok(Verdicts::All(Verdict::No));
    }
    let judge = Judge { rows };
    judge.all(&plan.nodes, (!is_whole).then_some(range))
}

/// Whether no row of a segment or run can match, as far as its index knows.
pub(super) fn is_hopeless(plan: &Plan<'_>, lookup: &Lookup<'_>) -> bool {
    plan.nodes.iter().any(|node| has_none(node, lookup))
}

fn has_none(node: &Node<'_>, lookup: &Lookup<'_>) -> bool {
    match node {
        Node::And(nodes) => nodes.iter().any(|node| has_none(node, lookup)),
        Node::Or(nodes) => nodes.iter().all(|node| has_none(node, lookup)),
        Node::Not(_) => false,
        Node::Leaf(leaf) => lookup
            .hits(leaf)
            .is_some_and(|hits| hits.certain.is_empty() && hits.possible.is_empty()),
    }
}

pub(super) struct Judge<'a> {
    pub(super) rows: &'a Rows<'a>,
}

impl Judge<'_> {
    fn len(&self) -> usize {
        self.rows.positions.len()
    }

    /// Rows that match all of some expressions, and lie in a time range.
    ///
    /// What an index answers with few rows goes first; then only these are looked at.
    fn all(&self, nodes: &[Node<'_>], range: Option<TimeRange>) -> Result<Verdicts, StoreError> {
        let mut few: Option<Few> = None;
        let mut others = Vec::new();
        for node in nodes {
            let Some(rows) = self.few(node)? else {
                others.push(node);
                continue;
            };
            few = Some(few.map_or_else(|| rows.clone(), |few| few.and_few(&rows)));
            if few.as_ref().is_some_and(Few::is_empty) {
                return Ok(Verdicts::All(Verdict::No));
            }
        }
        match few {
            Some(few) => self.all_of_few(few, &others, range),
            None => self.all_of_many(&others, range),
        }
    }

    fn all_of_few(
        &self,
        mut few: Few,
        nodes: &[&Node<'_>],
        range: Option<TimeRange>,
    ) -> Result<Verdicts, StoreError> {
        if let Some(range) = range {
            let verdicts = self.time_at(range, &few.rows())?;
            few = few.and(verdicts.into_iter());
        }
        for node in nodes {
            if few.is_empty() {
                break;
            }
            let verdicts = self.at(node, &few.rows())?;
            few = few.and(verdicts.into_iter());
        }
        Ok(Verdicts::Few(few).settled())
    }

    /// Asks what is cheap first, and stops as soon as no row is left, so that the other columns are not read.
    fn all_of_many(
        &self,
        nodes: &[&Node<'_>],
        range: Option<TimeRange>,
    ) -> Result<Verdicts, StoreError> {
        let mut verdicts = match range {
            Some(range) => self.time(range)?.settled(),
            None => Verdicts::All(Verdict::Yes),
        };
        let mut nodes = nodes.to_vec();
        nodes.sort_by_key(|node| self.is_dear(node));
        for (number, node) in nodes.iter().enumerate() {
            if verdicts.are_all(Verdict::No) {
                break;
            }
            if let Some(few) = verdicts.few(self.len() / FEW_PART) {
                let rest = nodes.get(number..).unwrap_or_default();
                return self.all_of_few(few, rest, None);
            }
            verdicts = verdicts.and(self.dense(node)?).settled();
        }
        Ok(verdicts)
    }

    /// The rows of an expression, if an index knows them and they are few.
    fn few(&self, node: &Node<'_>) -> Result<Option<Few>, StoreError> {
        match node {
            Node::Leaf(leaf) => {
                let hits = self.rows.lookup.hits(leaf);
                let Some(hits) = hits.filter(|hits| self.are_few(hits)) else {
                    return Ok(None);
                };
                let few = hits::few(hits, &self.rows.positions);
                if few.open() <= MANY_OPEN || !is_in_columns(leaf.term) {
                    return Ok(Some(few));
                }
                let verdicts = At(self.rows, &few.rows()).term(leaf.term)?;
                Ok(Some(few.decide(verdicts.into_iter())))
            }
            Node::And(nodes) => {
                if !nodes.iter().any(|node| self.knows_few(node)) {
                    return Ok(None);
                }
                Ok(match self.all(nodes, None)? {
                    Verdicts::Few(few) => Some(few),
                    Verdicts::All(Verdict::No) => Some(Few::default()),
                    _ => None,
                })
            }
            Node::Or(nodes) => {
                if !nodes.iter().all(|node| self.knows_few(node)) {
                    return Ok(None);
                }
                let mut all = Few::default();
                for node in nodes {
                    let Some(few) = self.few(node)? else {
                        return Ok(None);
                    };
                    all = all.or_few(&few);
                }
                Ok((all.len() <= self.len() / FEW_PART).then_some(all))
            }
            Node::Not(_) => Ok(None),
        }
    }

    fn knows_few(&self, node: &Node<'_>) -> bool {
        match node {
            Node::Leaf(leaf) => {
                let hits = self.rows.lookup.hits(leaf);
                hits.is_some_and(|hits| self.are_few(hits))
            }
            Node::And(nodes) => nodes.iter().any(|node| self.knows_few(node)),
            Node::Or(nodes) => nodes.iter().all(|node| self.knows_few(node)),
            Node::Not(_) => false,
        }
    }

    /// Whether most rows have a value of their own in a column that has to be read.
    fn is_dear(&self, node: &Node<'_>) -> bool {
        match node {
            Node::And(nodes) | Node::Or(nodes) => nodes.iter().any(|node| self.is_dear(node)),
            Node::Not(node) => self.is_dear(node),
            Node::Leaf(leaf) => {
                has_many_values(leaf.term)
                    && self
                        .rows
                        .lookup
                        .hits(leaf)
                        .is_none_or(|hits| !hits.possible.is_empty())
            }
        }
    }

    fn are_few(&self, hits: &Hits) -> bool {
        hits::count(hits, &self.rows.positions) <= self.len() / FEW_PART
    }

    fn dense(&self, node: &Node<'_>) -> Result<Verdicts, StoreError> {
        match node {
            Node::And(nodes) => self.all(nodes, None),
            Node::Or(nodes) => {
                let mut verdicts = Verdicts::All(Verdict::No);
                for node in nodes {
                    if verdicts.are_all(Verdict::Yes) {
                        break;
                    }
                    verdicts = verdicts.or(self.dense(node)?, self.len()).settled();
                }
                Ok(verdicts)
            }
            Node::Not(node) => Ok(self.dense(node)?.not(self.len())),
            Node::Leaf(leaf) => self.leaf(leaf),
        }
    }

    fn leaf(&self, leaf: &Leaf<'_>) -> Result<Verdicts, StoreError> {
        // Where columns know it all, hits that only may match are of no use.
        let hits = self.rows.lookup.hits(leaf);
        match hits.filter(|hits| hits.possible.is_empty() || !is_in_columns(leaf.term)) {
            Some(hits) => Ok(Verdicts::Few(hits::few(hits, &self.rows.positions)).settled()),
            None => Dense(self.rows).term(leaf.term),
        }
    }

    fn time(&self, range: TimeRange) -> Result<Verdicts, StoreError> {
        let (from, last) = ends(range);
        Dense(self.rows).within(Column::Time, from, last)
    }

    /// The verdicts on some rows, in their order.
    fn at(&self, node: &Node<'_>, rows: &[u32]) -> Result<Vec<Verdict>, StoreError> {
        match node {
            Node::And(nodes) => self.fold(nodes, rows, Verdict::Yes, Verdict::min),
            Node::Or(nodes) => self.fold(nodes, rows, Verdict::No, Verdict::max),
            Node::Not(node) => {
                let verdicts = self.at(node, rows)?.into_iter();
                Ok(verdicts.map(Verdict::not).collect())
            }
            Node::Leaf(leaf) if is_in_columns(leaf.term) && !has_many_values(leaf.term) => {
                At(self.rows, rows).term(leaf.term)
            }
            Node::Leaf(leaf) => match self.rows.lookup.hits(leaf) {
                Some(hits) => self.hits_at(hits, leaf, rows),
                None => At(self.rows, rows).term(leaf.term),
            },
        }
    }

    /// What hits say of some rows, and the column of those that it leaves open, unless these are few.
    fn hits_at(
        &self,
        hits: &Hits,
        leaf: &Leaf<'_>,
        rows: &[u32],
    ) -> Result<Vec<Verdict>, StoreError> {
        let first = self.rows.positions.start;
        let has = |all: &[u32], row: u32| all.binary_search(&(first + row)).is_ok();
        let verdict = |row: &u32| {
            if has(&hits.certain, *row) {
                Verdict::Yes
            } else if has(&hits.possible, *row) {
                Verdict::Maybe
            } else {
                Verdict::No
            }
        };
        let mut verdicts: Vec<Verdict> = rows.iter().map(verdict).collect();
        let is_open = |verdict: &Verdict| *verdict == Verdict::Maybe;
        let open = verdicts.iter().zip(rows);
        let open: Vec<u32> = open
            .filter_map(|(verdict, row)| is_open(verdict).then_some(*row))
            .collect();
        if open.len() > MANY_OPEN && is_in_columns(leaf.term) {
            let known = At(self.rows, &open).term(leaf.term)?;
            let left = verdicts.iter_mut().filter(|verdict| is_open(verdict));
            for (verdict, known) in left.zip(known) {
                *verdict = known;
            }
        }
        Ok(verdicts)
    }

    fn fold(
        &self,
        nodes: &[Node<'_>],
        rows: &[u32],
        first: Verdict,
        with: fn(Verdict, Verdict) -> Verdict,
    ) -> Result<Vec<Verdict>, StoreError> {
        let mut verdicts = vec![first; rows.len()];
        for node in nodes {
            for (verdict, other) in verdicts.iter_mut().zip(self.at(node, rows)?) {
                *verdict = with(*verdict, other);
            }
        }
        Ok(verdicts)
    }

    fn time_at(&self, range: TimeRange, rows: &[u32]) -> Result<Vec<Verdict>, StoreError> {
        let (from, last) = ends(range);
        At(self.rows, rows).within(Column::Time, from, last)
    }
}

/// Whether columns decide on a condition.
fn is_in_columns(term: &Term) -> bool {
    match term {
        Term::Text(..) | Term::Number(..) | Term::Present(_) => true,
        Term::Has(part) => matches!(part, Part::Usage | Part::Approval),
        Term::Path(..) | Term::FreeText(_) => false,
    }
}

/// Whether the values of a condition's column are mostly different.
fn has_many_values(term: &Term) -> bool {
    let (Term::Text(field, _) | Term::Present(Field::Text(field))) = term else {
        return false;
    };
    matches!(
        field,
        TextField::Resource
            | TextField::ResourceName
            | TextField::Trace
            | TextField::Span
            | TextField::Parent
            | TextField::Call
            | TextField::Id
            | TextField::Description
    )
}

/// The first and the last instant. No producer's time comes near the ends of 64 bits.
fn ends(range: TimeRange) -> (i64, i64) {
    let last = range.to.map_or(i64::MAX, |to| to.saturating_sub(1));
    (range.from.unwrap_or(i64::MIN), last)
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
