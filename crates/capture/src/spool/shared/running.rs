//! What short processes leave of actions that run, or did when they were killed.

use super::SharedSpool;
use crate::{
    draft::Source,
    spool::{
        SpoolError,
        begun::{Abandoned, Begun},
    },
};

impl SharedSpool {
    /// The file of an action that begins, with its intent.
    ///
    /// # Errors
    /// [`SpoolError`]; there is none then.
    pub fn begin(&self, name: &str, intent: &[u8]) -> Result<Begun, SpoolError> {
        Ok(Begun::create(&self.env.fs, self.dir(), name, intent)?)
    }

    /// Takes over what processes of a surface that are gone have left. What there is no room for is lost, and counted.
    ///
    /// # Errors
    /// [`SpoolError`]; what was not taken over still waits.
    pub fn adopt(&self, source: Source) -> Result<(), SpoolError> {
        if !self.files.exists()? {
            return Ok(());
        }
        for one in Abandoned::all(&self.env.fs, self.dir())? {
            for event in &one.events {
                match self.put(event) {
                    Err(SpoolError::Full { .. }) => self.count_lost(source)?,
                    kept => kept?,
                }
            }
            one.remove()?;
        }
        Ok(())
    }
}
