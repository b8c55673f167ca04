//! Names and widths of the tiles of a tree (C2SP tlog-tiles).

mod path;

use std::fmt;

pub use path::TilePathError;

use crate::hash::HASH_BYTES;

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// Highest level that a path may name.
pub const MAX_LEVEL: u8 = 63;

/// Highest index that a tile may have: no tree of at most 2^64 - 1 leaves has a later one.
pub const MAX_TILE_INDEX: u64 = (1 << 56) - 1;

/// One hash tile: up to 256 consecutive hashes of one level.
///
/// Level 0 holds leaf hashes; a hash of level L + 1 is the root of a full tile of level L.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Level, 0 to [`MAX_LEVEL`].
    pub level: u8,
    /// Index in the level, at most [`MAX_TILE_INDEX`].
    pub n: u64,
    /// Number of hashes, 1 to [`TILE_WIDTH`].
    pub width: u16,
}

/// What a path under a log's prefix names; `Display` and `FromStr` are exact inverses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TilePath {
    /// `tile/<L>/<N>[.p/<W>]`: hashes.
    Hashes(Tile),
    /// `tile/entries/<N>[.p/<W>]`: the entries whose hashes are in the level-0 tile `n`.
    Entries {
        /// Index of the bundle, at most [`MAX_TILE_INDEX`].
        n: u64,
        /// Number of entries, 1 to [`TILE_WIDTH`].
        width: u16,
    },
}

/// Tiles of one level of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelLayout {
    /// Level, from 0.
    pub level: u8,
    /// Number of full tiles.
    pub full_tiles: u64,
    /// Hashes in the partial tile after them; 0: there is none.
    pub partial_width: u16,
}

impl Tile {
    /// Whether a tree of `size` leaves has all the hashes of this tile.
    #[must_use]
    pub fn exists_in(&self, size: u64) -> bool {
        let last = self.n.checked_mul(u64::from(TILE_WIDTH));
        let end = last.and_then(|first| first.checked_add(u64::from(self.width)));
        self.width > 0 && end.is_some_and(|end| end <= hashes_in_level(size, self.level))
    }

    /// Length of the tile in bytes.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        usize::from(self.width) * HASH_BYTES
    }
}

impl TilePath {
    /// Whether a tree of `size` leaves has everything that the path names.
    #[must_use]
    pub fn exists_in(&self, size: u64) -> bool {
        match *self {
            Self::Hashes(tile) => tile.exists_in(size),
            Self::Entries { n, width } => Tile { level: 0, n, width }.exists_in(size),
        }
    }
}

impl LevelLayout {
    /// Index and width of every tile, in order.
    fn tiles(self) -> impl Iterator<Item = (u64, u16)> {
        let full = (0..self.full_tiles).map(|n| (n, TILE_WIDTH));
        let partial = (self.partial_width > 0).then_some((self.full_tiles, self.partial_width));
        full.chain(partial)
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        TilePath::Hashes(*self).fmt(f)
    }
}

/// Number of hashes that `level` of a tree of `size` leaves has: one for each full subtree of
/// 256^level leaves.
pub(crate) fn hashes_in_level(size: u64, level: u8) -> u64 {
    size.checked_shr(8 * u32::from(level)).unwrap_or(0)
}

/// The levels of a tree of `size` leaves that have any hash, lowest first.
pub fn levels(size: u64) -> impl Iterator<Item = LevelLayout> {
    let width = u64::from(TILE_WIDTH);
    (0..=MAX_LEVEL)
        .map(move |level| (level, hashes_in_level(size, level)))
        .take_while(|(_, hashes)| *hashes > 0)
        .map(move |(level, hashes)| LevelLayout {
            level,
            full_tiles: hashes / width,
            partial_width: u16::try_from(hashes % width).unwrap_or(0),
        })
}

/// Every tile of a tree of `size` leaves: hash tiles by level and index, then entry bundles.
pub fn layout(size: u64) -> impl Iterator<Item = TilePath> {
    let hashes = levels(size).flat_map(|layout| {
        let level = layout.level;
        layout
            .tiles()
            .map(move |(n, width)| TilePath::Hashes(Tile { level, n, width }))
    });
    let entries = levels(size).take(1).flat_map(LevelLayout::tiles);
    hashes.chain(entries.map(|(n, width)| TilePath::Entries { n, width }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_exists_once_all_its_hashes_do() {
        let tile = |level, n, width| Tile { level, n, width };
        assert!(tile(0, 0, 7).exists_in(7));
        assert!(!tile(0, 0, 8).exists_in(7));
        assert!(!tile(0, 0, 0).exists_in(7));
        assert!(tile(1, 0, 1).exists_in(256));
        assert!(!tile(1, 0, 1).exists_in(255));
        assert!(tile(7, 0, 255).exists_in(u64::MAX));
        assert!(!tile(8, 0, 1).exists_in(u64::MAX));
        assert!(!tile(0, MAX_TILE_INDEX, TILE_WIDTH).exists_in(u64::MAX));
        assert!(!tile(0, u64::MAX, 1).exists_in(u64::MAX));
    }

    #[test]
    fn the_empty_tree_has_no_tiles() {
        assert_eq!(layout(0).count(), 0);
    }
}
