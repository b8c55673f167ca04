//! Writing an index.

use std::io::{self, Write};

use super::{
    page::{Blob, Page, is_long, write_blob},
    shape::{Footer, MAGIC, Place, Shape},
    terms::{Term, Terms},
};

/// Writes terms in rising order.
pub(super) struct Writer<W> {
    out: W,
    at: u64,
    shape: Shape,
    page: Page,
    /// First term of the page that is being filled.
    first: Term,
    last_prefix: u64,
    /// The places of the pages.
    directory: Vec<u8>,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(mut out: W, shape: Shape) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        Ok(Self {
            out,
            at: MAGIC.len() as u64,
            shape,
            page: Page::default(),
            first: Term(0),
            last_prefix: 0,
            directory: Vec::new(),
        })
    }

    /// Writes a term above those before, with its rows.
    pub(super) fn add(&mut self, term: Term, rows: &[u32]) -> io::Result<()> {
        let prefix = self.shape.prefix(term);
        // Terms of one prefix stay together, so that one page answers.
        if self.page.is_full() && prefix != self.last_prefix {
            self.finish_page()?;
        }
        if self.page.is_empty() {
            self.first = term;
        }
        self.last_prefix = prefix;
        let mut blob = None;
        if is_long(rows.len(), self.shape.rows) {
            let bytes = write_blob(rows, self.shape.rows);
            blob = Some(Blob {
                offset: self.at,
                length: u32::try_from(bytes.len()).map_err(io::Error::other)?,
            });
            self.write(&bytes)?;
        }
        self.page.add(term, rows, blob, self.shape);
        Ok(())
    }

    /// Ends the file.
    pub(super) fn finish(mut self, terms: Terms) -> io::Result<W> {
        if !self.page.is_empty() {
            self.finish_page()?;
        }
        let footer = Footer::new(terms.seed, self.shape, self.at, &self.directory);
        let directory = std::mem::take(&mut self.directory);
        self.write(&directory)?;
        self.write(&footer.to_bytes())?;
        Ok(self.out)
    }

    fn finish_page(&mut self) -> io::Result<()> {
        let bytes = self.page.finish(self.first, self.shape);
        let place = Place {
            first: self.first,
            offset: self.at,
            length: bytes.len() as u64,
        };
        self.directory.extend_from_slice(&place.to_bytes());
        self.write(&bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }
}
