//! Indexes of segments from their row groups, or from the indexes of those that they are merged from.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use event::{RecordView, filter::Tokenizer};

use super::{
    Entries, Index, Shape, Terms,
    collect::{Collector, Loose, Run, rest},
    merge::{Merge, Stream},
    writer::Writer,
};
use crate::{columns::Columns, error::StoreError, source::Source};

/// Collects the row groups of one segment.
#[derive(Debug)]
pub(crate) struct Builder {
    terms: Terms,
    path: PathBuf,
    /// All but the last one are kept packed.
    packed: Vec<Arc<Index>>,
    last: Option<(Run, u32)>,
}

impl Builder {
    /// For the index of this path.
    pub(crate) fn new(terms: Terms, path: &Path) -> Self {
        Self {
            terms,
            path: path.to_path_buf(),
            packed: Vec::new(),
            last: None,
        }
    }

    /// What terms are made with.
    pub(crate) fn terms(&self) -> Terms {
        self.terms
    }

    /// Takes the terms of the next row group, which has so many rows.
    pub(crate) fn add(&mut self, group: Run, rows: u32) -> Result<(), StoreError> {
        if let Some((run, rows)) = self.last.replace((group, rows)) {
            self.packed.push(Arc::new(self.pack(run, rows)?));
        }
        Ok(())
    }

    /// Takes the next row group: its columns, and each event's record and content.
    pub(crate) fn add_group<'a>(
        &mut self,
        columns: &Columns,
        events: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    ) -> Result<(), StoreError> {
        let mut group = Collector::new(self.terms, columns.rows());
        let (mut tokenizer, mut loose) = (Tokenizer::default(), Loose::new());
        for (row, (record, content)) in (0..).zip(events) {
            if let Ok(record) = RecordView::parse(record) {
                rest(self.terms, &mut tokenizer, &record, row, &mut loose);
            }
            if let Some(content) = content {
                group.content(row, content);
            }
        }
        group.loose(&loose);
        group.columns(columns);
        let rows = group.rows();
        self.add(group.finish(), rows)
    }

    /// Writes the index of all rows.
    pub(crate) fn finish<W: Write>(mut self, shape: Shape, out: W) -> Result<W, StoreError> {
        let Some((run, rows)) = self.last.take() else {
            return write(out, self.terms, shape, Merge::<Run>::new([])?, &self.path);
        };
        if self.packed.is_empty() {
            return write(out, self.terms, shape, run, &self.path);
        }
        self.packed.push(Arc::new(self.pack(run, rows)?));
        write(out, self.terms, shape, merged(&self.packed)?, &self.path)
    }

    fn pack(&self, run: Run, rows: u32) -> Result<Index, StoreError> {
        let bytes = write(Vec::new(), self.terms, Shape::whole(rows), run, &self.path)?;
        in_memory(bytes, &self.path, rows)
    }
}

impl Index {
    /// The index of events that are not sealed yet, oldest first: their columns, records and contents.
    pub(crate) fn collect<'a>(
        terms: Terms,
        columns: &Columns,
        events: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    ) -> Result<Self, StoreError> {
        let path = Path::new("unsealed events");
        let mut builder = Builder::new(terms, path);
        builder.add_group(columns, events)?;
        let rows = u32::try_from(columns.rows()).unwrap_or(u32::MAX);
        let bytes = builder.finish(Shape::whole(rows), Vec::new())?;
        in_memory(bytes, path, rows)
    }
}

/// Whether the indexes of segments that follow on each other can be merged: terms are whole and hashed in
/// one way.
pub(crate) fn can_merge(indexes: &[Arc<Index>]) -> bool {
    let seed = indexes.first().map(|index| index.terms().seed);
    let fits = |index: &Arc<Index>| Some(index.terms().seed) == seed && index.shape.is_whole();
    seed.is_some() && indexes.iter().all(fits)
}

/// Writes the merged index of such segments.
pub(crate) fn merge<W: Write>(
    indexes: &[Arc<Index>],
    shape: Shape,
    out: W,
    path: &Path,
) -> Result<W, StoreError> {
    let terms = indexes.first().map_or(Terms::new(0), |index| index.terms());
    write(out, terms, shape, merged(indexes)?, path)
}

/// What was just written.
pub(super) fn in_memory(bytes: Vec<u8>, path: &Path, rows: u32) -> Result<Index, StoreError> {
    let source = Source::memory(bytes, path);
    let damaged = source.damaged(0, "the index of another version");
    Index::open(source, rows.into(), None)?.ok_or(damaged)
}

fn merged(indexes: &[Arc<Index>]) -> Result<Merge<Stream>, StoreError> {
    let streams = indexes
        .iter()
        .map(|index| (Stream::new(Arc::clone(index)), index.shape.rows));
    Merge::new(streams)
}

pub(super) fn write<W: Write>(
    out: W,
    terms: Terms,
    shape: Shape,
    mut entries: impl Entries,
    path: &Path,
) -> Result<W, StoreError> {
    let failed = |source| StoreError::Io {
        path: path.to_path_buf(),
        source,
    };
    let mut writer = Writer::new(out, shape).map_err(failed)?;
    let mut rows = Vec::new();
    while let Some(term) = entries.next(&mut rows)? {
        writer.add(term, &rows).map_err(failed)?;
    }
    writer.finish(terms).map_err(failed)
}
