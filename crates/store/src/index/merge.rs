//! Many indexes as one.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use super::{Entries, Index, page::List, terms::Term};
use crate::error::StoreError;

/// The terms of an index that keeps them whole, in their order.
pub(super) struct Stream {
    index: Arc<Index>,
    next_page: usize,
    /// Last first.
    singles: Vec<(u64, u32)>,
    /// Last first.
    lists: Vec<List>,
    rows: std::vec::IntoIter<u32>,
}

/// Sources whose rows follow on each other, as one source.
pub(super) struct Merge<S> {
    sources: Vec<Source<S>>,
    /// Their next terms.
    next: BinaryHeap<Reverse<(Term, usize)>>,
}

struct Source<S> {
    entries: S,
    /// Number of rows of those before.
    first_row: u32,
    /// Of the next term.
    rows: Vec<u32>,
}

impl Stream {
    pub(super) fn new(index: Arc<Index>) -> Self {
        Self {
            index,
            next_page: 0,
            singles: Vec::new(),
            lists: Vec::new(),
            rows: Vec::new().into_iter(),
        }
    }

    /// Reads pages until there is a term. Returns whether there is one.
    fn fill(&mut self) -> Result<bool, StoreError> {
        while self.singles.is_empty() && self.lists.is_empty() {
            if self.next_page == self.index.pages() {
                return Ok(false);
            }
            let (mut page, _) = self.index.page(self.next_page)?;
            page.singles.reverse();
            page.lists.reverse();
            (self.singles, self.lists) = (page.singles, page.lists);
            self.rows = page.rows.into_iter();
            self.next_page += 1;
        }
        Ok(true)
    }
}

impl Entries for Stream {
    fn next(&mut self, rows: &mut Vec<u32>) -> Result<Option<Term>, StoreError> {
        rows.clear();
        if !self.fill()? {
            return Ok(None);
        }
        let single = self.singles.last().map(|(term, _)| Term(*term));
        let list = self.lists.last().map(|list| list.term);
        if list.is_none_or(|list| single.is_some_and(|single| single < list)) {
            return Ok(self.singles.pop().map(|(term, row)| {
                rows.push(row);
                Term(term)
            }));
        }
        let Some(list) = self.lists.pop() else {
            return Ok(None);
        };
        match list.blob {
            Some(blob) => *rows = self.index.blob(list.count, blob)?,
            None => rows.extend(self.rows.by_ref().take(list.count as usize)),
        }
        Ok(Some(list.term))
    }
}

impl<S: Entries> Merge<S> {
    /// Takes sources with the number of their rows.
    pub(super) fn new(sources: impl IntoIterator<Item = (S, u32)>) -> Result<Self, StoreError> {
        let mut merge = Self {
            sources: Vec::new(),
            next: BinaryHeap::new(),
        };
        let mut first_row = 0;
        for (entries, rows) in sources {
            merge.sources.push(Source {
                entries,
                first_row,
                rows: Vec::new(),
            });
            first_row += rows;
            merge.advance(merge.sources.len() - 1)?;
        }
        Ok(merge)
    }

    fn advance(&mut self, number: usize) -> Result<(), StoreError> {
        if let Some(source) = self.sources.get_mut(number)
            && let Some(term) = source.entries.next(&mut source.rows)?
        {
            self.next.push(Reverse((term, number)));
        }
        Ok(())
    }
}

impl<S: Entries> Entries for Merge<S> {
    fn next(&mut self, rows: &mut Vec<u32>) -> Result<Option<Term>, StoreError> {
        rows.clear();
        let Some(Reverse((term, _))) = self.next.peek().copied() else {
            return Ok(None);
        };
        // Of one term, sources come in their order, so rows rise.
        while let Some(Reverse((next, number))) = self.next.peek().copied() {
            if next != term {
                break;
            }
            self.next.pop();
            if let Some(source) = self.sources.get(number) {
                rows.extend(source.rows.iter().map(|row| source.first_row + row));
            }
            self.advance(number)?;
        }
        Ok(Some(term))
    }
}
