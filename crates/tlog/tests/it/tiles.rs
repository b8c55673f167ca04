//! Section `tiles`: paths, layouts, contents.

use indelible_tlog::{Tile, TilePath, decode_entries, layout, levels};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::stored::Stored;
use crate::vectors::VECTORS;

#[test]
fn numbers() {
    assert_eq!(VECTORS.tiles.n.len(), 18);
    for case in &VECTORS.tiles.n {
        let path = TilePath::Entries {
            n: case.n,
            width: 256,
        };
        let text = format!("tile/entries/{}", case.text);
        assert_eq!(path.to_string(), text);
        assert_eq!(text.parse(), Ok(path));
    }
}

#[test]
fn paths_valid() {
    assert_eq!(VECTORS.tiles.paths_valid.len(), 9);
    for case in &VECTORS.tiles.paths_valid {
        let path: TilePath = case.path.parse().unwrap();
        let (level, n, width) = match path {
            TilePath::Hashes(Tile { level, n, width }) => (json!(level), n, width),
            TilePath::Entries { n, width } => (json!("entries"), n, width),
        };
        assert_eq!(
            (&level, n, width),
            (&case.level, case.n, case.width),
            "{}",
            case.path
        );
        assert_eq!(path.to_string(), case.path);
    }
}

#[test]
fn paths_reject() {
    assert_eq!(VECTORS.tiles.paths_reject.len(), 27);
    for case in &VECTORS.tiles.paths_reject {
        assert!(
            case.path.parse::<TilePath>().is_err(),
            "{}: {}",
            case.path,
            case.why
        );
    }
}

#[test]
fn layouts() {
    assert_eq!(VECTORS.tiles.layouts.len(), 7);
    for case in &VECTORS.tiles.layouts {
        let found: Vec<_> = levels(case.size)
            .map(|l| (l.level, l.full_tiles, l.partial_width))
            .collect();
        let expected: Vec<_> = case
            .levels
            .iter()
            .map(|l| (l.level, l.full_tiles, l.partial_width))
            .collect();
        assert_eq!(found, expected, "size {}", case.size);

        let paths: Vec<String> = layout(case.size).map(|path| path.to_string()).collect();
        assert_eq!(paths.len(), case.count, "size {}", case.size);
        let all: String = paths.iter().flat_map(|path| [path, "\n"]).collect();
        assert_eq!(
            Sha256::digest(all).as_slice(),
            case.paths_sha256.0,
            "size {}",
            case.size
        );
        assert!(
            case.paths.as_ref().is_none_or(|listed| *listed == paths),
            "size {}",
            case.size
        );
        assert!(
            layout(case.size).all(|path| path.exists_in(case.size)),
            "size {}",
            case.size
        );
    }
}

#[test]
fn contents() {
    assert_eq!(VECTORS.tiles.contents.len(), 33);
    for case in &VECTORS.tiles.contents {
        let path: TilePath = case.path.parse().unwrap();
        assert!(
            path.exists_in(case.size),
            "{} in size {}",
            case.path,
            case.size
        );
        let bytes = Stored::by_name(&case.tree).bytes(path);
        assert_eq!(bytes.len(), case.length, "{}", case.path);
        assert_eq!(
            Sha256::digest(&bytes).as_slice(),
            case.sha256.0,
            "{}",
            case.path
        );
        assert!(
            case.bytes
                .as_ref()
                .is_none_or(|expected| expected.0 == bytes),
            "{}",
            case.path
        );
        if let TilePath::Entries { n, width } = path {
            let entries = decode_entries(&bytes, width).unwrap();
            let start = usize::try_from(n).unwrap() * 256;
            let stored = &Stored::by_name(&case.tree).entries[start..];
            assert!(
                entries.iter().zip(stored).all(|(a, b)| a == b),
                "{}",
                case.path
            );
        }
    }
}
