//! An open index.

use std::sync::Arc;

use super::{
    page::{self, Blob, Found, Page},
    shape::{Footer, MAGIC, Place, Shape},
    terms::{Sought, Term, Terms},
};
use crate::{
    cache::{Cache, Cached, Key},
    error::StoreError,
    source::Source,
};

/// Which rows of a segment have a term. Pages are read and checked when they are asked.
#[derive(Debug)]
pub struct Index {
    source: Source,
    terms: Terms,
    pub(crate) shape: Shape,
    pages: Vec<Place>,
    /// Where the last page ends.
    end: u64,
    /// Of long lists, and the index's number there.
    cache: Option<(Arc<Cache>, u64)>,
}

/// The rows of a term, rising.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// They have it.
    pub certain: Arc<Vec<u32>>,
    /// They may have it.
    pub possible: Vec<u32>,
}

impl Index {
    /// Opens the index of a segment of so many rows; `None` if another version wrote it, or one with other
    /// letters.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] if it is not as it was written for this segment.
    pub(crate) fn open(
        source: Source,
        rows: u64,
        cache: Option<&Arc<Cache>>,
    ) -> Result<Option<Self>, StoreError> {
        let (bytes, end) = source.tail(Footer::BYTES)?;
        let Some(footer) = Footer::parse(&bytes) else {
            if source.is_other_version(*MAGIC)? {
                return Ok(None);
            }
            return Err(source.damaged(end, "the footer's checksum is wrong"));
        };
        if !source.has_magic(*MAGIC)? || u64::from(footer.shape.rows) != rows {
            return Err(source.damaged(0, "not the index of this segment"));
        }
        if !footer.has_our_letters() {
            return Ok(None);
        }
        let directory_bytes = u64::from(footer.pages) * Place::BYTES as u64;
        if footer.directory.checked_add(directory_bytes) != Some(end) {
            return Err(source.damaged(end, "the directory does not end here"));
        }
        let directory = source.read(footer.directory, directory_bytes)?;
        if crc32c::crc32c(&directory) != footer.directory_sum {
            return Err(source.damaged(footer.directory, "the directory's checksum is wrong"));
        }
        let (places, _) = directory.as_chunks::<{ Place::BYTES }>();
        let pages: Vec<Place> = places.iter().map(Place::from_bytes).collect();
        let in_order = |one: &Place, other: &Place| {
            one.first < other.first && one.offset + one.length <= other.offset
        };
        let ends_here = |place: &Place| place.offset + place.length <= footer.directory;
        if !pages.is_sorted_by(in_order) || !pages.iter().all(ends_here) {
            return Err(source.damaged(footer.directory, "the pages are not in order"));
        }
        Ok(Some(Self {
            source,
            terms: Terms::new(footer.seed),
            shape: footer.shape,
            pages,
            end: footer.directory,
            cache: cache.map(|cache| (Arc::clone(cache), cache.next_number())),
        }))
    }

    /// The rows that have what is sought; `None` for a column whose values are not looked up, and for more
    /// than `most` rows.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] if what was read is not what was written.
    pub fn hits(&self, sought: Sought<'_>, most: usize) -> Result<Option<Hits>, StoreError> {
        let Some(term) = self.terms.sought(sought) else {
            return Ok(None);
        };
        let found = self.cached_find(term)?;
        if found.count() > most {
            return Ok(None);
        }
        self.rows(&found).map(Some)
    }

    /// How many rows may have what is sought; `None` for a column whose values are not looked up.
    ///
    /// # Errors
    ///
    /// As [`Index::hits`].
    pub fn count(&self, sought: Sought<'_>) -> Result<Option<usize>, StoreError> {
        let term = self.terms.sought(sought);
        let found = term.map(|term| self.cached_find(term)).transpose()?;
        Ok(found.map(|found| found.count()))
    }

    /// What its terms are hashed with.
    pub(crate) fn terms(&self) -> Terms {
        self.terms
    }

    /// Where these are not the bytes of its file, if they differ.
    pub(crate) fn difference(&self, other: &[u8]) -> Result<Option<StoreError>, StoreError> {
        let at = self.source.difference(other)?;
        Ok(at.map(|at| self.source.damaged(at, "not what its events give")))
    }

    /// Reads and checks everything.
    ///
    /// # Errors
    ///
    /// As [`Index::hits`].
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let mut at = MAGIC.len() as u64;
        for number in 0..self.pages.len() {
            let (page, place) = self.page(number)?;
            for (count, blob) in page
                .lists
                .iter()
                .filter_map(|list| Some((list.count, list.blob?)))
            {
                if blob.offset != at {
                    return Err(self.source.damaged(at, "nothing refers to what is here"));
                }
                self.blob(count, blob)?;
                at += u64::from(blob.length);
            }
            if place.offset != at {
                return Err(self.source.damaged(at, "nothing refers to what is here"));
            }
            at += place.length;
        }
        if self.end != at {
            return Err(self.source.damaged(at, "nothing refers to what is here"));
        }
        Ok(())
    }

    /// All terms of a page.
    pub(super) fn page(&self, number: usize) -> Result<(Page, Place), StoreError> {
        let place = self.pages.get(number).copied();
        let place = place.ok_or_else(|| self.source.damaged(0, "a page that is not there"))?;
        let bytes = self.source.read(place.offset, place.length)?;
        let page = Page::read(&bytes, place.first, self.shape);
        Ok((page.ok_or_else(|| self.unreadable(place))?, place))
    }

    /// Number of pages.
    pub(super) fn pages(&self) -> usize {
        self.pages.len()
    }

    /// The rows of a long list.
    pub(super) fn blob(&self, count: u32, blob: Blob) -> Result<Vec<u32>, StoreError> {
        let bytes = self.source.read(blob.offset, blob.length.into())?;
        let rows = page::read_blob(&bytes, count, self.shape.rows);
        rows.ok_or_else(|| {
            self.source
                .damaged(blob.offset, "a long list cannot be read")
        })
    }

    /// The same, taken apart once while it is asked for again.
    fn cached_blob(&self, count: u32, blob: Blob) -> Result<Arc<Vec<u32>>, StoreError> {
        let Some((cache, number)) = &self.cache else {
            return self.blob(count, blob).map(Arc::new);
        };
        let key = Key::rows(*number, blob.offset);
        if let Some(Cached::Rows(rows)) = cache.get(key) {
            return Ok(rows);
        }
        let rows = Arc::new(self.blob(count, blob)?);
        cache.put(key, Cached::Rows(Arc::clone(&rows)));
        Ok(rows)
    }

    /// What the page says that a term would be in.
    fn find(&self, term: Term) -> Result<Found, StoreError> {
        let prefix = self.shape.prefix(term);
        let after = self
            .pages
            .partition_point(|page| self.shape.prefix(page.first) <= prefix);
        let Some(place) = after
            .checked_sub(1)
            .and_then(|number| self.pages.get(number))
        else {
            return Ok(Found::default());
        };
        let bytes = self.source.read(place.offset, place.length)?;
        let found = page::find(&bytes, place.first, term, self.shape);
        found.ok_or_else(|| self.unreadable(*place))
    }

    /// The same, looked up once while it is asked for again.
    fn cached_find(&self, term: Term) -> Result<Arc<Found>, StoreError> {
        let Some((cache, number)) = &self.cache else {
            return self.find(term).map(Arc::new);
        };
        let key = Key::term(*number, term.0);
        if let Some(Cached::Found(found)) = cache.get(key) {
            return Ok(found);
        }
        let found = Arc::new(self.find(term)?);
        cache.put(key, Cached::Found(Arc::clone(&found)));
        Ok(found)
    }

    fn rows(&self, found: &Found) -> Result<Hits, StoreError> {
        if let Some((count, blob)) = found.apart {
            return Ok(Hits {
                certain: self.cached_blob(count, blob)?,
                possible: found.singles.clone(),
            });
        }
        let (mut certain, mut possible) = (found.rows.clone(), found.singles.clone());
        if self.shape.is_whole() {
            certain.append(&mut possible);
        }
        let certain = Arc::new(certain);
        Ok(Hits { certain, possible })
    }

    #[cfg(test)]
    pub(super) fn term(&self, term: Term) -> Result<Hits, StoreError> {
        self.rows(&self.find(term)?)
    }

    fn unreadable(&self, page: Place) -> StoreError {
        self.source.damaged(page.offset, "a page cannot be read")
    }
}
