//! The key files of a directory, and the key that was kept elsewhere.

use std::path::Path;

use event::Seq;
use ledger::{Env, offline::OfflineTrail};
use server::KeyFiles;
use tlog::VerifierKey;

use super::report::{Report, chain};

/// Checks that the keys of all trails belong together, and that the pinned one is among them.
pub(super) fn check(
    dir: &Path,
    trails: &[OfflineTrail],
    pinned: Option<&VerifierKey>,
    report: &mut Report,
) {
    for trail in trails {
        check_secret_keys(trail, report);
        check_epochs(trail, report);
    }
    // Beside the data, for people: the key of the default trail.
    let copy = dir.join("log.vkey");
    if let Ok(text) = std::fs::read_to_string(&copy) {
        let is_known = |trail: &OfflineTrail| text == format!("{}\n", trail.verifier_key());
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

/// The keys of those who ask. A wrong `admin.key` opens nothing, and a crash at the first start may leave one.
pub(super) fn check_api_keys(env: &Env, dir: &Path, report: &mut Report) {
    match server::check_key_files(env, dir) {
        Ok(KeyFiles::Good) => {}
        Ok(KeyFiles::Absent) => report.notes.push(format!(
            "{} has no keys.json: a copy for verification need not have it",
            dir.display()
        )),
        Ok(KeyFiles::ForeignAdminKey) => report.notes.push(format!(
            "{}: its key is not one of keys.json, and opens nothing",
            dir.join("admin.key").display()
        )),
        Err(error) => report.damage.push(chain(&error)),
    }
}

/// Files that no event depends on: who is signed in, saved views. The server does not use a changed one.
pub(super) fn check_kept_files(env: &Env, dir: &Path, report: &mut Report) {
    for fault in server::check_kept_files(env, dir) {
        report
            .notes
            .push(format!("{}; no event depends on it", chain(&fault)));
    }
}

/// The secret keys beside the log, if they are there.
fn check_secret_keys(trail: &OfflineTrail, report: &mut Report) {
    match trail.check_keys() {
        Ok(true) => {}
        Ok(false) => report.notes.push(format!(
            "{} has no secret keys: a copy for verification need not have them",
            trail.dir().display()
        )),
        Err(error) => report.damage.push(chain(&error)),
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
