//! The bytes of one simulated file: as programs see them and as the disk has them.

use std::ops::Range;

use super::rng::Rng;

/// Bytes that a disk writes as one.
const SECTOR_BYTES: usize = 512;

#[derive(Debug, Clone, Default)]
pub(super) struct Inode {
    /// What programs read.
    pub(super) now: Vec<u8>,
    /// What the disk has.
    pub(super) durable: Vec<u8>,
    /// Ranges of `now` that wait for being written to the disk, in the order of their writes.
    dirty: Vec<Range<usize>>,
}

impl Inode {
    pub(super) fn stored(bytes: Vec<u8>) -> Self {
        Self {
            durable: bytes.clone(),
            now: bytes,
            dirty: Vec::new(),
        }
    }

    pub(super) fn write(&mut self, at: usize, bytes: &[u8]) {
        let end = at + bytes.len();
        if self.now.len() < end {
            self.now.resize(end, 0);
        }
        copy(bytes, &mut self.now, at);
        match self.dirty.last_mut() {
            Some(last) if last.end == at => last.end = end,
            _ => self.dirty.push(at..end),
        }
    }

    pub(super) fn set_len(&mut self, len: usize) {
        let old = self.now.len();
        self.now.resize(len, 0);
        if len > old {
            self.dirty.push(old..len);
        }
        for range in &mut self.dirty {
            *range = range.start.min(len)..range.end.min(len);
        }
    }

    pub(super) fn sync(&mut self) {
        self.durable.resize(self.now.len(), 0);
        for range in self.dirty.drain(..) {
            let bytes = self.now.get(range.clone()).unwrap_or_default();
            copy(bytes, &mut self.durable, range.start);
        }
    }

    /// As Linux does it: the pages count as written afterwards, so that a second sync succeeds and writes nothing.
    pub(super) fn fail_sync(&mut self) {
        self.dirty.clear();
    }

    /// Some bytes reach the disk, the others never will.
    pub(super) fn tear_sync(&mut self, rng: &mut Rng) {
        self.durable = self.after_crash(rng);
        self.dirty.clear();
    }

    /// What the disk may have after the power was cut now.
    pub(super) fn after_crash(&self, rng: &mut Rng) -> Vec<u8> {
        let mut disk = self.clone();
        match rng.up_to(3) {
            0 => {}
            1 => disk.sync(),
            2 => disk.keep_prefix(rng),
            _ => disk.keep_sectors(rng),
        }
        disk.durable
    }

    fn keep_prefix(&mut self, rng: &mut Rng) {
        let mut left = rng.up_to(self.dirty.iter().map(Range::len).sum());
        for range in &self.dirty {
            let len = range.len().min(left);
            left -= len;
            let bytes = self.now.get(range.start..range.start + len);
            keep(bytes.unwrap_or_default(), &mut self.durable, range.start);
        }
    }

    /// Each sector on its own: new, old, or (behind the old end) zeros or garbage; the length is old or new.
    fn keep_sectors(&mut self, rng: &mut Rng) {
        let old_len = self.durable.len();
        if rng.coin() {
            self.durable.resize(self.now.len(), 0);
        }
        for range in &self.dirty {
            let mut at = range.start;
            while at < range.end {
                let end = range.end.min((at / SECTOR_BYTES + 1) * SECTOR_BYTES);
                let mut bytes = self.now.get(at..end).unwrap_or_default().to_vec();
                let fate = rng.up_to(if at < old_len { 1 } else { 3 });
                match fate {
                    0 => {}
                    2 => bytes.fill(0),
                    3 => bytes.fill_with(|| rng.next().to_le_bytes()[0]),
                    _ => bytes.clear(),
                }
                if end <= self.durable.len() || at < old_len {
                    keep(&bytes, &mut self.durable, at);
                }
                at = end;
            }
        }
    }
}

/// Copies bytes to an offset, extending what is too short.
fn keep(bytes: &[u8], to: &mut Vec<u8>, at: usize) {
    let end = at + bytes.len();
    if !bytes.is_empty() && to.len() < end {
        to.resize(end, 0);
    }
    copy(bytes, to, at);
}

fn copy(bytes: &[u8], to: &mut [u8], at: usize) {
    if let Some(to) = to.get_mut(at..at + bytes.len()) {
        to.copy_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_keeps_what_was_synced_and_may_lose_the_rest() {
        let mut outcomes = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let mut inode = Inode::default();
            inode.write(0, &[1; 700]);
            inode.sync();
            inode.write(700, &[2; 1500]);
            let disk = inode.after_crash(&mut Rng(seed));
            assert_eq!(disk[..700], [1; 700], "seed {seed}");
            assert!(disk.len() <= 2200, "seed {seed}");
            outcomes.insert(disk);
        }
        assert!(outcomes.contains(&vec![1; 700]), "lost");
        assert!(
            outcomes.contains(&[vec![1; 700], vec![2; 1500]].concat()),
            "kept"
        );
        assert!(outcomes.len() > 50, "torn in many ways");
    }

    #[test]
    fn a_failed_sync_is_not_healed_by_a_second_one() {
        let mut inode = Inode::default();
        inode.write(0, b"gone");
        inode.fail_sync();
        inode.sync();
        inode.write(4, b"new");
        inode.sync();
        assert_eq!(inode.now, b"gonenew");
        assert_eq!(inode.durable, b"\0\0\0\0new");
    }

    #[test]
    fn a_shorter_file_keeps_no_old_bytes_behind_its_end() {
        let mut inode = Inode::stored(vec![1; 10]);
        inode.write(8, &[2; 4]);
        inode.set_len(3);
        inode.sync();
        assert_eq!(inode.durable, [1; 3]);
        inode.set_len(5);
        inode.sync();
        assert_eq!(inode.durable, [1, 1, 1, 0, 0]);
    }
}
