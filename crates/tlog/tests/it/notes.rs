//! Section `signed_note`: keys, notes, checkpoints, cosignatures; and the limits of notes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer;
use indelible_tlog::{
    Checkpoint, CheckpointError, Hash, KeyKind, MAX_NOTE_BYTES, MAX_SIGNATURES, Note, NoteError,
    OpenedCheckpoint, SigningKey, VerifierKey, WitnessKey, open_checkpoint, sign_checkpoint,
};

use crate::vectors::{CheckpointCase, Key, NoteCase, VECTORS};

pub(crate) fn log_key() -> SigningKey {
    let Key { name, seed, .. } = &VECTORS.signed_note.log;
    SigningKey::from_seed(name, seed.0.as_slice().try_into().unwrap()).unwrap()
}

fn witness_key() -> WitnessKey {
    let Key { name, seed, .. } = &VECTORS.signed_note.witness;
    WitnessKey::from_seed(name, seed.0.as_slice().try_into().unwrap()).unwrap()
}

fn keys(vkeys: &[String]) -> Vec<VerifierKey> {
    vkeys.iter().map(|vkey| vkey.parse().unwrap()).collect()
}

#[test]
fn keys_of_log_and_witness() {
    let (log, witness) = (log_key(), witness_key());
    for (key, expected, kind) in [
        (log.verifier(), &VECTORS.signed_note.log, KeyKind::Log),
        (
            witness.verifier(),
            &VECTORS.signed_note.witness,
            KeyKind::Witness,
        ),
    ] {
        assert_eq!(key.public_key(), expected.public_key.0.as_slice());
        assert_eq!(key.id(), expected.key_id.0.as_slice());
        assert_eq!(key.kind(), kind);
        assert_eq!(key.to_string(), expected.vkey);
        assert_eq!(expected.vkey.parse::<VerifierKey>().unwrap(), *key);
    }
}

#[test]
fn vkey_reject() {
    assert_eq!(VECTORS.signed_note.vkey_reject.len(), 10);
    for case in &VECTORS.signed_note.vkey_reject {
        assert!(case.vkey.parse::<VerifierKey>().is_err(), "{}", case.why);
    }
}

/// Everybody can sign for a point of small order.
#[test]
fn weak_public_keys_are_refused() {
    let mut neutral = [0; 32];
    neutral[0] = 1;
    assert!(VerifierKey::new("weak.example/log", KeyKind::Log, &neutral).is_err());
}

#[test]
fn accept() {
    assert_eq!(VECTORS.signed_note.accept.len(), 17);
    for case in &VECTORS.signed_note.accept {
        let note = Note::parse(&case.input()).unwrap();
        assert_eq!(note.text(), case.text, "{}", case.why);
        assert_eq!(note.to_string().as_bytes(), case.input(), "{}", case.why);
        assert_eq!(verified(case).unwrap(), case.verified, "{}", case.why);
    }
}

#[test]
fn reject() {
    assert_eq!(VECTORS.signed_note.reject.len(), 45);
    for case in &VECTORS.signed_note.reject {
        assert!(verified(case).is_err(), "{}", case.why);
    }
}

fn verified(case: &NoteCase) -> Result<Vec<String>, NoteError> {
    let keys = keys(&case.keys);
    let note = Note::parse(&case.input())?;
    let verified = note.verify(&keys.iter().collect::<Vec<_>>())?;
    Ok(verified
        .iter()
        .map(|signed| signed.key.name().to_owned())
        .collect())
}

#[test]
fn a_known_key_may_sign_twice_if_both_are_good() {
    let mut note = Note::new("text\n".to_owned()).unwrap();
    note.sign(&log_key()).unwrap();
    note.sign(&log_key()).unwrap();
    let key = log_key();
    let parsed = Note::parse(note.to_string().as_bytes()).unwrap();
    assert_eq!(parsed.verify(&[key.verifier()]).unwrap().len(), 2);
}

#[test]
fn signatures_are_bounded() {
    let mut note = Note::new("text\n".to_owned()).unwrap();
    for _ in 0..MAX_SIGNATURES {
        note.sign(&log_key()).unwrap();
    }
    let full = note.to_string();
    assert_eq!(Note::parse(full.as_bytes()).unwrap(), note);
    assert_eq!(note.sign(&log_key()), Err(NoteError::TooManySignatures));
    let last = full.lines().next_back().unwrap();
    let over = format!("{full}{last}\n");
    assert_eq!(
        Note::parse(over.as_bytes()),
        Err(NoteError::TooManySignatures)
    );
}

#[test]
fn length_is_bounded() {
    let signature = &VECTORS.signed_note.signature_line;
    let of_length = |length: usize| {
        let end = format!("\n\n{signature}\n");
        "a".repeat(length - end.len()) + &end
    };
    assert!(Note::parse(of_length(MAX_NOTE_BYTES).as_bytes()).is_ok());
    let error = Note::parse(of_length(MAX_NOTE_BYTES + 1).as_bytes()).unwrap_err();
    assert_eq!(
        error,
        NoteError::TooLong {
            actual: MAX_NOTE_BYTES + 1
        }
    );
}

#[test]
fn text_that_cannot_be_signed_is_refused() {
    for text in ["", "no line feed", "tab\t\n", "return\r\n"] {
        assert!(Note::new(text.to_owned()).is_err(), "{text:?}");
    }
}

#[test]
fn checkpoint_signed_and_cosigned() {
    let vectors = &VECTORS.signed_note;
    let checkpoint: Checkpoint = vectors.checkpoint_text.parse().unwrap();
    assert_eq!(checkpoint.to_string(), vectors.checkpoint_text);
    let note = sign_checkpoint(&checkpoint, &log_key()).unwrap();
    assert_eq!(note.to_string(), vectors.signed);
    assert_eq!(
        vectors.signed.lines().next_back(),
        Some(vectors.signature_line.as_str())
    );

    let log = log_key();
    let witness = witness_key();
    let mut opened = open_checkpoint(vectors.signed.as_bytes(), log.verifier(), &[]).unwrap();
    assert_eq!(opened.cosignatures(), []);
    opened.cosign(&witness, vectors.witness.time).unwrap();
    assert_eq!(opened.note().to_string(), vectors.cosigned);
    assert_eq!(
        vectors.cosigned.lines().next_back(),
        Some(vectors.cosignature_line.as_str())
    );

    let known = [witness.verifier().clone()];
    let reopened = open_checkpoint(vectors.cosigned.as_bytes(), log.verifier(), &known).unwrap();
    assert_eq!(reopened, opened);
    assert_eq!(reopened.cosignatures()[0].time, vectors.witness.time);
}

#[test]
fn a_cosignature_time_fits_63_bits() {
    let log = log_key();
    let signed = VECTORS.signed_note.signed.as_bytes();
    let mut opened = open_checkpoint(signed, log.verifier(), &[]).unwrap();
    let time = 1 << 63;
    assert_eq!(
        opened.cosign(&witness_key(), time),
        Err(NoteError::Time { time })
    );
    opened.cosign(&witness_key(), time - 1).unwrap();
    let known = [witness_key().verifier().clone()];
    let note = opened.note().to_string();
    assert_eq!(
        open_checkpoint(note.as_bytes(), log.verifier(), &known).unwrap(),
        opened
    );
}

#[test]
fn a_good_cosignature_with_an_impossible_time_is_refused() {
    let Key { seed, .. } = &VECTORS.signed_note.witness;
    let key = ed25519_dalek::SigningKey::from_bytes(seed.0.as_slice().try_into().unwrap());
    let witness = witness_key();
    let cosigned = |time: u64| {
        let text = &VECTORS.signed_note.checkpoint_text;
        let message = format!("cosignature/v1\ntime {time}\n{text}");
        let mut bytes = witness.verifier().id().to_vec();
        bytes.extend_from_slice(&time.to_be_bytes());
        bytes.extend_from_slice(&key.sign(message.as_bytes()).to_bytes());
        let (name, base64) = (witness.verifier().name(), STANDARD.encode(bytes));
        format!("{}— {name} {base64}\n", VECTORS.signed_note.signed)
    };
    let known = [witness.verifier().clone()];
    let open = |note: String| open_checkpoint(note.as_bytes(), log_key().verifier(), &known);
    assert!(open(cosigned((1 << 63) - 1)).is_ok());
    let error = open(cosigned(1 << 63)).unwrap_err();
    assert!(matches!(
        error,
        CheckpointError::Note(NoteError::BadSignature { .. })
    ));
}

#[test]
fn an_origin_is_a_key_name() {
    let origin = log_key().verifier().name().to_owned();
    let text = &VECTORS.signed_note.checkpoint_text;
    for bad in ["", "two words", "a+b", "no-break\u{a0}space"] {
        let error = text
            .replace(&origin, bad)
            .parse::<Checkpoint>()
            .unwrap_err();
        assert!(
            matches!(error, CheckpointError::OriginName { .. }),
            "{bad:?}"
        );
    }
}

#[test]
fn a_witness_key_is_no_log_key() {
    let witness = witness_key();
    let note = &VECTORS.signed_note.cosigned;
    let error = open_checkpoint(note.as_bytes(), witness.verifier(), &[]).unwrap_err();
    assert!(matches!(error, CheckpointError::NotByLog { .. }));
}

#[test]
fn only_the_log_itself_signs_its_checkpoint() {
    let mut checkpoint: Checkpoint = VECTORS.signed_note.checkpoint_text.parse().unwrap();
    checkpoint.origin = "audit.example/log2".to_owned();
    let error = sign_checkpoint(&checkpoint, &log_key()).unwrap_err();
    assert!(matches!(error, CheckpointError::Origin { .. }));
}

#[test]
fn an_empty_log_has_the_empty_root() {
    let origin = log_key().verifier().name().to_owned();
    let mut checkpoint = Checkpoint {
        origin,
        size: 0,
        root: Hash::EMPTY_ROOT,
    };
    assert!(sign_checkpoint(&checkpoint, &log_key()).is_ok());
    checkpoint.root = Hash([7; 32]);
    let expected = CheckpointError::EmptyRoot {
        actual: checkpoint.root,
    };
    assert_eq!(sign_checkpoint(&checkpoint, &log_key()), Err(expected));
    assert!(checkpoint.to_string().parse::<Checkpoint>().is_err());
}

#[test]
fn checkpoint_accept() {
    assert_eq!(VECTORS.signed_note.checkpoint_accept.len(), 4);
    for case in &VECTORS.signed_note.checkpoint_accept {
        let opened = open(case).unwrap();
        let expected = Checkpoint {
            origin: case.origin.clone(),
            size: case.size.unwrap(),
            root: case.root.as_ref().unwrap().hash(),
        };
        assert_eq!(*opened.checkpoint(), expected, "{}", case.why);
    }
}

#[test]
fn checkpoint_reject() {
    assert_eq!(VECTORS.signed_note.checkpoint_reject.len(), 26);
    for case in &VECTORS.signed_note.checkpoint_reject {
        assert!(open(case).is_err(), "{}", case.why);
    }
}

fn open(case: &CheckpointCase) -> Result<OpenedCheckpoint, CheckpointError> {
    let (log, witnesses): (Vec<_>, Vec<_>) = keys(&case.keys)
        .into_iter()
        .partition(|key| key.name() == case.origin);
    assert_eq!(log.len(), 1, "{}", case.why);
    open_checkpoint(case.input.as_bytes(), &log[0], &witnesses)
}
