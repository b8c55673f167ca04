use std::path::PathBuf;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Bytes on disk are not the ones that were written.
    #[error("{} is damaged at byte {offset}: {detail}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// First byte of the block that is wrong.
        offset: u64,
        /// What was expected and what was found.
        detail: String,
    },
    /// A file that the manifest names is not there.
    #[error("{} is missing", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file whose checksums are right cannot be decoded.
    #[error("{} cannot be decoded", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The decoder's error.
        source: parquet::errors::ParquetError,
    },
    /// Segments of one trail leave a hole or overlap.
    #[error("{}: expected a segment that begins at {expected}, found one at {actual}", path.display())]
    NotContiguous {
        /// The manifest, or the trail's folder when sealing.
        path: PathBuf,
        /// First sequence number that was due.
        expected: u64,
        /// First sequence number that came.
        actual: u64,
    },
    /// A manifest with this number exists already: somebody else writes to this trail.
    #[error("{} exists already: another process writes to this trail", path.display())]
    Conflict {
        /// The manifest.
        path: PathBuf,
    },
    /// An earlier conflict stopped writing to this trail until the next start.
    #[error("writing to trail {trail} stopped after a conflict")]
    Stopped {
        /// The trail.
        trail: String,
    },
    /// The sequence number is not sealed.
    #[error("event {seq} is not in this segment")]
    NotHere {
        /// The sequence number.
        seq: u64,
    },
    /// A row group has more bytes than a segment can hold.
    #[error("{rows} rows are more than the {max} that a segment holds")]
    TooManyRows {
        /// Rows asked for.
        rows: usize,
        /// The bound.
        max: usize,
    },
    /// Somebody asked the work to stop.
    #[error("cancelled")]
    Cancelled,
    /// The object store failed.
    #[error("{}", path.display())]
    Store {
        /// The object.
        path: PathBuf,
        /// The object store's error.
        source: object_store::Error,
    },
    /// The file system failed.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
}

impl StoreError {
    /// Keeps a [`StoreError`] that travelled through the Parquet crate; anything else is a decoding error.
    pub(crate) fn from_parquet(
        path: &std::path::Path,
        error: parquet::errors::ParquetError,
    ) -> Self {
        use parquet::errors::ParquetError;
        let ParquetError::External(inner) = error else {
            return Self::Parquet {
                path: path.to_path_buf(),
                source: error,
            };
        };
        let own = match inner.downcast::<std::io::Error>() {
            Ok(io) => io.downcast::<Self>().map_err(|io| Box::new(io).into()),
            Err(inner) => inner.downcast::<Self>().map(|own| *own),
        };
        own.unwrap_or_else(|inner| Self::Parquet {
            path: path.to_path_buf(),
            source: ParquetError::External(inner),
        })
    }
}
