//! The sequencer: one thread that decides what each event becomes.

use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender},
    },
};

use event::{Leaf, Micros, Prepared, RecordView, Salter, Seq, commit_content, commit_record};
use tlog::Hash;

use crate::{
    chunk::Chunk,
    committer::{Group, GroupFrame, Reply},
    env::Env,
    epochs::EPOCH_EVENTS,
    error::LedgerError,
    frame::{Entry, FrameBuilder},
    ledger::{Health, History},
    outcome::{Outcome, Receipt},
    room::Room,
    trail::Trail,
};

/// A group is closed when it holds this many bytes: one fdatasync for it takes a few milliseconds.
const GROUP_BYTES: usize = 2 << 20;

pub(crate) enum Message {
    Batch(Batch),
    Stop,
}

/// Events of one submitter.
pub(crate) struct Batch {
    pub(crate) trail: Arc<Trail>,
    pub(crate) events: Vec<Prepared>,
    /// What they count for in the room.
    pub(crate) bytes: usize,
    pub(crate) reply: Reply,
}

/// Where a trail's log ends, including events that are not durable yet.
pub(crate) struct Sequence {
    next: Seq,
    last_at: Micros,
    ids: Ids,
    /// Chunks on their way to the committer.
    in_flight: VecDeque<Arc<Chunk>>,
}

/// Unsealed ids by two independently keyed hashes, together 128 bits: no two ids of one trail meet.
struct Ids {
    keys: [RandomState; 2],
    seqs: HashMap<[u64; 2], Seq>,
}

impl Ids {
    fn key(&self, id: &str) -> [u64; 2] {
        let [one, two] = &self.keys;
        [one.hash_one(id), two.hash_one(id)]
    }
}

impl Sequence {
    pub(crate) fn new() -> Self {
        Self {
            next: Seq(0),
            last_at: Micros(0),
            ids: Ids {
                keys: [RandomState::new(), RandomState::new()],
                seqs: HashMap::new(),
            },
            in_flight: VecDeque::new(),
        }
    }

    pub(crate) fn next(&self) -> Seq {
        self.next
    }

    /// Moves the end of the log, at the start.
    pub(crate) fn restore(&mut self, next: Seq, last_at: Micros) {
        self.next = next;
        self.last_at = self.last_at.max(last_at);
    }

    /// Learns the ids of a recovered chunk, which may be sealed in part.
    pub(crate) fn learn(&mut self, chunk: &Chunk) {
        for event in chunk.iter() {
            if let Some(id) = id_of(event.record) {
                let key = self.ids.key(&id);
                self.ids.seqs.insert(key, event.seq);
            }
        }
    }

    fn forget(&mut self, chunk: &Chunk) {
        for event in chunk.iter() {
            if let Some(id) = id_of(event.record) {
                let key = self.ids.key(&id);
                self.ids.seqs.remove(&key);
            }
        }
    }
}

/// The id of a record: it stands after `{"v":1,"id":"` and hardly ever has escapes (docs/format.md, Record).
fn id_of(record: &[u8]) -> Option<Cow<'_, str>> {
    let rest = record.strip_prefix(br#"{"v":1,"id":""#)?;
    let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    if rest.get(end) == Some(&b'"') {
        return std::str::from_utf8(rest.get(..end)?)
            .ok()
            .map(Cow::Borrowed);
    }
    RecordView::parse(record).ok().map(|view| view.id)
}

/// What the thread works with.
pub(crate) struct Sequencer {
    pub(crate) env: Env,
    pub(crate) history: Arc<dyn History>,
    pub(crate) health: Arc<Health>,
    pub(crate) room: Arc<Room>,
    pub(crate) queue: Receiver<Message>,
    pub(crate) committer: SyncSender<Group>,
}

impl Sequencer {
    /// Runs until it is told to stop or the log has stopped.
    pub(crate) fn run(self) {
        while let Ok(Message::Batch(first)) = self.queue.recv() {
            let mut bytes = first.bytes;
            let mut batches = vec![first];
            let mut stop = false;
            while bytes < GROUP_BYTES {
                match self.queue.try_recv() {
                    Ok(Message::Batch(batch)) => {
                        bytes += batch.bytes;
                        batches.push(batch);
                    }
                    Ok(Message::Stop) => {
                        stop = true;
                        break;
                    }
                    Err(_) => break,
                }
            }
            match self.group(batches) {
                Ok(group) => {
                    if self.committer.send(group).is_err() {
                        break;
                    }
                }
                Err(error) => {
                    self.health.stop("sequencer", &error);
                    break;
                }
            }
            if stop || self.health.is_stopped() {
                break;
            }
        }
    }

    fn group(&self, batches: Vec<Batch>) -> Result<Group, LedgerError> {
        let mut drafts: Vec<Draft> = Vec::new();
        let mut group = Group::default();
        for batch in batches {
            let position = drafts
                .iter()
                .position(|draft| Arc::ptr_eq(&draft.trail, &batch.trail));
            let index = if let Some(index) = position {
                index
            } else {
                drafts.push(Draft::open(&self.env, &batch.trail)?);
                drafts.len() - 1
            };
            let Some(draft) = drafts.get_mut(index) else {
                continue;
            };
            let outcomes = batch
                .events
                .iter()
                .map(|event| draft.decide(self, event))
                .collect::<Result<Vec<_>, _>>()?;
            self.room.give_back(batch.bytes);
            group.replies.push((batch.reply, outcomes));
        }
        group.frames = drafts.into_iter().filter_map(Draft::close).collect();
        Ok(group)
    }
}

/// The frame of one trail that is being written.
struct Draft {
    trail: Arc<Trail>,
    first: Seq,
    at: Micros,
    builder: FrameBuilder,
    leaves: Vec<Hash>,
    salter: Arc<Salter>,
}

impl Draft {
    fn open(env: &Env, trail: &Arc<Trail>) -> Result<Self, LedgerError> {
        let mut sequence = trail.sequence();
        for chunk in trail.take_evicted() {
            sequence.forget(&chunk);
        }
        let durable = trail.size();
        while sequence
            .in_flight
            .front()
            .is_some_and(|chunk| chunk.end().0 <= durable)
        {
            sequence.in_flight.pop_front();
        }
        let at = env.clock.now().max(sequence.last_at);
        sequence.last_at = at;
        let first = sequence.next;
        Ok(Self {
            trail: Arc::clone(trail),
            first,
            at,
            builder: FrameBuilder::new(trail.id().clone(), first, at),
            leaves: Vec::new(),
            salter: trail.epochs.writer(first)?,
        })
    }

    fn decide(&mut self, with: &Sequencer, event: &Prepared) -> Result<Outcome, LedgerError> {
        let trail = Arc::clone(&self.trail);
        let mut sequence = trail.sequence();
        let given;
        let id = if let Some(id) = event.id() {
            if let Some(known) = self.known(with, &sequence, id)? {
                return Ok(
                    if known.digest.is_some() && known.digest == event.digest() {
                        Outcome::Duplicate(known.receipt)
                    } else {
                        Outcome::IdConflict { id: id.to_owned() }
                    },
                );
            }
            id
        } else {
            given = new_id(&with.env, self.at)?;
            given.as_str()
        };
        let receipt = self.record(id, sequence.next, event)?;
        let key = sequence.ids.key(id);
        sequence.ids.seqs.insert(key, receipt.seq);
        sequence.next = Seq(receipt.seq.0 + 1);
        Ok(Outcome::Recorded(receipt))
    }

    fn record(&mut self, id: &str, seq: Seq, event: &Prepared) -> Result<Receipt, LedgerError> {
        if seq.0.is_multiple_of(EPOCH_EVENTS) {
            self.salter = self.trail.epochs.writer(seq)?;
        }
        let salts = self.salter.salts(seq);
        let content = event.content();
        let at = self.at;
        let record = self.builder.push(content, event.digest(), |out| {
            event.write_record(out, id, seq, at, &salts.content);
        });
        let leaf = Leaf {
            recorded_at: at,
            c_r: commit_record(&salts.record, record),
            c_c: commit_content(&salts.content, content),
        };
        let leaf_hash = tlog::leaf_hash(&leaf.to_bytes());
        self.leaves.push(leaf_hash);
        Ok(Receipt {
            id: id.to_owned(),
            seq,
            recorded_at: at,
            leaf_hash,
        })
    }

    /// The event that has this id already, be it in this group, on its way, unsealed or sealed.
    fn known(
        &self,
        with: &Sequencer,
        sequence: &Sequence,
        id: &str,
    ) -> Result<Option<Known>, LedgerError> {
        let Some(seq) = sequence.ids.seqs.get(&sequence.ids.key(id)).copied() else {
            let Some(sealed) = with.history.find(self.trail.id(), id)? else {
                return Ok(None);
            };
            return Ok(Some(Known {
                digest: sealed.digest,
                receipt: Receipt {
                    id: id.to_owned(),
                    seq: sealed.seq,
                    recorded_at: sealed.recorded_at,
                    leaf_hash: self.trail.leaf_hash(sealed.seq)?,
                },
            }));
        };
        let known = |digest, recorded_at, leaf_hash| Known {
            digest,
            receipt: Receipt {
                id: id.to_owned(),
                seq,
                recorded_at,
                leaf_hash,
            },
        };
        if let Some(index) = seq.0.checked_sub(self.first.0) {
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            let leaf_hash = self.leaves.get(index).copied();
            let digest = self.builder.digest(index);
            return Ok(leaf_hash.map(|leaf_hash| known(digest, self.at, leaf_hash)));
        }
        let in_flight = sequence
            .in_flight
            .iter()
            .find_map(|chunk| chunk.get(seq).map(|_| Arc::clone(chunk)));
        let chunk = in_flight.or_else(|| self.trail.hot_chunk(seq));
        if let Some(event) = chunk.as_ref().and_then(|chunk| chunk.get(seq)) {
            return Ok(Some(known(
                event.digest,
                event.recorded_at,
                event.leaf_hash,
            )));
        }
        // It was sealed and let go of while this group was being built.
        let sealed = with.history.find(self.trail.id(), id)?;
        sealed
            .map(|sealed| {
                Ok(known(
                    sealed.digest,
                    sealed.recorded_at,
                    self.trail.leaf_hash(seq)?,
                ))
            })
            .transpose()
    }

    fn close(self) -> Option<GroupFrame> {
        if self.builder.is_empty() {
            return None;
        }
        let (head, bytes, entries): (_, _, Vec<Entry>) = self.builder.finish();
        let chunk = Arc::new(Chunk {
            first: self.first,
            recorded_at: self.at,
            bytes,
            entries,
            leaves: self.leaves,
        });
        self.trail
            .sequence()
            .in_flight
            .push_back(Arc::clone(&chunk));
        Some(GroupFrame {
            trail: self.trail,
            head,
            chunk,
        })
    }
}

struct Known {
    digest: Option<[u8; 16]>,
    receipt: Receipt,
}

/// A `UUIDv7` (RFC 9562, section 5.7) with the time of the commit.
fn new_id(env: &Env, at: Micros) -> Result<String, LedgerError> {
    let mut random = [0; 10];
    env.entropy
        .fill(&mut random)
        .map_err(LedgerError::Entropy)?;
    let uuid = uuid::Builder::from_unix_timestamp_millis(at.0 / 1_000, &random).into_uuid();
    Ok(uuid.to_string())
}
