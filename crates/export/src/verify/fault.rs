//! What can be wrong with a package, and where.

use thiserror::Error;
use tlog::{CheckpointError, KeyError};

use crate::{archive::ArchiveError, bundle::BundleError, claim::ClaimError};

/// Something that is wrong.
#[derive(Debug)]
pub struct Fault {
    /// The file; none for the package as a whole.
    pub file: Option<&'static str>,
    /// The line, from 1.
    pub line: Option<u64>,
    /// What is wrong.
    pub wrong: Wrong,
}

/// What is wrong.
#[derive(Debug, Error)]
pub enum Wrong {
    /// Not a ZIP file as packages are.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The bytes cannot be unpacked.
    #[error(transparent)]
    Unpack(#[from] std::io::Error),
    /// A file that every package has.
    #[error("is missing")]
    Missing,
    /// A file that no package has.
    #[error("{name} does not belong into a package")]
    Stranger {
        /// Its name.
        name: String,
    },
    /// A file that the manifest does not list.
    #[error("is not in the manifest")]
    NotListed,
    /// Longer than such a file or line ever is.
    #[error("has more than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: u64,
    },
    /// Other bytes than the manifest says.
    #[error("has SHA-256 {actual}, the manifest says {expected}")]
    FileHash {
        /// In the manifest.
        expected: String,
        /// Computed.
        actual: String,
    },
    /// Another length than the manifest says.
    #[error("has {actual} bytes, the manifest says {expected}")]
    FileBytes {
        /// In the manifest.
        expected: u64,
        /// Counted.
        actual: u64,
    },
    /// Not the JSON that belongs here.
    #[error("cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Not UTF-8, or a line without its end.
    #[error("is not lines of text")]
    Text,
    /// The key in the package cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The package has no key of the log.
    #[error("has no key of the log")]
    NoKey,
    /// The package names another key than the one that was pinned.
    #[error("names another key than yours: it is another log")]
    OtherKey,
    /// The checkpoint is not the log's.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The manifest speaks of another tree.
    #[error("is of {actual} events, the manifest says {expected}")]
    TreeSize {
        /// In the manifest.
        expected: u64,
        /// In the checkpoint.
        actual: u64,
    },
    /// The event is not what was logged.
    #[error("event {seq}: {source}")]
    Claim {
        /// Position in the log.
        seq: u64,
        /// What does not hold.
        source: ClaimError,
    },
    /// Not in rising order.
    #[error("event {seq} is not in rising order")]
    Order {
        /// Position in the log.
        seq: u64,
    },
    /// A record without its proof.
    #[error("event {seq} has no proof")]
    NoProof {
        /// Position in the log.
        seq: u64,
    },
    /// A proof without its record.
    #[error("event {seq} has a proof and no record")]
    NoRecord {
        /// Position in the log.
        seq: u64,
    },
    /// Bytes that are not there, and the log tells of no erasure.
    #[error("the {what} of event {seq} is MISSING: the log tells of no erasure")]
    Gone {
        /// Position in the log.
        seq: u64,
        /// Record or content.
        what: &'static str,
    },
    /// A line that is no record, and no proof left that could be for it.
    #[error("is no record")]
    NoRecordHere,
    /// A time that is none.
    #[error("has a query that cannot be read")]
    Question,
    /// A content of an event that has none, or that is not in the package.
    #[error("event {seq} has no content here")]
    StrayContent {
        /// Position in the log.
        seq: u64,
    },
    /// An event that was not asked for.
    #[error("event {seq} is not what was asked for")]
    NotAsked {
        /// Position in the log.
        seq: u64,
    },
    /// Everything was asked for, and something is left out.
    #[error("events {from} to {to} were left out, though everything was asked for")]
    LeftOut {
        /// First position.
        from: u64,
        /// Last position.
        to: u64,
    },
    /// Another number of lines than the manifest says.
    #[error("has {actual} lines, the manifest says {expected}")]
    Count {
        /// In the manifest.
        expected: u64,
        /// Counted.
        actual: u64,
    },
    /// The gaps are not those that the records show.
    #[error("the gaps of producer {producer} are not those that the records show")]
    Gaps {
        /// Id of the producer.
        producer: String,
    },
    /// A file that repeats the manifest does not.
    #[error("does not say what the manifest says")]
    Disagrees,
    /// The bundle does not hold.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A true record, but not of an export.
    #[error("is not the proof of an export's record")]
    NotAnExport,
    /// The export's record names another manifest.
    #[error("the log recorded an export with manifest {expected}, this one is {actual}")]
    Manifest {
        /// In the log.
        expected: String,
        /// Computed.
        actual: String,
    },
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{file}, line {line}: ")?,
            (Some(file), None) => write!(f, "{file}: ")?,
            _ => {}
        }
        write!(f, "{}", self.wrong)
    }
}

/// Faults after which the rest is not looked at: what is wrong as a whole is wrong in every line.
const MOST: usize = 50;

/// What was found, up to a bound.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= MOST
    }

    pub(super) fn into_list(self) -> Vec<Fault> {
        self.0
    }
}

impl Fault {
    /// A file as a whole is wrong.
    pub(super) fn of(file: &'static str, wrong: Wrong) -> Self {
        Self {
            file: Some(file),
            line: None,
            wrong,
        }
    }

    /// The package as a whole is wrong.
    pub(super) fn of_all(wrong: Wrong) -> Self {
        Self {
            file: None,
            line: None,
            wrong,
        }
    }
}
