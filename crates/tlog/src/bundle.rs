//! Entry bundles: entries one after the other, each after its length (C2SP tlog-tiles).

use thiserror::Error;

/// An entry that does not fit a bundle.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("an entry has at most 65535 bytes, found {actual}")]
pub struct EntryTooLong {
    /// Length of the entry in bytes.
    pub actual: usize,
}

/// Bytes that are not a bundle of the expected width.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BundleError {
    /// The bundle ends inside an entry or before its last one.
    #[error("bundle ends at byte {offset} inside entry {entry} of {width}")]
    Truncated {
        /// Entry that is cut, from 0.
        entry: u16,
        /// Entries expected.
        width: u16,
        /// Offset in bytes at which the cut entry starts.
        offset: usize,
    },
    /// Bytes after the last entry.
    #[error("{extra} bytes after the last of {width} entries")]
    Trailing {
        /// Entries expected.
        width: u16,
        /// Bytes left over.
        extra: usize,
    },
}

/// Appends `entry` to the bundle `out`: u16 big-endian length, then the entry.
///
/// # Errors
/// If the entry is longer than 65,535 bytes; `out` is then unchanged.
pub fn push_entry(out: &mut Vec<u8>, entry: &[u8]) -> Result<(), EntryTooLong> {
    let actual = entry.len();
    let length = u16::try_from(actual).map_err(|_| EntryTooLong { actual })?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(entry);
    Ok(())
}

/// Splits a bundle into exactly `width` entries.
///
/// # Errors
/// If the bundle holds fewer entries, or anything after them.
pub fn decode_entries(bundle: &[u8], width: u16) -> Result<Vec<&[u8]>, BundleError> {
    let mut entries = Vec::with_capacity(usize::from(width));
    let mut rest = bundle;
    for entry in 0..width {
        let Some((body, after)) = split_entry(rest) else {
            return Err(BundleError::Truncated {
                entry,
                width,
                offset: bundle.len() - rest.len(),
            });
        };
        entries.push(body);
        rest = after;
    }
    match rest.len() {
        0 => Ok(entries),
        extra => Err(BundleError::Trailing { width, extra }),
    }
}

fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_of_another_width_is_refused() {
        let mut bundle = Vec::new();
        push_entry(&mut bundle, b"ab").unwrap();
        push_entry(&mut bundle, b"").unwrap();
        assert_eq!(decode_entries(&bundle, 2).unwrap(), [&b"ab"[..], b""]);
        assert_eq!(
            decode_entries(&bundle, 3),
            Err(BundleError::Truncated {
                entry: 2,
                width: 3,
                offset: 6
            })
        );
        assert_eq!(
            decode_entries(&bundle, 1),
            Err(BundleError::Trailing { width: 1, extra: 2 })
        );
        assert_eq!(
            decode_entries(&bundle[..3], 2),
            Err(BundleError::Truncated {
                entry: 0,
                width: 2,
                offset: 0
            })
        );
    }

    #[test]
    fn an_entry_fits_up_to_its_length_field() {
        let mut bundle = Vec::new();
        push_entry(&mut bundle, &vec![7; 65_535]).unwrap();
        let error = push_entry(&mut bundle, &vec![7; 65_536]).unwrap_err();
        assert_eq!((error.actual, bundle.len()), (65_536, 65_537));
    }
}
