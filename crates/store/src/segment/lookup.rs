//! Finding an event by its id.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use event::{RecordView, Seq};

use super::Segment;
use crate::{
    column::Column,
    error::StoreError,
    ids::{self, IdTable},
    source::Source,
};

impl Segment {
    /// The event with this id, if it is here: its sequence number and record.
    ///
    /// # Errors
    ///
    /// As [`Segment::record`]. A missing or damaged id table is rebuilt, no error.
    pub fn find(&self, id: &str) -> Result<Option<(Seq, Bytes)>, StoreError> {
        self.find_hashed(id, ids::hash_id(id))
    }

    pub(crate) fn find_hashed(
        &self,
        id: &str,
        hash: u64,
    ) -> Result<Option<(Seq, Bytes)>, StoreError> {
        let rows = match self.table()?.rows(hash) {
            Err(error @ StoreError::Damaged { .. }) => self.rebuilt_table(&error)?.rows(hash)?,
            rows => rows?,
        };
        for row in rows {
            let seq = self.info.first + row;
            let record = self.record(seq)?;
            if RecordView::parse(&record).is_ok_and(|view| view.id == id) {
                return Ok(Some((Seq(seq), record)));
            }
        }
        Ok(None)
    }

    pub(super) fn load_table(&self) -> Result<IdTable, StoreError> {
        IdTable::open(self.objects.source(&self.files.ids)?, self.rows_count())
    }

    fn table(&self) -> Result<Arc<IdTable>, StoreError> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = table.as_ref() {
            return Ok(Arc::clone(table));
        }
        drop(table);
        match self.load_table() {
            Ok(table) => Ok(self.keep_table(table)),
            Err(error @ (StoreError::Damaged { .. } | StoreError::Missing { .. })) => {
                self.rebuilt_table(&error)
            }
            Err(error) => Err(error),
        }
    }

    fn keep_table(&self, table: IdTable) -> Arc<IdTable> {
        let table = Arc::new(table);
        let mut kept = self.table.write().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(Arc::clone(&table));
        table
    }

    fn rebuilt_table(&self, reason: &StoreError) -> Result<Arc<IdTable>, StoreError> {
        tracing::warn!(%reason, "an id table is rebuilt from its segment");
        let bytes = ids::encode(&self.hashes()?)?;
        if self.repairs
            && let Err(error) = self.objects.put(&self.files.ids, bytes.clone())
        {
            tracing::warn!(%error, "a rebuilt id table could not be written");
        }
        let source = Source::memory(bytes, &self.objects.path(&self.files.ids));
        let table = IdTable::open(source, self.rows_count())?;
        Ok(self.keep_table(table))
    }

    /// Hashes of the ids of all rows.
    fn hashes(&self) -> Result<Vec<u64>, StoreError> {
        let mut hashes = Vec::new();
        for group in 0..self.groups()?.len() {
            hashes.extend(self.group_hashes(group)?);
        }
        Ok(hashes)
    }

    pub(super) fn group_hashes(&self, group: usize) -> Result<Vec<u64>, StoreError> {
        let texts = self.opened()?.texts(&self.info, group, Column::Id)?;
        Ok((0..texts.rows())
            .map(|row| ids::hash_id(texts.get(row).unwrap_or("")))
            .collect())
    }
}
