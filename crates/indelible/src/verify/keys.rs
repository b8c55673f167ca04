//! The key files of a directory, and the key that was kept elsewhere.

use std::path::Path;

use event::Seq;
use ledger::offline::OfflineTrail;
use tlog::{SigningKey, VerifierKey};

use super::report::{Report, chain};

/// Checks that the keys of all trails belong together, and that the pinned one is among them.
pub(super) fn check(
    dir: &Path,
    trails: &[OfflineTrail],
    pinned: Option<&VerifierKey>,
    report: &mut Report,
) {
    for trail in trails {
        check_signing_key(trail, report);
        check_epochs(trail, report);
    }
    // Beside the data, for people: the key of the default trail.
    let copy = dir.join("log.vkey");
    if let Ok(text) = std::fs::read_to_string(&copy) {
        let is_known = |trail: &OfflineTrail| trail.verifier_key().to_string() == text.trim_end();
        if !trails.iter().any(is_known) {
            report
                .damage
                .push(format!("{}: not the key of any trail here", copy.display()));
        }
    } else if copy.exists() {
        report.damage.push(format!("{}: not text", copy.display()));
    }
    if let Some(pinned) = pinned
        && !trails.iter().any(|trail| trail.verifier_key() == pinned)
    {
        report.damage.push(format!(
            "no trail here is signed by the pinned key {pinned}: it is another log"
        ));
    }
}

/// `log.key` must be the secret of `log.vkey`. It may be absent: a copy to be verified need not have secrets.
fn check_signing_key(trail: &OfflineTrail, report: &mut Report) {
    let path = trail.dir().join("log.key");
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            report
                .notes
                .push(format!("{} was not checked: {error}", path.display()));
            return;
        }
    };
    let key = std::str::from_utf8(&bytes).ok().and_then(|text| {
        let (origin, seed) = text.split_once('\n')?;
        SigningKey::from_seed(origin, &unhex(seed.trim_end())?).ok()
    });
    if key.as_ref().map(SigningKey::verifier) != Some(trail.verifier_key()) {
        report.damage.push(format!(
            "{}: not the secret of the key in log.vkey",
            path.display()
        ));
    }
    let path = trail.dir().join("dedup.key");
    let dedup = std::fs::read_to_string(&path).unwrap_or_default();
    if unhex(dedup.trim_end()).is_none() {
        report
            .damage
            .push(format!("{}: not 32 bytes in hex", path.display()));
    }
}

/// Every epoch secret, those whose epoch has no record yet too.
fn check_epochs(trail: &OfflineTrail, report: &mut Report) {
    let entries = std::fs::read_dir(trail.dir().join("epochs"))
        .into_iter()
        .flatten()
        .flatten();
    for name in entries.filter_map(|entry| entry.file_name().into_string().ok()) {
        if name.len() == 20
            && let Ok(first) = name.parse()
            && let Err(error) = trail.salts(Seq(first))
        {
            report.damage.push(chain(&error));
        }
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(out)
}
