//! Terms that so many rows have that looking each one up costs less than sorting it.

use std::collections::VecDeque;

use crate::index::terms::Term;

/// Terms, by their last bits with open addressing, and for each the bits of its rows.
#[derive(Debug)]
pub(super) struct Frequent {
    /// The term, [`NONE`] without one. At most half full.
    slots: Vec<u64>,
    /// For each slot the number of its list.
    lists: Vec<u32>,
    rows: VecDeque<(Term, Vec<u64>)>,
    /// Words of a list.
    words: usize,
    is_sorted: bool,
}

/// No term has all bits.
const NONE: u64 = u64::MAX;

impl Frequent {
    /// For so many rows.
    pub(super) fn new(rows: u32) -> Self {
        Self {
            slots: vec![NONE; 16],
            lists: vec![0; 16],
            rows: VecDeque::new(),
            words: rows.div_ceil(u64::BITS) as usize,
            is_sorted: false,
        }
    }

    /// Adds a row if the term is one of these. Returns whether it is.
    #[inline]
    pub(super) fn add(&mut self, term: Term, row: u32) -> bool {
        match self.find(term) {
            Ok(list) => {
                self.set(list, row);
                true
            }
            Err(_) => false,
        }
    }

    /// Adds rows of a term, which is one of these from now on.
    pub(super) fn add_all(&mut self, term: Term, rows: impl Iterator<Item = u32>) {
        let list = match self.find(term) {
            Ok(list) => list,
            Err(_) => self.insert(term),
        };
        for row in rows {
            self.set(list, row);
        }
    }

    /// The lowest term. From the first call on, none may be added.
    pub(super) fn first(&mut self) -> Option<Term> {
        if !self.is_sorted {
            self.is_sorted = true;
            self.rows
                .make_contiguous()
                .sort_unstable_by_key(|(term, _)| *term);
        }
        self.rows.front().map(|(term, _)| *term)
    }

    /// Takes the lowest term out and appends its rows.
    pub(super) fn take_first(&mut self, rows: &mut Vec<u32>) {
        let words = self.rows.pop_front().map(|(_, words)| words);
        for (word, first) in words.into_iter().flatten().zip((0..).step_by(64)) {
            let mut left = word;
            while left != 0 {
                rows.push(first + left.trailing_zeros());
                left &= left - 1;
            }
        }
    }

    #[inline]
    fn set(&mut self, list: u32, row: u32) {
        let list = self.rows.get_mut(list as usize);
        let word = list.and_then(|(_, words)| words.get_mut((row / u64::BITS) as usize));
        if let Some(word) = word {
            *word |= 1 << (row % u64::BITS);
        }
    }

    /// The list of a term, or the slot where it belongs.
    #[inline]
    fn find(&self, term: Term) -> Result<u32, usize> {
        let mask = self.slots.len() - 1;
        let mut at = usize::try_from(term.0).unwrap_or(0) & mask;
        loop {
            match self.slots.get(at) {
                Some(slot) if *slot == term.0 => {
                    return self.lists.get(at).copied().ok_or(at);
                }
                Some(&NONE) | None => return Err(at),
                Some(_) => at = (at + 1) & mask,
            }
        }
    }

    fn insert(&mut self, term: Term) -> u32 {
        let list = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.rows.push_back((term, vec![0; self.words]));
        if self.rows.len() * 2 > self.slots.len() {
            self.slots = vec![NONE; self.slots.len() * 4];
            self.lists = vec![0; self.slots.len()];
            for list in 0..list {
                self.place(list);
            }
        }
        self.place(list);
        list
    }

    fn place(&mut self, list: u32) {
        let term = self.rows.get(list as usize).map(|(term, _)| *term);
        let Some((term, Err(at))) = term.map(|term| (term, self.find(term))) else {
            return;
        };
        if let (Some(slot), Some(place)) = (self.slots.get_mut(at), self.lists.get_mut(at)) {
            (*slot, *place) = (term.0, list);
        }
    }
}
