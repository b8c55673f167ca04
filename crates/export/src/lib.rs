//! What leaves the house: proof bundles, evidence packages, files for other tools; and their verification.
//!
//! In scope: the bundle of one event, the evidence package and its strict ZIP archive, JSON Lines and CSV, the gaps among
//! producers' numbers and the erasures that a package tells of, checking all of this without a server.
//!
//! Out of scope: which events are exported and how they are found (`query`), who may have them and where they are kept
//! (`server`), trees and signatures (`tlog`), the command line (`indelible`).
//!
//! Events come in one at a time with their proofs, so this needs neither the log nor its segments, and whoever only
//! verifies builds little. What is read is hostile: readers are bounded, in memory and in the number of faults.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        reason = "a test that panics has failed"
    )
)]

pub mod archive;
mod bundle;
mod claim;
mod erasures;
mod gaps;
pub mod manifest;
mod package;
mod sheet;
pub mod verify;
pub mod web;

pub use bundle::{Bundle, BundleError, Proven};
pub use claim::{Checked, Claim, ClaimError, Content};
pub use erasures::{Erasure, Erasures};
pub use gaps::{Gap, Neighbour, Numbered, Numbers};
pub use manifest::{Asked, Counts, Manifest};
pub use package::{Draft, Facts, PackageError, Sealed};
pub use sheet::{Csv, Lines, Sheet, SheetError};
