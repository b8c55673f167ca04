//! The key of redactions, so that equal secrets have equal marks in the whole trail.

use std::time::Duration;

use anyhow::Result;
use capture::{
    Env,
    keys::{save_key, shared_key},
    sink,
    spool::SharedSpool,
};

use super::Place;

/// How long an agent waits for the key, once in the life of a spool: a server on the same machine or in the same network answers
/// within a few milliseconds.
const PATIENCE: Duration = Duration::from_millis(300);
/// How long the person waits who puts the hook into the settings.
const INSTALL_PATIENCE: Duration = Duration::from_secs(3);

/// Asks for it before the first event of a spool. Without an answer the spool has a key of its own until a delivery learns the
/// trail's.
pub(super) fn before_first(env: &Env, spool: &SharedSpool, place: &Place) {
    if !env.fs.exists(&spool.key_path()).unwrap_or(true) {
        // The event is kept in any case.
        let _ = ask(env, spool, place, PATIENCE);
    }
}

/// Asks for it while somebody looks on, so that no hook has to.
pub(super) fn at_install(env: &Env, spool: &SharedSpool, place: &Place) -> Result<()> {
    env.fs.create_dir_all(spool.dir())?;
    ask(env, spool, place, INSTALL_PATIENCE)
}

fn ask(env: &Env, spool: &SharedSpool, place: &Place, patience: Duration) -> Result<()> {
    let server = sink::Remote::with_patience(place.address()?, patience)?;
    refresh(env, spool, &server)
}

/// Keeps what the server tells, if our key may know it.
pub(super) fn refresh(env: &Env, spool: &SharedSpool, server: &sink::Remote) -> Result<()> {
    let path = spool.key_path();
    if let Some(key) = server.redaction_key()?
        && !(env.fs.exists(&path)? && shared_key(env, &path)? == key)
    {
        save_key(env, &path, &key)?;
    }
    Ok(())
}
