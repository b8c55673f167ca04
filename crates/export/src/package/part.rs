//! One file of a package while it grows: packed on the disk, hashed as it comes.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, Crc, write::DeflateEncoder};
use sha2::{Digest, Sha256};

use crate::{
    archive::{Info, Method},
    manifest::hex,
};

/// Twice as fast as the default for a tenth more bytes: most of a package are hashes, which no level makes smaller.
const LEVEL: u32 = 4;

/// A file that still grows.
pub(super) struct Part {
    name: &'static str,
    path: PathBuf,
    out: DeflateEncoder<BufWriter<File>>,
    crc: Crc,
    sha256: Sha256,
}

/// A file that is whole.
pub(super) struct Packed {
    pub(super) info: Info,
    /// Hex.
    pub(super) sha256: String,
    path: PathBuf,
}

impl Part {
    pub(super) fn create(dir: &Path, name: &'static str) -> io::Result<Self> {
        let path = dir.join(name);
        let out = BufWriter::with_capacity(1 << 18, File::create_new(&path)?);
        Ok(Self {
            name,
            path,
            out: DeflateEncoder::new(out, Compression::new(LEVEL)),
            crc: Crc::new(),
            sha256: Sha256::new(),
        })
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.out.total_out()
    }

    pub(super) fn finish(mut self) -> io::Result<Packed> {
        self.out.try_finish()?;
        let info = Info {
            name: self.name.to_owned(),
            method: Method::Deflated,
            crc: self.crc.sum(),
            packed_bytes: self.out.total_out(),
            bytes: self.out.total_in(),
        };
        self.out.finish()?.flush()?;
        Ok(Packed {
            info,
            sha256: hex(&self.sha256.finalize()),
            path: self.path,
        })
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        let taken = bytes.get(..written).unwrap_or_default();
        self.crc.update(taken);
        self.sha256.update(taken);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        // A flush would end a block of the packed bytes; the file is only read when it is whole.
        Ok(())
    }
}

impl Packed {
    pub(super) fn open(&self) -> io::Result<File> {
        File::open(&self.path)
    }
}
