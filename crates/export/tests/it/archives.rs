//! Archives that are meant to be read in two ways, or to fill a disk.

use std::{
    io::{Read, Write},
    sync::Arc,
};

use flate2::{Compression, Crc, write::DeflateEncoder};
use indelible_export::archive::{Archive, Info, Method, Writer};

use crate::log::stored;

fn open(bytes: &[u8]) -> Result<Archive, String> {
    Archive::open(Arc::new(bytes.to_vec())).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(bytes: &[u8], expected: &str) {
    match open(bytes) {
        Ok(_) => panic!("opened: {expected}"),
        Err(error) => assert!(error.contains(expected), "{error}"),
    }
}

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (name, bytes) in members {
        writer.add(stored(name, bytes), &mut &bytes[..]).unwrap();
    }
    writer.finish().unwrap().0
}

fn deflated(name: &str, bytes: &[u8]) -> (Info, Vec<u8>) {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    let packed = encoder.finish().unwrap();
    let mut crc = Crc::new();
    crc.update(bytes);
    let info = Info {
        name: name.to_owned(),
        method: Method::Deflated,
        crc: crc.sum(),
        packed_bytes: packed.len() as u64,
        bytes: bytes.len() as u64,
    };
    (info, packed)
}

fn one(info: Info, packed: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    writer.add(info, &mut &packed[..]).unwrap();
    writer.finish().unwrap().0
}

fn read(bytes: &[u8], name: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let read = open(bytes)?.member(name).unwrap().read_to_end(&mut out);
    read.map(|_| out).map_err(|error| error.to_string())
}

#[test]
fn what_is_written_is_read() {
    let bytes = archive(&[("a", b"one"), ("b.x", b"")]);
    assert_eq!(read(&bytes, "a").unwrap(), b"one");
    assert_eq!(read(&bytes, "b.x").unwrap(), b"");
    let (info, packed) = deflated("c", &vec![7; 100_000]);
    assert_eq!(read(&one(info, &packed), "c").unwrap(), vec![7; 100_000]);
    let empty = archive(&[]);
    assert_eq!(open(&empty).unwrap().members().count(), 0);
}

#[test]
fn other_tools_read_it_and_theirs_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (info, packed) = deflated("c.txt", &b"again and again ".repeat(50));
    let mut writer = Writer::new(Vec::new());
    writer.add(stored("a", b"one"), &mut &b"one"[..]).unwrap();
    writer.add(info, &mut packed.as_slice()).unwrap();
    std::fs::write(dir.path().join("ours.zip"), writer.finish().unwrap().0).unwrap();
    let script = "import zipfile,io\n\
        z=zipfile.ZipFile('ours.zip');assert z.testzip() is None\n\
        assert z.read('a')==b'one' and z.read('c.txt')==b'again and again '*50\n\
        with zipfile.ZipFile('theirs.zip','w') as t:\n\
        \x20t.writestr('a',b'one');t.writestr('c.txt',b'x'*999,zipfile.ZIP_DEFLATED)\n\
        class S(io.RawIOBase):\n\
        \x20def __init__(s):s.f=open('streamed.zip','wb')\n\
        \x20def writable(s):return True\n\
        \x20def write(s,b):return s.f.write(b)\n\
        with zipfile.ZipFile(S(),'w') as t:\n\
        \x20t.writestr('a',b'one');t.writestr('c.txt',b'x'*999,zipfile.ZIP_DEFLATED)\n";
    let python = std::process::Command::new("python3")
        .args(["-c", script])
        .current_dir(dir.path())
        .status();
    let Ok(status) = python else {
        eprintln!("python3 is not installed: nothing of other tools was read");
        return;
    };
    assert!(status.success());
    for name in ["theirs.zip", "streamed.zip"] {
        let theirs = std::fs::read(dir.path().join(name)).unwrap();
        assert_eq!(read(&theirs, "a").unwrap(), b"one", "{name}");
        assert_eq!(read(&theirs, "c.txt").unwrap(), [b'x'; 999], "{name}");
    }
}

#[test]
fn names_twice_or_with_a_path_are_refused() {
    refused(&archive(&[("a", b"1"), ("a", b"2")]), "a is there twice");
    for name in ["../a", "/etc/passwd", "a/b", "a\\b", "", "é", "a\0"] {
        refused(&archive(&[(name, b"1")]), "a name that no package has");
    }
    refused(&archive(&[(&"n".repeat(65), b"1")]), "a name");
}

#[test]
fn nothing_may_stand_before_between_or_behind() {
    let good = archive(&[("a", b"one"), ("b", b"two")]);
    open(&good).unwrap();
    refused(&[b"x", &good[..]].concat(), "");
    refused(&[&good[..], b"x"].concat(), "ends with its directory");
    refused(&[&good[..], &good[..]].concat(), "");
    // A second member hides between the first one and the directory.
    let mut hidden = good.clone();
    let directory = good.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    hidden.splice(directory..directory, *b"hidden");
    let end = hidden.len() - 6;
    let start = u32::try_from(directory + 6).unwrap();
    hidden[end..end + 4].copy_from_slice(&start.to_le_bytes());
    refused(&hidden, "the directory is not where it belongs");
}

#[test]
fn the_two_headers_agree() {
    let good = archive(&[("a", b"one")]);
    for at in 4..31 {
        let mut changed = good.clone();
        changed[at] ^= 1;
        // Version, date and the sign that the name is UTF-8 make no difference to what is unpacked.
        if (4..8).contains(&at) || (10..14).contains(&at) {
            continue;
        }
        assert!(open(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn promises_that_cannot_be_kept_are_refused_before_anything_is_unpacked() {
    let (info, packed) = deflated("a", &vec![0; 1 << 20]);
    let info = Info {
        bytes: 1 << 40,
        ..info
    };
    refused(&one(info, &packed), "promises 1099511627776 bytes");
    let info = Info {
        bytes: 4,
        ..stored("a", b"one")
    };
    refused(&one(info, b"one"), "promises 4 bytes from 3");
    let mut many = archive(&[("a", b"1")]);
    let end = many.len() - 22;
    many[end + 8..end + 12].copy_from_slice(&[0xff; 4]);
    refused(&many, "at most 32 files, this has 65535");
}

#[test]
fn more_less_or_other_bytes_than_promised_are_no_file() {
    let bytes = [1; 5_000];
    let (info, packed) = deflated("a", &bytes);
    let with = |change: &dyn Fn(&mut Info)| {
        let mut info = info.clone();
        change(&mut info);
        read(&one(info, &packed), "a")
    };
    assert!(with(&|_| {}).is_ok());
    assert!(
        with(&|info| info.bytes -= 1)
            .unwrap_err()
            .contains("more bytes")
    );
    assert!(
        with(&|info| info.bytes += 1)
            .unwrap_err()
            .contains("fewer bytes")
    );
    assert!(with(&|info| info.crc ^= 1).unwrap_err().contains("CRC-32"));
    let longer = [&packed[..], b"rest"].concat();
    let info = Info {
        packed_bytes: longer.len() as u64,
        ..info
    };
    assert!(
        read(&one(info, &longer), "a")
            .unwrap_err()
            .contains("more bytes")
    );
}

#[test]
fn features_that_no_package_has_are_refused() {
    let good = archive(&[("a", b"one")]);
    let central = good.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let both = |offset: usize, value: u8| {
        let mut changed = good.clone();
        changed[4 + offset] = value;
        changed[central + 6 + offset] = value;
        changed
    };
    refused(&both(2, 1), "encryption");
    refused(&both(4, 12), "another method");
    refused(&both(0, 63), "newer version");
    let mut comment = good.clone();
    let end = comment.len();
    comment[end - 2] = 1;
    comment.push(b'c');
    refused(&comment, "ends with its directory");
}

#[test]
fn members_beyond_four_gib_have_large_numbers() {
    /// As many zeroes as are asked for.
    struct Zeroes;

    impl Read for Zeroes {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            out.fill(0);
            Ok(out.len())
        }
    }

    /// Keeps the ends of what is written.
    #[derive(Default)]
    struct Ends {
        head: Vec<u8>,
        tail: Vec<u8>,
        length: u64,
    }

    impl Write for Ends {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.head.len() < 100 {
                self.head.extend_from_slice(bytes);
            }
            if bytes.len() < 1_000 {
                self.tail.extend_from_slice(bytes);
            } else {
                self.tail.clear();
            }
            self.length += bytes.len() as u64;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// The ends, and zeroes between them.
    impl indelible_export::archive::ReadAt for Ends {
        fn len_bytes(&self) -> std::io::Result<u64> {
            Ok(self.length)
        }

        fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
            let tail = self.length - self.tail.len() as u64;
            for (at, byte) in (offset..).zip(buffer) {
                *byte = match usize::try_from(at) {
                    Ok(at) if at < self.head.len() => self.head[at],
                    _ if at >= tail => self.tail[usize::try_from(at - tail).unwrap()],
                    _ => 0,
                };
            }
            Ok(())
        }
    }

    let large = Info {
        packed_bytes: 5 << 30,
        bytes: 5 << 30,
        ..stored("large", b"")
    };
    let mut writer = Writer::new(Ends::default());
    writer.add(large.clone(), &mut Zeroes).unwrap();
    writer
        .add(stored("small", b"one"), &mut &b"one"[..])
        .unwrap();
    let (ends, length) = writer.finish().unwrap();
    assert_eq!(ends.length, length);
    let archive = Archive::open(Arc::new(ends)).unwrap();
    let members: Vec<_> = archive.members().cloned().collect();
    assert_eq!(members, [large, stored("small", b"one")]);
    let mut small = Vec::new();
    archive
        .member("small")
        .unwrap()
        .read_to_end(&mut small)
        .unwrap();
    assert_eq!(small, b"one");
}
