//! Evidence packages.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use export::archive::{Archive, Info, Method, Writer};
use export::verify::verify;

/// A whole package.
const PACKAGE: &[u8] = include_bytes!("../seeds/package/stored");

/// Packages: either the archive itself, or (a digit first) one of its files in an archive that is in order. A package
/// with another file holds only if that file says the same.
pub fn package(data: &[u8]) {
    let files = unpack(PACKAGE).expect("the seed is an archive");
    let place = data
        .first()
        .map(|byte| usize::from(byte.wrapping_sub(b'0')));
    let name = place.and_then(|place| files.keys().nth(place)).cloned();
    let Some((name, (_, changed))) = name.zip(data.split_first()) else {
        if let Some(found) = unpack(data).filter(|_| holds(data)) {
            assert_eq!(
                found.keys().collect::<Vec<_>>(),
                files.keys().collect::<Vec<_>>()
            );
        }
        return;
    };
    let original = files.get(&name).expect("a name of the seed");
    let mut with = files.clone();
    with.insert(name.clone(), changed.to_vec());
    let is_same = original == changed;
    // Nothing binds the white space of the export's own proof.
    assert!(
        !holds(&pack(&with)) || is_same || name == "export.json",
        "{name}"
    );
}

fn holds(package: &[u8]) -> bool {
    verify(Arc::new(package.to_vec()), None, &mut |_| {}).is_good()
}

fn unpack(package: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
    let archive = Archive::open(Arc::new(package.to_vec())).ok()?;
    let mut files = BTreeMap::new();
    for info in archive.members() {
        let mut bytes = Vec::new();
        archive.member(&info.name)?.read_to_end(&mut bytes).ok()?;
        assert_eq!(bytes.len() as u64, info.bytes);
        files.insert(info.name.clone(), bytes);
    }
    Some(files)
}

fn pack(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (name, bytes) in files {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let info = Info {
            name: name.clone(),
            method: Method::Stored,
            crc: crc.sum(),
            packed_bytes: bytes.len() as u64,
            bytes: bytes.len() as u64,
        };
        writer
            .add(info, &mut bytes.as_slice())
            .expect("into memory");
    }
    writer.finish().expect("into memory").0
}
