//! `tlog-proof@v1` texts.

use indelible_tlog::{
    MAX_TLOG_PROOF_BYTES, Note, TlogProof, TlogProofError, TlogVerifyError, inclusion_proof,
    leaf_hash,
};

use crate::notes::log_key;
use crate::stored::SMALL;
use crate::vectors::VECTORS;

#[test]
fn made_and_verified() {
    let case = &VECTORS.signed_note.tlog_proof;
    let made = TlogProof {
        extra: Vec::new(),
        index: case.index,
        proof: inclusion_proof(case.index, case.size, |tile| SMALL.read(tile)).unwrap(),
        checkpoint: Note::parse(VECTORS.signed_note.signed.as_bytes()).unwrap(),
    };
    assert_eq!(made.to_string(), case.text);
    assert_eq!(case.text.parse(), Ok(made.clone()));

    let log = log_key();
    let leaf = leaf_hash(&SMALL.entries[4]);
    let opened = made.verify(&leaf, log.verifier(), &[]).unwrap();
    assert_eq!(opened.checkpoint().size, case.size);

    let other = leaf_hash(&SMALL.entries[3]);
    let error = made.verify(&other, log.verifier(), &[]).unwrap_err();
    assert!(matches!(error, TlogVerifyError::Inclusion(_)));
}

#[test]
fn extra_data_is_kept() {
    let text = &VECTORS.signed_note.tlog_proof.text;
    let with_extra = text.replacen("index", "extra aGVsbG8=\nindex", 1);
    let proof: TlogProof = with_extra.parse().unwrap();
    assert_eq!(proof.extra, b"hello");
    assert_eq!(proof.to_string(), with_extra);
}

#[test]
fn a_proof_without_hashes_is_well_formed() {
    let note = &VECTORS.signed_note.signed;
    let text = format!("c2sp.org/tlog-proof@v1\nindex 0\n\n{note}");
    let proof: TlogProof = text.parse().unwrap();
    assert_eq!((proof.proof.len(), proof.to_string()), (0, text));
}

#[test]
fn hashes_are_bounded() {
    let with_hashes = |count: usize| {
        let hashes = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n".repeat(count);
        let note = &VECTORS.signed_note.signed;
        format!("c2sp.org/tlog-proof@v1\nindex 0\n{hashes}\n{note}").parse::<TlogProof>()
    };
    assert_eq!(with_hashes(64).unwrap().proof.len(), 64);
    assert_eq!(with_hashes(65), Err(TlogProofError::TooManyHashes));
}

#[test]
fn malformed_texts_are_refused() {
    let good = &VECTORS.signed_note.tlog_proof.text;
    let hash = good.lines().nth(2).unwrap();
    let replaced = |from: &str, to: &str| {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, *good, "{from:?} is not in the text");
        bad
    };
    let cases = [
        String::new(),
        "c2sp.org/tlog-proof@v1".to_owned(),
        replaced("@v1", "@v2"),
        replaced("c2sp", " c2sp"),
        replaced("\n", "\r\n"),
        replaced("index 4\n", ""),
        replaced("index 4", "index 04"),
        replaced("index 4", "index  4"),
        replaced("index 4", "index +4"),
        replaced("index 4", "index 18446744073709551616"),
        replaced("index 4", "Index 4"),
        replaced("index 4", "index 4\nextra aGVsbG8="),
        replaced("index 4", "extra \nindex 4"),
        replaced("index 4", "extra aGVsbG8\nindex 4"),
        replaced("index 4", "extra aGVsbG8=\nextra aGVsbG8=\nindex 4"),
        replaced(hash, &hash[1..]),
        replaced(hash, &format!("{hash} ")),
        replaced(hash, "YWJj"),
        replaced("\n\n", "\n"),
        replaced("\n\n", "\n\n\n"),
        good[..good.find("\n\n").unwrap() + 2].to_owned(),
        good[..good.len() - 1].to_owned(),
        good.repeat(MAX_TLOG_PROOF_BYTES / good.len() + 1),
    ];
    for bad in cases {
        let shown: String = bad.chars().take(200).collect();
        // An empty line too many starts the checkpoint with an empty origin: a note, but not a
        // checkpoint.
        let trusted = bad.parse::<TlogProof>().is_ok_and(|proof| {
            proof
                .verify(&leaf_hash(&SMALL.entries[4]), log_key().verifier(), &[])
                .is_ok()
        });
        assert!(!trusted, "{shown:?}");
    }
}
