//! Which segments make up a trail.
//!
//! Numbered files `manifest/<20 digits>.json`, each the whole state, created only if absent and never
//! changed. A file is `{"manifest":{...},"sha256":"<hex>"}`, the digest over the exact bytes of the value
//! of `manifest`. The one with the highest number is the state; the object store makes a file visible
//! only when it is whole, so a highest one that is damaged was committed and is an error.

use std::path::Path;

use event::TrailId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{error::StoreError, sums::sha256_hex};

const VERSION: u32 = 1;
/// Segments with this many raw bytes or more are not merged.
pub(crate) const FINAL_RAW_BYTES: u64 = 256 << 20;

/// One state of a trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format, 1.
    pub v: u32,
    /// The trail that it belongs to.
    pub trail: String,
    /// Its own number, equal to the file's.
    pub number: u64,
    /// The segments, oldest first, without holes from sequence number 0.
    pub segments: Vec<SegmentInfo>,
}

/// What the manifest says of one segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentInfo {
    /// File name without extension, below `segments/`.
    pub name: String,
    /// First sequence number.
    pub first: u64,
    /// One past the last sequence number.
    pub end: u64,
    /// Length of the Parquet file, bytes.
    pub file_bytes: u64,
    /// Record and content bytes before compression.
    pub raw_bytes: u64,
    /// Server time of the first and the last event, microseconds since 1970.
    pub recorded_at: [u64; 2],
    /// Earliest and latest time that a producer claims, microseconds since 1970.
    pub time: [i64; 2],
    /// SHA-256 of the block checksums (`.sum`), hexadecimal.
    pub sums_sha256: String,
}

impl SegmentInfo {
    /// Whether it is so large that it is not merged any more.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.raw_bytes >= FINAL_RAW_BYTES
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    #[serde(borrow)]
    manifest: &'a RawValue,
    sha256: &'a str,
}

impl Manifest {
    /// The state before the first segment.
    pub(crate) fn empty(trail: &TrailId) -> Self {
        Self {
            v: VERSION,
            trail: trail.as_str().to_owned(),
            number: 0,
            segments: Vec::new(),
        }
    }

    /// One past the last sealed sequence number.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.end)
    }

    /// The file's name.
    pub(crate) fn file_name(number: u64) -> String {
        format!("{number:020}.json")
    }

    /// The number in a file's name.
    pub(crate) fn number_of(file_name: &str) -> Option<u64> {
        let digits = file_name.strip_suffix(".json")?;
        let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().ok()).flatten()
    }

    /// The file's bytes.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let manifest = serde_json::value::to_raw_value(self)?;
        serde_json::to_vec(&Envelope {
            sha256: &sha256_hex(manifest.get().as_bytes()),
            manifest: &manifest,
        })
    }

    /// Reads a file of this trail with this number.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] if digest, version, trail, number or the chain of segments is wrong.
    pub(crate) fn parse(
        path: &Path,
        trail: &TrailId,
        number: u64,
        bytes: &[u8],
    ) -> Result<Self, StoreError> {
        let damaged = |offset: usize, detail: String| StoreError::Damaged {
            path: path.to_path_buf(),
            offset: offset as u64,
            detail,
        };
        let syntax = |error: serde_json::Error| damaged(error.column(), error.to_string());
        let envelope: Envelope<'_> = serde_json::from_slice(bytes).map_err(syntax)?;
        let actual = sha256_hex(envelope.manifest.get().as_bytes());
        if actual != envelope.sha256 {
            return Err(damaged(
                0,
                format!("expected SHA-256 {}, found {actual}", envelope.sha256),
            ));
        }
        let manifest: Self = serde_json::from_str(envelope.manifest.get()).map_err(syntax)?;
        if manifest.v != VERSION {
            return Err(damaged(
                0,
                format!("expected version {VERSION}, found {}", manifest.v),
            ));
        }
        if manifest.trail != trail.as_str() || manifest.number != number {
            let detail = format!(
                "expected number {number} of trail {trail}, found {} of {}",
                manifest.number, manifest.trail
            );
            return Err(damaged(0, detail));
        }
        let mut expected = 0;
        for segment in &manifest.segments {
            if segment.first != expected || segment.end <= segment.first {
                return Err(StoreError::NotContiguous {
                    path: path.to_path_buf(),
                    expected,
                    actual: segment.first,
                });
            }
            expected = segment.end;
        }
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> (TrailId, Manifest) {
        let trail = TrailId::new("main").unwrap();
        let mut manifest = Manifest::empty(&trail);
        manifest.number = 7;
        for (first, end) in [(0, 3), (3, 10)] {
            manifest.segments.push(SegmentInfo {
                name: format!("{first}-{end}"),
                first,
                end,
                file_bytes: 100,
                raw_bytes: 200,
                recorded_at: [1, 2],
                time: [-1, 2],
                sums_sha256: "00".repeat(32),
            });
        }
        (trail, manifest)
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let (trail, manifest) = example();
        let path = Path::new("m");
        let bytes = manifest.to_bytes().unwrap();
        assert_eq!(Manifest::parse(path, &trail, 7, &bytes).unwrap(), manifest);
        assert!(Manifest::parse(path, &trail, 8, &bytes).is_err());
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(
                Manifest::parse(path, &trail, 7, &changed).is_err(),
                "bit {bit}"
            );
        }
        for cut in 0..bytes.len() {
            assert!(
                Manifest::parse(path, &trail, 7, &bytes[..cut]).is_err(),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn holes_are_refused() {
        let (trail, mut manifest) = example();
        manifest.segments[1].first = 4;
        let bytes = manifest.to_bytes().unwrap();
        let error = Manifest::parse(Path::new("m"), &trail, 7, &bytes).unwrap_err();
        assert!(
            matches!(
                error,
                StoreError::NotContiguous {
                    expected: 3,
                    actual: 4,
                    ..
                }
            ),
            "{error}"
        );
    }

    #[test]
    fn names() {
        assert_eq!(Manifest::number_of(&Manifest::file_name(7)), Some(7));
        for other in [
            "7.json",
            "0000000000000000000x.json",
            "00000000000000000007.json#1",
        ] {
            assert_eq!(Manifest::number_of(other), None, "{other}");
        }
    }
}
