//! Transparency-log arithmetic: bytes in, bytes out.
//!
//! In scope: RFC 6962 hashing and tree state, C2SP `tlog-tiles` paths, layout and
//! entry bundles, inclusion and consistency proofs (made from tiles, verified
//! without them), C2SP signed notes, checkpoints, `tlog-cosignature` v1 and
//! `tlog-proof@v1`.
//!
//! Out of scope: IO, clocks, randomness, async; what a leaf means (crate `event`);
//! where tiles are kept and when a checkpoint is signed (crate `ledger`).
//!
//! Everything that is parsed here may come from an adversary: parsers are strict,
//! bounded and never panic.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        reason = "a test fails by panicking"
    )
)]

mod bundle;
mod checkpoint;
mod decimal;
mod frontier;
mod hash;
mod key;
mod note;
mod proof;
mod tile;
mod tlog_proof;
mod tree;

pub use bundle::{BundleError, EntryTooLong, decode_entries, push_entry};
pub use checkpoint::{
    Checkpoint, CheckpointError, Cosignature, OpenedCheckpoint, open_checkpoint, sign_checkpoint,
};
pub use frontier::{Frontier, FrontierError, MAX_SIZE};
pub use hash::{HASH_BYTES, Hash, HashError, leaf_hash, node_hash};
pub use key::{KeyError, KeyKind, SigningKey, VerifierKey, WitnessKey};
pub use note::{MAX_NOTE_BYTES, MAX_SIGNATURES, Note, NoteError, NoteSignature, Verified};
pub use proof::{VerifyError, verify_consistency, verify_inclusion};
pub use tile::{LevelLayout, MAX_LEVEL, MAX_TILE_INDEX, TILE_WIDTH, Tile, TilePath, TilePathError};
pub use tile::{layout, levels};
pub use tlog_proof::{MAX_TLOG_PROOF_BYTES, TlogProof, TlogProofError, TlogVerifyError};
pub use tree::{Prover, ReadError, consistency_proof, inclusion_proof, right_edge, tree_root};
