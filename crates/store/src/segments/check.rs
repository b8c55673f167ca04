//! Finding every damage.

use event::TrailId;

use super::Segments;
use crate::error::StoreError;

impl Segments {
    /// Reads every byte of a trail's manifests, segments, checksums and id tables, and returns what is wrong.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the newest manifest cannot be read: then nothing else can be judged.
    pub fn check(&self, trail: &TrailId) -> Result<Vec<StoreError>, StoreError> {
        let snapshot = self.snapshot(trail)?;
        let mut damage = Vec::new();
        for number in self.manifest_numbers(trail)? {
            if number < snapshot.manifest.number
                && let Err(error) = self.read_manifest(trail, number)
            {
                damage.push(error);
            }
        }
        for segment in &snapshot.segments {
            if let Err(errors) = segment.check() {
                damage.extend(errors);
            }
        }
        Ok(damage)
    }
}
