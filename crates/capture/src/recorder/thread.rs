//! The recorder's thread: does the work of the surfaces in groups, and commits each group at once.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use event::Micros;

use super::{Cause, NotRecorded, Recorder, StartError, outlet::Spooling, queue::Job};
use crate::{
    draft::{Draft, Meta, Outcome, Source, Stamp},
    identity::{Actor, Scope},
    redact::{Redactor, Secrets},
};

/// How long the first job of a group waits for others when groups follow on each other, so that a busy gateway wakes this
/// thread a thousand times a second and not for every request.
const GATHER: Duration = Duration::from_millis(1);
/// A group follows on another if it begins within this time.
const BUSY: Duration = Duration::from_millis(5);
/// How often it looks after the spool without jobs.
const IDLE: Duration = Duration::from_secs(1);
/// Losses are recorded at most so often: a full spool has room for few such events.
const GAP_EVERY: Duration = Duration::from_secs(1);
/// Bytes of events after which a group is committed.
const GROUP_BYTES: usize = 1 << 20;
/// Jobs after which it is.
const GROUP_JOBS: usize = 2_000;

/// What work of a surface writes events with.
pub struct Scribe<'a> {
    recorder: &'a Recorder,
    group: &'a mut Group,
}

/// Events that are committed together.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// One JSON text a line.
    pub(super) lines: Vec<u8>,
    pub(super) events: usize,
    /// Surface of each event.
    pub(super) sources: Vec<Source>,
    /// How many of the events are refused, not lost, if the commit fails, by surface.
    promised: [usize; Source::ALL.len()],
    producer: String,
    next_seq: u64,
    vouches: bool,
}

/// The thread's work.
pub(super) struct Worker {
    recorder: Recorder,
    jobs: Receiver<Job>,
    outlet: Spooling,
    group: Group,
    /// Jobs of the group that wait for durability.
    waiting: Vec<tokio::sync::oneshot::Sender<Result<(), NotRecorded>>>,
    /// When losses were recorded last.
    gap_at: Instant,
    /// When the last group ended.
    group_at: Instant,
}

pub(super) fn start(
    recorder: Recorder,
    jobs: Receiver<Job>,
    outlet: Spooling,
) -> Result<JoinHandle<Worker>, StartError> {
    let queue = Arc::clone(&recorder.queue);
    let worker = Worker {
        recorder,
        jobs,
        outlet,
        group: Group::default(),
        waiting: Vec::new(),
        gap_at: Instant::now(),
        group_at: Instant::now(),
    };
    let thread = std::thread::Builder::new()
        .name("recorder".to_owned())
        .spawn(move || worker.run())
        .map_err(StartError::Thread)?;
    queue.set_thread(thread.thread().clone());
    Ok(thread)
}

impl Scribe<'_> {
    /// Takes secrets out.
    #[must_use]
    pub fn redactor(&self) -> &Redactor {
        &self.recorder.redactor
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Micros {
        (self.recorder.env.now)()
    }

    /// Writes an event; `secrets` are those of its exchange.
    pub fn write(&mut self, draft: &Draft, secrets: &Secrets) {
        let group = &mut *self.group;
        let id = match &draft.id {
            Some(id) => id.clone(),
            None => self.recorder.env.new_id(),
        };
        let stamp = Stamp {
            id: Some(&id),
            producer: Some((&group.producer, group.next_seq)),
            vouches: group.vouches,
        };
        draft.write(
            &stamp,
            &self.recorder.redactor.with(secrets),
            &mut group.lines,
        );
        group.lines.push(b'\n');
        group.events += 1;
        group.next_seq += 1;
        group.sources.push(draft.source);
    }
}

impl Worker {
    fn run(mut self) -> Self {
        loop {
            match self.jobs.recv_timeout(IDLE) {
                Ok(job) => self.group(job),
                Err(RecvTimeoutError::Timeout) => self.idle(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.record_gaps();
        self.outlet.idle();
        self
    }

    /// One group: a job and what has gathered behind it.
    fn group(&mut self, first: Job) {
        let is_busy = self.group_at.elapsed() < BUSY;
        if is_busy && first.done.is_none() && !self.recorder.queue.take_urgent() {
            std::thread::park_timeout(GATHER);
        }
        self.begin();
        self.work(first);
        for _ in 0..GROUP_JOBS {
            if self.group.lines.len() >= GROUP_BYTES {
                break;
            }
            match self.jobs.try_recv() {
                Ok(job) => self.work(job),
                Err(_) => break,
            }
        }
        self.recorder.queue.take_urgent();
        self.commit();
        self.group_at = Instant::now();
    }

    fn idle(&mut self) {
        self.begin();
        self.commit();
        self.outlet.idle();
    }

    fn begin(&mut self) {
        let producer = self.outlet.producer();
        let mut lines = std::mem::take(&mut self.group.lines);
        lines.clear();
        let mut sources = std::mem::take(&mut self.group.sources);
        sources.clear();
        self.group = Group {
            lines,
            events: 0,
            sources,
            promised: [0; Source::ALL.len()],
            producer: producer.id,
            next_seq: producer.next_seq,
            vouches: self.outlet.vouches(),
        };
    }

    fn work(&mut self, job: Job) {
        let before = self.group.events;
        let length = self.group.lines.len();
        let mut scribe = Scribe {
            recorder: &self.recorder,
            group: &mut self.group,
        };
        // A fault in the decoder of one exchange must not end the recording of all others.
        let done = catch_unwind(AssertUnwindSafe(|| (job.work)(&mut scribe)));
        if done.is_err() {
            tracing::error!(
                source = job.source.as_str(),
                "a decoder failed; its event is lost"
            );
            self.group.undo(before, length);
            let losses = self.recorder.queue.losses();
            losses.add(job.source, Cause::DecoderFailed, 1);
        }
        self.recorder.queue.release(job.bytes);
        if let Some(done) = job.done {
            self.group.promise(before);
            self.waiting.push(done);
        }
    }

    fn commit(&mut self) {
        let is_durable = !self.waiting.is_empty();
        let committed = if self.group.events == 0 {
            Ok(())
        } else {
            self.outlet.commit(&self.group, is_durable)
        };
        if let Err(cause) = committed {
            self.lose(cause);
        }
        let answer = committed.map_err(NotRecorded);
        for done in self.waiting.drain(..) {
            // The surface may have given up.
            let _ = done.send(answer);
        }
        if self.gap_at.elapsed() >= GAP_EVERY {
            self.record_gaps();
        }
    }

    /// Counts the events of a group that was not committed, but for those whose actions are refused instead.
    fn lose(&self, cause: Cause) {
        let losses = self.recorder.queue.losses();
        for (source, promised) in Source::ALL.into_iter().zip(self.group.promised) {
            let all = self
                .group
                .sources
                .iter()
                .filter(|other| **other == source)
                .count();
            losses.add(source, cause, (all - promised) as u64);
        }
    }

    /// Records what was lost since the last time.
    pub(super) fn record_gaps(&mut self) {
        let losses = Arc::clone(self.recorder.queue.losses());
        if !losses.is_any() {
            return;
        }
        self.gap_at = Instant::now();
        for source in Source::ALL {
            let counts = losses.take(source);
            if counts.is_empty() {
                continue;
            }
            self.begin();
            let draft = gap(
                source,
                &self.group.producer,
                (self.recorder.env.now)(),
                &counts,
            );
            let mut scribe = Scribe {
                recorder: &self.recorder,
                group: &mut self.group,
            };
            scribe.write(&draft, &[]);
            if self.outlet.commit_reserved(&self.group).is_err() {
                losses.give_back(source, &counts);
            }
        }
    }
}

impl Group {
    /// Somebody waits for what was written since.
    fn promise(&mut self, events: usize) {
        for source in self.sources.iter().skip(events) {
            if let Some(promised) = self.promised.get_mut(*source as usize) {
                *promised += 1;
            }
        }
    }

    /// Takes back what was written since.
    fn undo(&mut self, events: usize, length: usize) {
        self.next_seq -= (self.events - events) as u64;
        self.events = events;
        self.lines.truncate(length);
        self.sources.truncate(events);
    }
}

/// The event that tells what was lost.
pub(crate) fn gap(source: Source, producer: &str, at: Micros, counts: &[(Cause, u64)]) -> Draft {
    let scope = Scope {
        actor: Actor {
            kind: "system",
            ..Actor::claimed(producer.to_owned())
        },
        ..Scope::default()
    };
    let mut draft = Draft::new(source, Arc::new(scope), at, "gap".to_owned());
    draft.resource = Some(("producer", producer.to_owned()));
    draft.result = Some(Outcome::Error);
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    draft.description = Some(format!("{total} events could not be recorded"));
    let counts = counts.iter().map(|(cause, count)| (cause.as_str(), count));
    let counts: serde_json::Map<_, _> = counts
        .map(|(cause, count)| (cause.to_owned(), (*count).into()))
        .collect();
    draft.meta = vec![(
        "lost",
        Meta::Json(serde_json::Value::from(counts).to_string()),
    )];
    draft
}
