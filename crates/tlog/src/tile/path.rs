//! Text form of tile paths.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{MAX_LEVEL, MAX_TILE_INDEX, TILE_WIDTH, Tile, TilePath};
use crate::decimal;

/// Which part of a path is not as C2SP tlog-tiles spells it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TilePathError {
    /// Not `tile/<L>/<N>` at all.
    #[error("a tile path is tile/<level>/<index>[.p/<width>]")]
    Shape,
    /// Not `entries` or 0 to 63 without leading zeroes.
    #[error("the level is `entries` or 0 to {MAX_LEVEL}, without leading zeroes")]
    Level,
    /// Not the shortest sequence of three-digit groups, or above [`MAX_TILE_INDEX`].
    #[error("the index is groups of three digits, all but the last after an `x`, in shortest form")]
    Index,
    /// Not 1 to 255 without leading zeroes.
    #[error("the width of a partial tile is 1 to 255, without leading zeroes")]
    Width,
}

impl FromStr for TilePath {
    type Err = TilePathError;

    fn from_str(path: &str) -> Result<Self, TilePathError> {
        let rest = path.strip_prefix("tile/").ok_or(TilePathError::Shape)?;
        let (level, rest) = rest.split_once('/').ok_or(TilePathError::Shape)?;
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, parse_width(width)?),
            None => (rest, TILE_WIDTH),
        };
        let n = parse_index(index).ok_or(TilePathError::Index)?;
        if level == "entries" {
            return Ok(Self::Entries { n, width });
        }
        let level = decimal::parse(level).and_then(|level| u8::try_from(level).ok());
        let level = level
            .filter(|level| *level <= MAX_LEVEL)
            .ok_or(TilePathError::Level)?;
        Ok(Self::Hashes(Tile { level, n, width }))
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n, width) = match *self {
            Self::Hashes(Tile { level, n, width }) => {
                write!(f, "tile/{level}/")?;
                (n, width)
            }
            Self::Entries { n, width } => {
                f.write_str("tile/entries/")?;
                (n, width)
            }
        };
        write_leading_groups(f, n / 1000)?;
        write!(f, "{:03}", n % 1000)?;
        if width < TILE_WIDTH {
            write!(f, ".p/{width}")?;
        }
        Ok(())
    }
}

fn write_leading_groups(f: &mut fmt::Formatter<'_>, n: u64) -> fmt::Result {
    if n == 0 {
        return Ok(());
    }
    write_leading_groups(f, n / 1000)?;
    write!(f, "x{:03}/", n % 1000)
}

fn parse_width(text: &str) -> Result<u16, TilePathError> {
    let width = decimal::parse(text).and_then(|width| u16::try_from(width).ok());
    width
        .filter(|width| (1..TILE_WIDTH).contains(width))
        .ok_or(TilePathError::Width)
}

fn parse_index(text: &str) -> Option<u64> {
    let (leading, last) = match text.rsplit_once('/') {
        Some((leading, last)) => (Some(leading), last),
        None => (None, text),
    };
    let mut n = 0_u64;
    for group in leading.into_iter().flat_map(|leading| leading.split('/')) {
        n = push_group(n, group.strip_prefix('x')?)?;
        if n == 0 {
            return None;
        }
    }
    push_group(n, last).filter(|n| *n <= MAX_TILE_INDEX)
}

fn push_group(n: u64, digits: &str) -> Option<u64> {
    if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    n.checked_mul(1000)?.checked_add(digits.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_beyond_any_tree_are_refused() {
        let path = |n: &str| format!("tile/0/{n}").parse::<TilePath>();
        assert!(path("x072/x057/x594/x037/x927/935").is_ok());
        assert_eq!(
            path("x072/x057/x594/x037/x927/936"),
            Err(TilePathError::Index)
        );
        assert_eq!(
            path(&format!("{}000", "x999/".repeat(400))),
            Err(TilePathError::Index)
        );
    }
}
