//! From a connection to the recorder.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{Side, Upgraded, calls::Calls};
use crate::{
    draft::Source,
    http::End,
    llm::exchange::About,
    recorder::{NotRecorded, Recorder, Scribe, Work},
    stream::unmasked,
};

/// Events that are lost with a message that may be a call.
const EVENTS_OF_A_CALL: u64 = 2;

/// A part of a message, as it came.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    pub(super) mask: [u8; 4],
    pub(super) begins: bool,
    pub(super) ends: bool,
    pub(super) is_text: bool,
}

/// The messages of a connection on their way to the recorder's thread, where they become calls. Dropped without an end, the
/// connection was given up.
pub(super) struct Session {
    shared: Arc<Shared>,
    recorder: Recorder,
    is_over: bool,
}

struct Shared {
    calls: Mutex<Calls>,
    begin: Instant,
    missed: Arc<AtomicU64>,
    /// For each side whether parts are left out until its next message.
    skips: [AtomicBool; 2],
}

impl Piece {
    pub(super) fn unmasked(&self) -> Vec<u8> {
        unmasked(&self.bytes, self.mask).collect()
    }
}

impl Session {
    pub(super) fn new(about: About, upgraded: &Arc<Upgraded>, recorder: &Recorder) -> Self {
        let missed = Arc::new(AtomicU64::new(0));
        // Times count from here.
        let about = About {
            started_at: (recorder.env().now)(),
            ..about
        };
        let calls = Calls::new(
            about,
            recorder.env().clone(),
            Arc::clone(upgraded),
            Arc::clone(&missed),
        );
        Self {
            shared: Arc::new(Shared {
                calls: Mutex::new(calls),
                begin: Instant::now(),
                missed,
                skips: Default::default(),
            }),
            recorder: recorder.clone(),
            is_over: false,
        }
    }

    pub(super) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Parts of messages that pass. What the recorder has no room for is missed, up to the next message.
    pub(super) fn note(&self, side: Side, mut pieces: Vec<Piece>) {
        let [client, provider] = &self.shared.skips;
        let skips = match side {
            Side::Client => client,
            Side::Provider => provider,
        };
        let length = |pieces: &[Piece]| pieces.iter().map(|piece| piece.bytes.len()).sum::<usize>();
        let all = length(&pieces);
        pieces.retain(|piece| {
            if piece.begins {
                skips.store(false, Ordering::Relaxed);
            }
            !skips.load(Ordering::Relaxed)
        });
        let kept = length(&pieces);
        let mut missed = all - kept;
        let ends = pieces.iter().filter(|piece| piece.ends).count() as u64;
        let events = match side {
            Side::Client => ends * EVENTS_OF_A_CALL,
            // Of most of its messages nothing is written.
            Side::Provider => 0,
        };
        let bytes = cost(&pieces);
        let work = self.work(side, pieces);
        if !self.recorder.offer(Source::Llm, events, bytes, work) {
            skips.store(true, Ordering::Relaxed);
            missed += kept;
        }
        self.shared
            .missed
            .fetch_add(missed as u64, Ordering::Relaxed);
    }

    /// Whole messages of the client, before they pass.
    ///
    /// # Errors
    /// [`NotRecorded`]: they must not pass, and what was begun to be recorded of them is forgotten.
    pub(super) async fn note_durably(&self, pieces: Vec<Piece>) -> Result<(), NotRecorded> {
        let bytes = cost(&pieces);
        let work = self.work(Side::Client, pieces);
        let recorded = self.recorder.submit_durable(Source::Llm, bytes, work).await;
        if recorded.is_err() {
            self.shared.lock().forget();
        }
        recorded
    }

    /// The connection is over; this is how calls end that are still open.
    pub(super) fn end(mut self, end: End) {
        self.over(end);
    }

    fn over(&mut self, end: End) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let took = shared.begin.elapsed();
        let work: Work =
            Box::new(move |scribe: &mut Scribe<'_>| shared.lock().end(&end, took, scribe));
        self.recorder.submit(Source::Llm, 1, 0, work);
    }

    fn work(&self, side: Side, pieces: Vec<Piece>) -> Work {
        let shared = Arc::clone(&self.shared);
        let took: Duration = shared.begin.elapsed();
        Box::new(move |scribe: &mut Scribe<'_>| {
            let mut calls = shared.lock();
            match side {
                Side::Client => calls.client(&pieces, took, scribe),
                Side::Provider => calls.provider(&pieces, took, scribe),
            }
        })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.over(End::Cut("the gateway stopped".to_owned()));
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Memory that parts hold: of the shortest ones more than their bytes.
fn cost(pieces: &[Piece]) -> usize {
    let bytes: usize = pieces.iter().map(|piece| piece.bytes.len()).sum();
    bytes + size_of_val(pieces)
}
