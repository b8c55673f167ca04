//! A page: neighbouring terms and their rows.
//!
//! Layout, integers little-endian: number of terms of one row (u16) and of more (u16), the parameters of
//! their codes (u8 each), then bits: for each term of one row the gap from the prefix before and the row; for each other
//! term the gap from the term before, the number of rows less two, then a 0 and the rows ([`super::rows`]), or a 1 and
//! where the [`Blob`] is that has them; then CRC-32C (u32) of all this.

use super::{
    bits::{BitReader, BitWriter, rice_bits},
    rows,
    shape::Shape,
    terms::{TERM_BITS, Term},
};

/// Rows, or missing rows if these are fewer, above which a list lies apart from its page.
const INLINE_ROWS: u32 = 256;
/// What a page holds, in bits as [`Page::add`] reckons them: one read from the disk, and taken apart in microseconds.
const FULL_BITS: u64 = 2048 * 8;
/// Parameter of the numbers of rows, most of which are small.
const COUNT_K: u32 = 2;
const HEAD_BYTES: usize = 6;
const OFFSET_BITS: u32 = 48;
const LENGTH_BITS: u32 = 32;

/// Where the rows of a long list lie in the file: bits, then their CRC-32C (u32).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blob {
    pub(super) offset: u64,
    pub(super) length: u32,
}

/// The terms of a page.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Prefix of the term, and its row.
    pub(super) singles: Vec<(u64, u32)>,
    pub(super) lists: Vec<List>,
    /// Those of all lists that are here, in their order.
    pub(super) rows: Vec<u32>,
    bits: u64,
}

/// A term of more than one row.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    pub(super) term: Term,
    pub(super) count: u32,
    /// Without one its rows are in the page.
    pub(super) blob: Option<Blob>,
}

/// What a page says of one term.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The term's rows, if they are here.
    pub(super) rows: Vec<u32>,
    /// How many rows it has, and where they are.
    pub(super) apart: Option<(u32, Blob)>,
    /// Rows of one term each that has the same prefix.
    pub(super) singles: Vec<u32>,
}

impl Found {
    /// How many rows the term has at most.
    pub(super) fn count(&self) -> usize {
        let apart = self.apart.map_or(0, |(count, _)| count as usize);
        self.rows.len() + apart + self.singles.len()
    }

    /// Memory that it takes, but for itself.
    pub(crate) fn size_bytes(&self) -> usize {
        size_of_val(self.rows.as_slice()) + size_of_val(self.singles.as_slice())
    }
}

/// Whether the rows of a term lie apart from its page.
pub(super) fn is_long(count: usize, of: u32) -> bool {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    count.min(of.saturating_sub(count)) > INLINE_ROWS
}

/// The bytes of a [`Blob`].
pub(super) fn write_blob(rows: &[u32], of: u32) -> Vec<u8> {
    let mut out = BitWriter::default();
    rows::write(rows, of, &mut out);
    seal(out.finish())
}

/// The rows of a [`Blob`]; `None` if these bytes were not written as one.
pub(super) fn read_blob(bytes: &[u8], count: u32, of: u32) -> Option<Vec<u32>> {
    let mut rows = Vec::with_capacity(count.min(of) as usize);
    rows::read(count, of, &mut BitReader::new(unseal(bytes)?), &mut rows)?;
    Some(rows)
}

impl Page {
    pub(super) fn is_empty(&self) -> bool {
        self.bits == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.bits >= FULL_BITS
    }

    /// Adds a term that follows on those before.
    pub(super) fn add(&mut self, term: Term, rows: &[u32], blob: Option<Blob>, shape: Shape) {
        if let [row] = rows {
            self.singles.push((shape.prefix(term), *row));
            self.bits += 28;
            return;
        }
        let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        self.lists.push(List { term, count, blob });
        if blob.is_some() {
            self.bits += 120;
        } else {
            self.rows.extend_from_slice(rows);
            self.bits += 40 + 10 * u64::from(count.min(shape.rows.saturating_sub(count)));
        }
    }

    /// The bytes of the page, which is empty then.
    pub(super) fn finish(&mut self, first: Term, shape: Shape) -> Vec<u8> {
        // Where prefixes are the same, the order of their terms cannot be told later.
        self.singles.sort_unstable();
        let first_prefix = shape.prefix(first);
        let prefixes = self.singles.iter().map(|(prefix, _)| *prefix);
        let single_k = best_k(&gaps(prefixes, first_prefix));
        let terms = self.lists.iter().map(|list| list.term.0);
        let list_k = best_k(&gaps(terms, first.0));
        let count = |length: usize| u16::try_from(length).unwrap_or(u16::MAX).into();
        let mut out = BitWriter::default();
        out.bits(count(self.singles.len()), u16::BITS);
        out.bits(count(self.lists.len()), u16::BITS);
        out.bits(single_k.into(), u8::BITS);
        out.bits(list_k.into(), u8::BITS);
        let mut before = first_prefix;
        for (prefix, row) in self.singles.drain(..) {
            out.rice(prefix - before, single_k);
            out.bits(row.into(), shape.row_bits());
            before = prefix;
        }
        let (mut before, mut rows) = (first.0, self.rows.as_slice());
        for list in self.lists.drain(..) {
            out.rice(list.term.0 - before, list_k);
            before = list.term.0;
            out.rice(u64::from(list.count) - 2, COUNT_K);
            out.bits(list.blob.is_some().into(), 1);
            if let Some(blob) = list.blob {
                out.bits(blob.offset, OFFSET_BITS);
                out.bits(blob.length.into(), LENGTH_BITS);
            } else {
                let (own, rest) = rows.split_at(rows.len().min(list.count as usize));
                rows::write(own, shape.rows, &mut out);
                rows = rest;
            }
        }
        self.rows.clear();
        self.bits = 0;
        seal(out.finish())
    }

    /// Reads a page; `None` if the bytes were not written as one.
    pub(super) fn read(bytes: &[u8], first: Term, shape: Shape) -> Option<Self> {
        let mut page = Self::default();
        let mut reader = Reader::new(bytes, first, shape)?;
        while let Some(single) = reader.next_single() {
            page.singles.push(single);
        }
        while let Some(list) = reader.next_list()? {
            if list.blob.is_none() {
                reader.rows(list.count, &mut page.rows)?;
            }
            page.lists.push(list);
        }
        (!reader.bits.is_overrun()).then_some(page)
    }
}

/// What a page says of a term; `None` if the bytes were not written as a page.
pub(super) fn find(bytes: &[u8], first: Term, term: Term, shape: Shape) -> Option<Found> {
    let mut found = Found::default();
    let mut reader = Reader::new(bytes, first, shape)?;
    let prefix = shape.prefix(term);
    while let Some((single, row)) = reader.next_single() {
        if single == prefix {
            found.singles.push(row);
        }
    }
    let mut others = Vec::new();
    while let Some(list) = reader.next_list()? {
        if list.term > term {
            break;
        }
        let is_it = list.term == term;
        match list.blob {
            Some(blob) if is_it => found.apart = Some((list.count, blob)),
            Some(_) => {}
            None if is_it => reader.rows(list.count, &mut found.rows)?,
            None => {
                others.clear();
                reader.rows(list.count, &mut others)?;
            }
        }
    }
    (!reader.bits.is_overrun()).then_some(found)
}

/// Reads a page from its start to its end.
struct Reader<'a> {
    bits: BitReader<'a>,
    shape: Shape,
    singles: u64,
    lists: u64,
    single_k: u32,
    list_k: u32,
    prefix: u64,
    term: u64,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], first: Term, shape: Shape) -> Option<Self> {
        let bytes = unseal(bytes).filter(|bytes| bytes.len() >= HEAD_BYTES)?;
        let mut bits = BitReader::new(bytes);
        let (singles, lists) = (bits.bits(u16::BITS), bits.bits(u16::BITS));
        let mut k = || u32::try_from(bits.bits(u8::BITS)).ok();
        let (single_k, list_k) = (k()?, k()?);
        (single_k.max(list_k) <= TERM_BITS).then_some(Self {
            bits,
            shape,
            singles,
            lists,
            single_k,
            list_k,
            prefix: shape.prefix(first),
            term: first.0,
        })
    }

    fn next_single(&mut self) -> Option<(u64, u32)> {
        self.singles = self.singles.checked_sub(1)?;
        self.prefix = self.prefix.saturating_add(self.bits.rice(self.single_k));
        let row = self.bits.bits(self.shape.row_bits());
        Some((self.prefix, u32::try_from(row).ok()?))
    }

    /// A list that has its rows here has to be read to its end.
    #[expect(
        clippy::option_option,
        reason = "no page, no list, a list: read in one place"
    )]
    fn next_list(&mut self) -> Option<Option<List>> {
        let Some(left) = self.lists.checked_sub(1) else {
            return Some(None);
        };
        self.lists = left;
        self.term = self.term.saturating_add(self.bits.rice(self.list_k));
        let count = u32::try_from(self.bits.rice(COUNT_K).checked_add(2)?).ok()?;
        let has_blob = self.bits.bits(1) == 1;
        let blob = has_blob.then(|| Blob {
            offset: self.bits.bits(OFFSET_BITS),
            length: u32::try_from(self.bits.bits(LENGTH_BITS)).unwrap_or(u32::MAX),
        });
        let is_whole = count <= self.shape.rows && !self.bits.is_overrun();
        is_whole.then_some(Some(List {
            term: Term(self.term),
            count,
            blob,
        }))
    }

    fn rows(&mut self, count: u32, rows: &mut Vec<u32>) -> Option<()> {
        rows::read(count, self.shape.rows, &mut self.bits, rows)
    }
}

fn gaps(
    numbers: impl Iterator<Item = u64> + Clone,
    first: u64,
) -> impl Iterator<Item = u64> + Clone {
    let before = std::iter::once(first).chain(numbers.clone());
    numbers.zip(before).map(|(number, before)| number - before)
}

/// The parameter with which the numbers take the fewest bits.
fn best_k(numbers: &(impl Iterator<Item = u64> + Clone)) -> u32 {
    let count = numbers.clone().count().max(1) as u64;
    let mean = numbers.clone().sum::<u64>() / count;
    let about = mean.max(1).ilog2();
    let bits = |k: &u32| {
        numbers
            .clone()
            .map(|number| rice_bits(number, *k))
            .sum::<u64>()
    };
    (about.saturating_sub(1)..=about)
        .min_by_key(bits)
        .unwrap_or(about)
}

/// Appends the checksum.
fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

/// Without the checksum; `None` if it is wrong.
fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let (bytes, sum) = bytes.split_last_chunk::<4>()?;
    (crc32c::crc32c(bytes).to_le_bytes() == *sum).then_some(bytes)
}
