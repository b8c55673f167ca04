//! Bytes of a connection that is read, both ways.

use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::Notify,
    time::timeout,
};

use super::{
    Line, Side, Upgraded,
    session::{Piece, Session},
};
use crate::{
    config::Mode,
    http::{End, Held, innermost},
    llm::{STRICT_BYTES, refusal::Refusal},
    stream::{WebSocketFrames, WebSocketPart, frame},
};

/// What is read at once, bytes. The recorder may hold on to it for a while.
const PIECE_BYTES: usize = 16 << 10;
/// What is shorter is copied, so that it does not hold on to a whole buffer.
const SHORT_BYTES: usize = 1 << 10;
/// Parts of a message that is held: more than anybody cuts one into.
const MAX_PARTS: usize = 64 << 10;
/// A message waits for the recorder only beyond this many bytes.
const PATIENT_BYTES: usize = 1 << 20;
/// How long a message waits for the recorder.
const PATIENCE: Duration = Duration::from_secs(2);

const TEXT: u8 = 1;
const CLOSE: u8 = 8;

/// Reasons for an end (RFC 6455, section 7.4.1).
const GOING_AWAY: u16 = 1001;
const PROTOCOL_ERROR: u16 = 1002;
const TOO_BIG: u16 = 1009;
const FAILED: u16 = 1011;

/// A connection with two directions.
pub(super) struct Passing<'a> {
    session: &'a Session,
    upgraded: &'a Upgraded,
    line: &'a Line,
    farewell: Mutex<Option<Farewell>>,
    parts: Notify,
}

/// What a client is told when the connection is ended before its time.
#[derive(Debug)]
pub(super) struct Farewell {
    /// How the connection ended; `None` if that is for the provider's side to say.
    pub(super) reason: Option<End>,
    /// Frames.
    bytes: Vec<u8>,
}

/// One direction that is read.
struct Reading {
    side: Side,
    frames: WebSocketFrames,
    /// Bytes since the last place between two messages.
    since: usize,
    left: Duration,
}

impl Farewell {
    /// Not the client's fault.
    pub(super) fn going(reason: String) -> Self {
        Self {
            bytes: frame(CLOSE, &GOING_AWAY.to_be_bytes()),
            reason: Some(End::Cut(reason)),
        }
    }

    /// Nothing: the client has gone, or the provider may have said why.
    fn silent(reason: Option<End>) -> Self {
        Self {
            reason,
            bytes: Vec::new(),
        }
    }

    /// A message that does not pass.
    fn refusal(refusal: &Refusal) -> Self {
        let code = match refusal {
            Refusal::TooLong { .. } => TOO_BIG,
            Refusal::NoFrame => PROTOCOL_ERROR,
            _ => FAILED,
        };
        let mut bytes = frame(TEXT, refusal.event().as_bytes());
        bytes.extend(frame(CLOSE, &code.to_be_bytes()));
        Self {
            reason: Some(End::Cut(refusal.message())),
            bytes,
        }
    }
}

impl<'a> Passing<'a> {
    pub(super) fn new(session: &'a Session, upgraded: &'a Upgraded, line: &'a Line) -> Self {
        Self {
            session,
            upgraded,
            line,
            farewell: Mutex::default(),
            parts: Notify::new(),
        }
    }

    /// Ends the other direction with this.
    pub(super) fn part(&self, farewell: Farewell) {
        *self.locked() = Some(farewell);
        self.parts.notify_one();
    }

    /// What the client says, until nothing more of it passes.
    pub(super) async fn up<R, W>(&self, mut from: R, mut to: W) -> Farewell
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let is_strict = self.line.mode == Mode::Strict;
        let mut reading = Reading::new(Side::Client);
        let (mut buffer, mut held, mut pieces) = (BytesMut::new(), Held::default(), Vec::new());
        loop {
            let read = read(&mut from, &mut buffer).await;
            let Some(mut bytes) = read.ok().filter(|bytes| !bytes.is_empty()) else {
                let end = match self.upgraded.closed() {
                    Some(_) => End::Complete,
                    None => End::ClientGone,
                };
                return Farewell::silent(Some(end));
            };
            let between = reading.push(&bytes, self.upgraded, &mut pieces);
            if is_strict {
                if reading.frames.is_broken() {
                    return Farewell::refusal(&Refusal::NoFrame);
                }
                let rest = bytes.split_off(between.unwrap_or(0));
                if between.is_some() {
                    if let Err(refusal) = self.durable(std::mem::take(&mut pieces)).await {
                        return Farewell::refusal(&refusal);
                    }
                    let mut whole = std::mem::take(&mut held);
                    whole.add(bytes, &self.line.held);
                    bytes = whole.joined();
                }
                let has_room = held.add(rest, &self.line.held)
                    && held.bytes <= STRICT_BYTES
                    && pieces.len() <= MAX_PARTS;
                if !has_room {
                    let max_bytes = STRICT_BYTES;
                    return Farewell::refusal(&Refusal::TooLong { max_bytes });
                }
            } else {
                self.note(&mut reading, &mut pieces).await;
            }
            self.upgraded.progress.note_sent(bytes.len());
            if write(&mut to, &bytes).await.is_err() {
                // Why it has ended its side may be on its way.
                return Farewell::silent(None);
            }
        }
    }

    /// What the provider says, and in the end what we say.
    pub(super) async fn down<R, W>(&self, mut from: R, mut to: W) -> End
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let mut reading = Reading::new(Side::Provider);
        let (mut buffer, mut pieces) = (BytesMut::new(), Vec::new());
        let ended = loop {
            let is_between = reading.frames.is_between();
            let farewell = self
                .locked()
                .take_if(|farewell| is_between || farewell.bytes.is_empty());
            if let Some(Farewell {
                reason: Some(reason),
                bytes,
            }) = farewell
            {
                // One that is told so closes the connection, or does not read it.
                let _ = write(&mut to, &bytes).await;
                break reason;
            }
            let read = tokio::select! {
                read = read(&mut from, &mut buffer) => read,
                () = self.parts.notified() => continue,
            };
            let bytes = match read {
                Ok(bytes) if bytes.is_empty() => match self.upgraded.closed() {
                    Some(_) => break End::Complete,
                    None => break End::Cut("the provider ended the connection".to_owned()),
                },
                Ok(bytes) => bytes,
                Err(error) => break End::Cut(innermost(&error)),
            };
            self.upgraded.progress.note_received(bytes.len());
            reading.push(&bytes, self.upgraded, &mut pieces);
            self.note(&mut reading, &mut pieces).await;
            if write(&mut to, &bytes).await.is_err() {
                break End::ClientGone;
            }
        };
        let _ = to.shutdown().await;
        ended
    }

    /// Hands parts over; a long message waits a while for the recorder.
    async fn note(&self, reading: &mut Reading, pieces: &mut Vec<Piece>) {
        if pieces.is_empty() {
            return;
        }
        if reading.since > PATIENT_BYTES && !reading.left.is_zero() {
            let recorder = self.session.recorder();
            let room = poll_fn(|context| recorder.poll_room(context));
            let has_room = timeout(reading.left, room).await.is_ok();
            reading.left = if has_room { PATIENCE } else { Duration::ZERO };
        }
        self.session.note(reading.side, std::mem::take(pieces));
    }

    async fn durable(&self, pieces: Vec<Piece>) -> Result<(), Refusal> {
        if pieces.is_empty() {
            return Ok(());
        }
        let recorded = self.session.note_durably(pieces).await;
        recorded.map_err(|error| Refusal::NotRecorded(error.0.to_string()))
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Option<Farewell>> {
        self.farewell.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    fn new(side: Side) -> Self {
        Self {
            side,
            frames: WebSocketFrames::default(),
            since: 0,
            left: PATIENCE,
        }
    }

    /// Takes bytes apart. Answers where the last place between two messages is.
    fn push(
        &mut self,
        bytes: &Bytes,
        upgraded: &Upgraded,
        pieces: &mut Vec<Piece>,
    ) -> Option<usize> {
        let side = self.side;
        let between = self.frames.push(bytes, |part| match part {
            WebSocketPart::Close(code) => upgraded.close(side, code),
            WebSocketPart::Data(data) => pieces.push(Piece {
                bytes: bytes.slice(data.range),
                mask: data.mask,
                begins: data.begins,
                ends: data.ends,
                is_text: data.is_text,
            }),
        });
        match between {
            Some(at) => {
                self.since = bytes.len() - at;
                self.left = PATIENCE;
            }
            None => self.since += bytes.len(),
        }
        between
    }
}

/// The next bytes; none at the end.
async fn read<R: AsyncRead + Unpin>(from: &mut R, buffer: &mut BytesMut) -> io::Result<Bytes> {
    let read = poll_fn(|context| {
        buffer.reserve(PIECE_BYTES);
        let read = pin!(from.read_buf(buffer)).poll(context);
        if read.is_pending() {
            // A connection that waits holds no memory.
            *buffer = BytesMut::new();
        }
        read
    });
    read.await?;
    if buffer.len() <= SHORT_BYTES {
        let bytes = Bytes::copy_from_slice(buffer);
        buffer.clear();
        return Ok(bytes);
    }
    Ok(buffer.split().freeze())
}

async fn write<W: AsyncWrite + Unpin>(to: &mut W, bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes).await?;
    to.flush().await
}
