//! Reading a trail's newest manifest, and clearing away what no manifest names.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, RwLock},
};

use event::TrailId;

use super::{Access, Segments, Snapshot, Trail, Writing};
use crate::{
    error::StoreError,
    manifest::Manifest,
    segment::{Segment, SegmentFiles},
};

/// Manifests that are kept, the newest among them: older ones only tell how things were.
pub(super) const KEPT_MANIFESTS: usize = 4;

pub(super) fn manifest_folder(trail: &TrailId) -> String {
    format!("trails/{trail}/manifest")
}

pub(super) fn manifest_name(trail: &TrailId, number: u64) -> String {
    format!("{}/{}", manifest_folder(trail), Manifest::file_name(number))
}

impl Segments {
    pub(super) fn load(&self, id: &TrailId) -> Result<Trail, StoreError> {
        let manifests = self.manifest_numbers(id)?;
        let manifest = match manifests.last() {
            Some(number) => self.read_manifest(id, *number)?,
            None => Manifest::empty(id),
        };
        if self.access == Access::Owner {
            self.trust(id, &manifest)?;
        }
        let snapshot = Snapshot {
            segments: self.segments_of(id, &manifest, &[]),
            manifest,
        };
        Ok(Trail {
            id: id.clone(),
            writing: Mutex::new(Writing {
                next_number: snapshot.manifest.number + 1,
                attempts: 0,
                doomed: Vec::new(),
                manifests,
                stopped: false,
            }),
            current: RwLock::new(Arc::new(snapshot)),
        })
    }

    /// Numbers of the manifests of a trail, rising.
    pub(super) fn manifest_numbers(&self, trail: &TrailId) -> Result<Vec<u64>, StoreError> {
        let folder = manifest_folder(trail);
        if !self.objects.path(&folder).exists() {
            return Ok(Vec::new());
        }
        let names = self.objects.list(&folder)?;
        Ok(names
            .iter()
            .filter_map(|name| Manifest::number_of(name))
            .collect())
    }

    pub(super) fn read_manifest(
        &self,
        trail: &TrailId,
        number: u64,
    ) -> Result<Manifest, StoreError> {
        let name = manifest_name(trail, number);
        let bytes = self.objects.get(&name)?;
        Manifest::parse(&self.objects.path(&name), trail, number, &bytes)
    }

    /// Before anything is dropped because of a manifest that a crash may have left in memory only, it
    /// is made durable; and every file that it names must be there.
    fn trust(&self, trail: &TrailId, manifest: &Manifest) -> Result<(), StoreError> {
        if manifest.number > 0 {
            self.objects.sync(&manifest_name(trail, manifest.number))?;
        }
        for segment in &manifest.segments {
            let files = SegmentFiles::new(trail, &segment.name);
            let path = self.objects.path(&files.parquet);
            let actual = match std::fs::metadata(&path) {
                Ok(metadata) => metadata.len(),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    return Err(StoreError::Missing { path });
                }
                Err(source) => return Err(StoreError::Io { path, source }),
            };
            if actual != segment.file_bytes {
                return Err(StoreError::Damaged {
                    path,
                    offset: actual.min(segment.file_bytes),
                    detail: format!("expected {} bytes, found {actual}", segment.file_bytes),
                });
            }
        }
        Ok(())
    }

    /// Segments of a manifest; those that were open already are taken over.
    pub(super) fn segments_of(
        &self,
        trail: &TrailId,
        manifest: &Manifest,
        known: &[Arc<Segment>],
    ) -> Vec<Arc<Segment>> {
        let segment = |info: &crate::manifest::SegmentInfo| {
            known
                .binary_search_by_key(&info.first, |segment| segment.info().first)
                .ok()
                .and_then(|position| known.get(position))
                .filter(|segment| segment.info() == info)
                .map_or_else(
                    || {
                        Arc::new(Segment::new(
                            &self.objects,
                            trail,
                            info.clone(),
                            &self.cache,
                            self.access == Access::Owner,
                        ))
                    },
                    Arc::clone,
                )
        };
        manifest.segments.iter().map(segment).collect()
    }

    /// Removes what interrupted writes left behind: files that the newest manifest does not name.
    ///
    /// To be called once at the start, after the ledger found its log whole: what a lost
    /// manifest names must not be removed.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a folder cannot be listed or a file not be removed.
    pub fn clean(&self, id: &TrailId) -> Result<(), StoreError> {
        let trail = self.trail(id)?;
        let mut writing = trail.writing();
        let folder = SegmentFiles::folder(id);
        self.objects.remove_staged(&folder)?;
        self.objects.remove_staged(&manifest_folder(id))?;
        let snapshot = trail.snapshot();
        let named: BTreeSet<&str> = snapshot
            .segments
            .iter()
            .flat_map(|segment| segment.files().all())
            .collect();
        let found = if self.objects.path(&folder).exists() {
            self.objects.list(&folder)?
        } else {
            Vec::new()
        };
        for name in found {
            let name = format!("{folder}/{name}");
            if !named.contains(name.as_str()) {
                tracing::info!(trail = %id, file = name, "a file that no manifest names is removed");
                self.objects.delete(&name)?;
            }
        }
        self.drop_old_manifests(id, &mut writing);
        Ok(())
    }

    /// Failures are left for the next time: an old manifest does no harm.
    pub(super) fn drop_old_manifests(&self, trail: &TrailId, writing: &mut Writing) {
        let old = writing.manifests.len().saturating_sub(KEPT_MANIFESTS);
        for number in writing.manifests.drain(..old) {
            if let Err(error) = self.objects.delete(&manifest_name(trail, number)) {
                tracing::warn!(%trail, %error, "an old manifest could not be removed");
            }
        }
    }
}
