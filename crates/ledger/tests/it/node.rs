//! A ledger on a simulated disk with a clock that the test moves and a store that is a vector.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use event::{Limits, Micros, Prepared, Seq, Submitter, TrailId};
use indelible_ledger::{
    Clock, Config, Entropy, Env, History, HistoryError, Known, Ledger, LedgerError, Outcome,
    Receipt, SealedEnd, Trail,
};
use journal::Fs;

pub(crate) const START: u64 = 1_767_225_600_000_000;

#[derive(Debug)]
pub(crate) struct TestClock(pub(crate) AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> Micros {
        Micros(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// Different bytes at every call, the same in every run.
#[derive(Debug)]
pub(crate) struct Counter(pub(crate) AtomicU64);

impl Entropy for Counter {
    fn fill(&self, buffer: &mut [u8]) -> std::io::Result<()> {
        for chunk in buffer.chunks_mut(8) {
            let next = self
                .0
                .fetch_add(1, Ordering::SeqCst)
                .wrapping_mul(0x9E37_79B9_7F4A_7C15);
            chunk.copy_from_slice(&next.to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// Sealed events in memory: it outlives the ledger, as segments do.
#[derive(Debug, Default)]
pub(crate) struct Vault(Mutex<BTreeMap<TrailId, Vec<SealedEvent>>>);

#[derive(Debug, Clone)]
pub(crate) struct SealedEvent {
    pub(crate) id: String,
    pub(crate) recorded_at: Micros,
    pub(crate) digest: Option<[u8; 16]>,
    pub(crate) record: Vec<u8>,
}

impl Vault {
    /// Seals everything that is unsealed.
    pub(crate) fn seal(&self, trail: &Trail) {
        let hot = trail.hot();
        let mut vault = self.0.lock().unwrap();
        let sealed = vault.entry(trail.id().clone()).or_default();
        for event in hot.chunks.iter().flat_map(|chunk| chunk.iter()) {
            if event.seq.0 == sealed.len() as u64 {
                sealed.push(SealedEvent {
                    id: id_of(event.record),
                    recorded_at: event.recorded_at,
                    digest: event.digest,
                    record: event.record.to_vec(),
                });
            }
        }
        let size = sealed.len() as u64;
        drop(vault);
        trail.mark_sealed(size);
    }

    pub(crate) fn record(&self, trail: &TrailId, seq: Seq) -> Option<Vec<u8>> {
        let vault = self.0.lock().unwrap();
        let event = vault.get(trail)?.get(usize::try_from(seq.0).unwrap())?;
        Some(event.record.clone())
    }
}

impl History for Vault {
    fn sealed(&self, trail: &TrailId) -> Result<SealedEnd, HistoryError> {
        let vault = self.0.lock().unwrap();
        Ok(vault
            .get(trail)
            .map_or_else(SealedEnd::default, |sealed| SealedEnd {
                size: sealed.len() as u64,
                recorded_at: sealed.last().map_or(Micros(0), |last| last.recorded_at),
            }))
    }

    fn find(&self, trail: &TrailId, id: &str) -> Result<Option<Known>, HistoryError> {
        let vault = self.0.lock().unwrap();
        let sealed = vault.get(trail).map(Vec::as_slice).unwrap_or_default();
        let position = sealed.iter().position(|event| event.id == id);
        Ok(position.map(|seq| Known {
            seq: Seq(seq as u64),
            recorded_at: sealed[seq].recorded_at,
            digest: sealed[seq].digest,
        }))
    }
}

/// Everything that stays when the process goes.
pub(crate) struct World {
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) dir: PathBuf,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) entropy: Arc<Counter>,
}

impl World {
    pub(crate) fn new(fs: Arc<dyn Fs>) -> Self {
        Self::at(fs, PathBuf::from("/data"))
    }

    pub(crate) fn at(fs: Arc<dyn Fs>, dir: PathBuf) -> Self {
        Self {
            fs,
            dir,
            vault: Arc::default(),
            clock: Arc::new(TestClock(AtomicU64::new(START))),
            entropy: Arc::new(Counter(AtomicU64::new(1))),
        }
    }

    pub(crate) fn env(&self) -> Env {
        Env {
            fs: Arc::clone(&self.fs),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            entropy: Arc::clone(&self.entropy) as Arc<dyn Entropy>,
        }
    }

    pub(crate) fn open(&self) -> Result<Ledger, LedgerError> {
        let mut config = Config::new(&self.dir);
        // Tests ask for checkpoints by shutting down; a long interval keeps runs repeatable.
        config.checkpoint_interval_ms = 3_600_000;
        config.wal_file_bytes = 4_096;
        Ledger::open(
            config,
            self.env(),
            Arc::clone(&self.vault) as Arc<dyn History>,
        )
    }
}

pub(crate) fn name(text: &str) -> TrailId {
    text.parse().unwrap()
}

pub(crate) fn prepare(trail: &Trail, json: &str) -> Prepared {
    let by = Submitter::default();
    event::prepare(json.as_bytes(), &by, trail.dedup_key(), &Limits::default()).unwrap()
}

pub(crate) fn event(id: &str, action: &str) -> String {
    format!(r#"{{"id":"{id}","actor":{{"id":"agent-7"}},"action":"{action}","input":{{"n":1}}}}"#)
}

/// Submits events and waits for their outcomes.
pub(crate) fn append(
    trail: &Arc<Trail>,
    events: &[String],
) -> Result<Vec<Outcome>, indelible_ledger::AppendError> {
    let prepared = events.iter().map(|json| prepare(trail, json)).collect();
    trail.submit_now(prepared)?.wait()
}

pub(crate) fn receipt(outcome: &Outcome) -> &Receipt {
    match outcome {
        Outcome::Recorded(receipt) | Outcome::Duplicate(receipt) => receipt,
        Outcome::IdConflict { id } => panic!("{id} conflicts"),
    }
}

pub(crate) fn id_of(record: &[u8]) -> String {
    event::RecordView::parse(record).unwrap().id.into_owned()
}
