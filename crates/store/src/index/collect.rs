//! The terms of neighbouring rows.

mod frequent;

use event::{
    Micros, RecordView,
    filter::{Seen, Tokenizer},
};

use super::{
    Entries,
    terms::{Part, TERM_BITS, Term, Terms},
};
use crate::{
    column::{Column, Kind},
    columns::Columns,
    error::StoreError,
    segment::{Ints, Texts},
    writer::GROUP_ROWS,
};
use frequent::Frequent;

/// Terms are kept apart by their first bits, so that each part is sorted within the processor's cache.
const PART_BITS: u32 = 8;
/// Bits of a row in a row group. With what is left of a term they fill a number.
const ROW_BITS: u32 = GROUP_ROWS.ilog2();
const ROW_MASK: u64 = (1 << ROW_BITS) - 1;
const _: () = assert!(GROUP_ROWS.is_power_of_two() && TERM_BITS - PART_BITS + ROW_BITS <= 64);
/// In a longer content doubled terms are sought at once: it can have a token half a million times.
const LONG_BYTES: usize = 32 << 10;
/// Contents by which it is judged which terms are frequent.
const SAMPLE: usize = 1024;
/// A term is frequent if this part of the rows have it.
const FREQUENT_PART: usize = 8;

/// Collects the terms of the rows of one row group, in any order.
#[derive(Debug)]
pub(crate) struct Collector {
    terms: Terms,
    tokenizer: Tokenizer,
    rows: u32,
    contents: usize,
    frequent: Frequent,
    /// Terms that are not frequent, by their first bits: the other bits above the row.
    parts: Vec<Vec<u64>>,
}

/// Terms of single rows.
pub(crate) type Loose = Vec<(Term, u32)>;

impl Collector {
    /// For so many rows, at most [`GROUP_ROWS`].
    pub(crate) fn new(terms: Terms, rows: usize) -> Self {
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        Self {
            terms,
            tokenizer: Tokenizer::default(),
            rows,
            contents: 0,
            frequent: Frequent::new(rows),
            parts: vec![Vec::new(); 1 << PART_BITS],
        }
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> u32 {
        self.rows
    }

    /// Adds the terms of a content.
    pub(crate) fn content(&mut self, row: u32, content: &[u8]) {
        // Taken out, since what it gives is added here.
        let mut tokenizer = std::mem::take(&mut self.tokenizer);
        self.add(self.terms.part(Part::Content), row);
        let text = std::str::from_utf8(content).unwrap_or_default();
        tokenizer.json(text, &mut |seen| match seen {
            Seen::Token(token) => self.add(self.terms.token(token), row),
            Seen::Member(name) => match &*name.decode() {
                "input" => self.add(self.terms.part(Part::Input), row),
                "output" => self.add(self.terms.part(Part::Output), row),
                _ => {}
            },
        });
        self.tokenizer = tokenizer;
        if content.len() > LONG_BYTES {
            self.drop_doubled(row);
        }
        self.contents += 1;
        if self.contents == SAMPLE {
            self.find_frequent();
        }
    }

    /// Adds terms that were found elsewhere.
    pub(crate) fn loose(&mut self, loose: &Loose) {
        for (term, row) in loose {
            self.add(*term, *row);
        }
    }

    /// Adds the values of the columns and their tokens.
    pub(crate) fn columns(&mut self, columns: &Columns) {
        for column in Column::ALL {
            match column.kind() {
                Kind::Text => {
                    let texts = columns.texts(column);
                    let texts = texts.filter(|texts| !texts.is_empty());
                    match texts {
                        Some(texts) if column.has_terms() => self.values(column, texts),
                        Some(texts) => self.texts(texts),
                        None => {}
                    }
                }
                Kind::Int => match (column, columns.ints(column)) {
                    // The numbers of these are not in the text.
                    (Column::Seq | Column::Time, _) | (_, None) => {}
                    (Column::RecordedAt, Some(times)) => self.recorded_at(times),
                    (_, Some(ints)) => self.ints(column, ints),
                },
                Kind::Flag | Kind::Digest | Kind::Payload => {}
            }
        }
    }

    /// The terms in their order, each with its rows.
    pub(crate) fn finish(mut self) -> Run {
        for part in &mut self.parts {
            part.sort_unstable();
            part.dedup();
        }
        Run {
            frequent: self.frequent,
            parts: self.parts,
            part: 0,
            at: 0,
        }
    }

    #[inline]
    fn add(&mut self, term: Term, row: u32) {
        if self.frequent.add(term, row) {
            return;
        }
        if let Some(part) = self.parts.get_mut(part_of(term)) {
            part.push(term.0 << ROW_BITS | u64::from(row));
        }
    }

    fn add_all(&mut self, term: Term, rows: &[u32]) {
        if rows.len() * FREQUENT_PART >= self.rows as usize {
            self.frequent.add_all(term, rows.iter().copied());
        } else {
            for row in rows {
                self.add(term, *row);
            }
        }
    }

    /// Of a column with few values: each of them once.
    fn values(&mut self, column: Column, texts: &Texts) {
        let mut tokenizer = std::mem::take(&mut self.tokenizer);
        each_value(texts, |value, rows| {
            self.add_all(self.terms.value(column, value.as_bytes()), rows);
            tokenizer.text(value, &mut |seen| {
                if let Seen::Token(token) = seen {
                    self.add_all(self.terms.token(token), rows);
                }
            });
        });
        self.tokenizer = tokenizer;
    }

    /// Of a column whose values are different.
    fn texts(&mut self, texts: &Texts) {
        let mut tokenizer = std::mem::take(&mut self.tokenizer);
        for row in 0..self.rows {
            tokenizer.text(texts.get(row as usize).unwrap_or_default(), &mut |seen| {
                if let Seen::Token(token) = seen {
                    self.add(self.terms.token(token), row);
                }
            });
        }
        self.tokenizer = tokenizer;
    }

    /// Of neighbours many are the same.
    fn recorded_at(&mut self, times: &Ints) {
        let mut tokenizer = std::mem::take(&mut self.tokenizer);
        let mut before = None;
        let mut tokens = Vec::new();
        for row in 0..self.rows {
            let time = times
                .get(row as usize)
                .and_then(|time| u64::try_from(time).ok());
            if time != before {
                before = time;
                tokens.clear();
                let text = Micros(time.unwrap_or(0)).to_text();
                tokenizer.text(
                    std::str::from_utf8(&text).unwrap_or_default(),
                    &mut |seen| {
                        if let Seen::Token(token) = seen {
                            tokens.push(self.terms.token(token));
                        }
                    },
                );
            }
            for term in &tokens {
                self.add(*term, row);
            }
        }
        self.tokenizer = tokenizer;
    }

    fn ints(&mut self, column: Column, ints: &Ints) {
        let mut digits = itoa::Buffer::new();
        for row in 0..self.rows {
            let Some(value) = ints.get(row as usize) else {
                continue;
            };
            // A sign is no part of the token.
            let token = digits.format(value.unsigned_abs());
            self.add(self.terms.token(token.as_bytes()), row);
            if column.has_terms() {
                self.add(self.terms.number(column, value), row);
            }
        }
    }

    /// Of the row that was added last.
    fn drop_doubled(&mut self, row: u32) {
        for part in &mut self.parts {
            let before = part.iter().rposition(|entry| row_of(*entry) != row);
            let mut own = part.split_off(before.map_or(0, |last| last + 1));
            own.sort_unstable();
            own.dedup();
            part.append(&mut own);
        }
    }

    /// Takes out the terms that many rows have: these are not worth sorting.
    fn find_frequent(&mut self) {
        for (number, part) in (0..).zip(&mut self.parts) {
            part.sort_unstable();
            part.dedup();
            let mut kept = Vec::with_capacity(part.len());
            for same in part.chunk_by(|one, other| one >> ROW_BITS == other >> ROW_BITS) {
                match same.first() {
                    Some(first) if same.len() * FREQUENT_PART >= SAMPLE => {
                        let rows = same.iter().copied().map(row_of);
                        self.frequent.add_all(term_of(number, *first), rows);
                    }
                    _ => kept.extend_from_slice(same),
                }
            }
            *part = kept;
        }
    }
}

/// The terms of a record that are in none of its columns, nor in its content.
pub(crate) fn rest(
    terms: Terms,
    tokenizer: &mut Tokenizer,
    record: &RecordView<'_>,
    row: u32,
    out: &mut Loose,
) {
    let mut each = |seen: Seen<'_>| {
        if let Seen::Token(token) = seen {
            out.push((terms.token(token), row));
        }
    };
    tokenizer.text(&record.time, &mut each);
    let reason = record
        .approval
        .as_ref()
        .and_then(|approval| approval.reason.as_deref());
    let prices = record
        .usage
        .as_ref()
        .and_then(|usage| usage.prices.as_deref());
    for text in reason.into_iter().chain(prices) {
        tokenizer.text(text, &mut each);
    }
    if let Some(meta) = record.meta {
        tokenizer.json(meta.as_str(), &mut each);
    }
}

/// Gives each value with its rows, rising.
fn each_value(texts: &Texts, mut each: impl FnMut(&str, &[u32])) {
    let codes = || (0..texts.rows()).map(|row| texts.codes().get(row).unwrap_or(0));
    let code_of = |code: i64| usize::try_from(code).unwrap_or(usize::MAX);
    // Where the rows of each value begin, those without one behind all others.
    let mut starts = vec![0_u32; texts.len() + 2];
    for code in codes() {
        if let Some(start) = starts.get_mut(code_of(code) + 1) {
            *start += 1;
        }
    }
    let mut before = 0;
    for start in &mut starts {
        before += *start;
        *start = before;
    }
    let mut ends = starts.clone();
    let mut rows = vec![0_u32; texts.rows()];
    for (row, code) in (0..).zip(codes()) {
        if let Some(end) = ends.get_mut(code_of(code)) {
            if let Some(place) = rows.get_mut(*end as usize) {
                *place = row;
            }
            *end += 1;
        }
    }
    for ((code, start), end) in (0..).zip(&starts).zip(&ends).take(texts.len()) {
        if let (Some(value), Some(rows)) =
            (texts.value(code), rows.get(*start as usize..*end as usize))
        {
            each(value, rows);
        }
    }
}

/// The collected terms of one row group.
#[derive(Debug)]
pub(crate) struct Run {
    frequent: Frequent,
    parts: Vec<Vec<u64>>,
    part: u64,
    at: usize,
}

impl Run {
    /// The next term of the parts.
    fn peek(&mut self) -> Option<Term> {
        loop {
            let part = self.parts.get_mut(usize::try_from(self.part).ok()?)?;
            if let Some(entry) = part.get(self.at) {
                return Some(term_of(self.part, *entry));
            }
            // It will not be asked for again.
            *part = Vec::new();
            (self.part, self.at) = (self.part + 1, 0);
        }
    }

    /// Its rows.
    fn take(&mut self, rows: &mut Vec<u32>) {
        let part = self
            .parts
            .get(usize::try_from(self.part).unwrap_or(usize::MAX));
        let rest = part
            .and_then(|part| part.get(self.at..))
            .unwrap_or_default();
        let mut same = rest.chunk_by(|one, other| one >> ROW_BITS == other >> ROW_BITS);
        let same = same.next().unwrap_or_default();
        rows.extend(same.iter().copied().map(row_of));
        self.at += same.len();
    }
}

impl Entries for Run {
    fn next(&mut self, rows: &mut Vec<u32>) -> Result<Option<Term>, StoreError> {
        rows.clear();
        let (frequent, other) = (self.frequent.first(), self.peek());
        let next = [frequent, other].into_iter().flatten().min();
        if frequent.is_some() && frequent == next {
            self.frequent.take_first(rows);
        }
        // A term can be in both: what it was found by before it was known to be frequent.
        if other.is_some() && other == next {
            let has_some = !rows.is_empty();
            self.take(rows);
            if has_some {
                rows.sort_unstable();
                rows.dedup();
            }
        }
        Ok(next)
    }
}

fn part_of(term: Term) -> usize {
    usize::try_from(term.0 >> (TERM_BITS - PART_BITS)).unwrap_or(usize::MAX)
}

fn row_of(entry: u64) -> u32 {
    u32::try_from(entry & ROW_MASK).unwrap_or(0)
}

fn term_of(part: u64, entry: u64) -> Term {
    Term(part << (TERM_BITS - PART_BITS) | entry >> ROW_BITS)
}
