use std::collections::VecDeque;

use sha2::{Digest, Sha256};

/// Bytes kept of the beginning, and of the end, of a stream.
pub const EDGE_BYTES: usize = 32 << 10;

/// The first and the last 32 KiB of a stream, its length, and the SHA-256 of the whole.
#[derive(Clone, Debug, Default)]
pub struct Excerpt {
    first: Vec<u8>,
    last: VecDeque<u8>,
    bytes: u64,
    hash: Sha256,
}

/// What of a stream is kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// All of it.
    Whole(Vec<u8>),
    /// Both ends. A character that a cut goes through is left out.
    Edges(Vec<u8>, Vec<u8>),
}

impl Excerpt {
    /// Takes the next bytes of the stream.
    pub fn add(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        let (first, rest) = bytes.split_at(bytes.len().min(EDGE_BYTES - self.first.len()));
        self.first.extend_from_slice(first);
        let rest = rest
            .get(rest.len().saturating_sub(EDGE_BYTES)..)
            .unwrap_or(rest);
        let surplus = (self.last.len() + rest.len()).saturating_sub(EDGE_BYTES);
        self.last.drain(..surplus);
        self.last.extend(rest);
    }

    /// Length of the stream, bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// SHA-256 of the stream.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        self.hash.clone().finalize().into()
    }

    pub(super) fn kept(&self) -> Kept {
        let last: Vec<u8> = self.last.iter().copied().collect();
        if self.bytes == (self.first.len() + last.len()) as u64 {
            return Kept::Whole([self.first.as_slice(), &last].concat());
        }
        Kept::Edges(without_cut_end(&self.first), without_cut_start(&last))
    }
}

/// Leaves out the beginning of a character at the end.
fn without_cut_end(bytes: &[u8]) -> Vec<u8> {
    let whole = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    };
    bytes.get(..whole).unwrap_or(bytes).to_vec()
}

/// Leaves out the rest of a character at the start: at most three continuation bytes.
fn without_cut_start(bytes: &[u8]) -> Vec<u8> {
    let cut = bytes
        .iter()
        .take(3)
        .take_while(|byte| **byte & 0xc0 == 0x80)
        .count();
    let rest = bytes.get(cut..).unwrap_or(bytes);
    if std::str::from_utf8(rest).is_ok() {
        rest.to_vec()
    } else {
        bytes.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(bytes: &[u8], step: usize) -> Excerpt {
        let mut excerpt = Excerpt::default();
        bytes.chunks(step).for_each(|part| excerpt.add(part));
        excerpt
    }

    #[test]
    fn both_ends_are_kept_however_the_bytes_come() {
        let bytes: Vec<u8> = (0..200_000u32).map(|i| b'a' + (i % 23) as u8).collect();
        for step in [1, 1000, 65_536, 200_000] {
            let excerpt = excerpt(&bytes, step);
            let edges = Kept::Edges(
                bytes[..EDGE_BYTES].to_vec(),
                bytes[bytes.len() - EDGE_BYTES..].to_vec(),
            );
            assert_eq!(excerpt.kept(), edges, "step {step}");
            assert_eq!(excerpt.bytes(), 200_000);
            assert_eq!(excerpt.sha256(), <[u8; 32]>::from(Sha256::digest(&bytes)));
        }
    }

    #[test]
    fn up_to_both_ends_the_whole_is_kept() {
        for length in [0, 1, EDGE_BYTES, EDGE_BYTES + 1, 2 * EDGE_BYTES] {
            let bytes = vec![b'x'; length];
            assert_eq!(excerpt(&bytes, 7).kept(), Kept::Whole(bytes), "{length}");
        }
        let longer = vec![b'x'; 2 * EDGE_BYTES + 1];
        assert!(matches!(excerpt(&longer, 7).kept(), Kept::Edges(..)));
    }

    #[test]
    fn a_cut_character_is_left_out_and_other_bytes_are_not() {
        let text = "é".repeat(EDGE_BYTES * 2);
        let shifted = format!("x{text}y");
        let Kept::Edges(first, last) = excerpt(shifted.as_bytes(), 999).kept() else {
            panic!("kept whole");
        };
        assert_eq!(first.len(), EDGE_BYTES - 1);
        assert_eq!(last.len(), EDGE_BYTES - 1);
        assert!(std::str::from_utf8(&first).is_ok() && std::str::from_utf8(&last).is_ok());
        let binary = vec![0x80; EDGE_BYTES * 3];
        let edge = vec![0x80; EDGE_BYTES];
        assert_eq!(
            excerpt(&binary, 999).kept(),
            Kept::Edges(edge.clone(), edge)
        );
    }
}
