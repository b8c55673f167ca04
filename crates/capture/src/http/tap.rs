//! What passes through an exchange, noted for the recorder.
//!
//! Bodies stream through untouched. Their bytes, which are reference-counted, gather in notes, and the notes are handed to
//! the recorder at the ends of request and answer, and in between when many have gathered. There an observer makes events of
//! them. A body that comes faster than the recorder works waits for it a while; after that it passes unseen.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use hyper::{
    HeaderMap, StatusCode,
    body::{Body as HttpBody, Frame, SizeHint},
};
use tokio::time::{Sleep, sleep};

use super::{BodyError, ClientState};
use crate::{
    draft::Source,
    recorder::{NotRecorded, Recorder, Scribe},
};

/// Bytes of a body that gather before the recorder gets them.
const FLUSH_BYTES: usize = 64 << 10;
/// A body waits for the recorder only beyond this many bytes: what is shorter is soon over.
const PATIENT_BYTES: u64 = 1 << 20;
/// How long a body waits for the recorder in all.
const PATIENCE: Duration = Duration::from_secs(2);

/// Makes events of one exchange. It lives on the recorder's thread; its calls come in the order of what happened, but
/// an answer may begin before the request has ended.
pub trait Observer: Send + 'static {
    /// The surface.
    const SOURCE: Source;

    /// A part of the request's body.
    fn request(&mut self, bytes: &[u8], scribe: &mut Scribe<'_>);

    /// The request is over.
    fn request_end(&mut self, end: End, scribe: &mut Scribe<'_>);

    /// The head of the answer, or what stands in for it.
    fn answer(&mut self, answer: Answer, scribe: &mut Scribe<'_>);

    /// A part of the answer's body.
    fn response(&mut self, bytes: &[u8], scribe: &mut Scribe<'_>);

    /// The same, and when it came, since the begin of the exchange.
    fn response_at(&mut self, bytes: &[u8], took: Duration, scribe: &mut Scribe<'_>) {
        let _ = took;
        self.response(bytes, scribe);
    }

    /// The exchange is over; `took` since its begin. `missed` bytes of its bodies were not seen.
    fn response_end(&mut self, end: End, took: Duration, missed: u64, scribe: &mut Scribe<'_>);
}

/// How a body ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// As a whole.
    Complete,
    /// Its sender broke off.
    Cut(String),
    /// Our client went away before.
    ClientGone,
}

/// The head of an answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers; empty if the answer is ours.
    pub headers: HeaderMap,
    /// Why there is no answer of the upstream.
    pub failed: Option<String>,
    /// From the begin of the exchange.
    pub took: Duration,
}

/// The half of a tap that sees the request. Dropped without an end, the body was not read to its end.
pub struct RequestTap<O: Observer> {
    notes: Notes<O>,
    is_over: bool,
}

/// The half of a tap that sees the answer. Dropped without an end, the client has gone.
pub struct ResponseTap<O: Observer> {
    notes: Notes<O>,
    is_over: bool,
}

/// A body that a tap looks at.
pub struct Tapped<B, T> {
    body: B,
    /// Gone when the body has ended.
    tap: Option<T>,
    /// Bytes that are still to come, if that is known.
    expected: Option<u64>,
    wait: Wait,
}

/// Either half of a tap, as a body needs it.
pub trait Half: Unpin {
    /// A part of the body.
    fn bytes(&mut self, bytes: &Bytes);
    /// The body is over.
    fn end(self, end: End);
    /// What it means that the body broke off.
    fn broken(reason: String) -> End;
    /// The recorder.
    fn recorder(&self) -> &Recorder;
}

enum Note {
    Request(Bytes),
    RequestEnd(End),
    Answer(Box<Answer>),
    Response(Bytes, Duration),
    ResponseEnd(End, Duration),
}

struct Shared<O> {
    observer: Mutex<O>,
    begin: Instant,
    missed: AtomicU64,
    client: Arc<ClientState>,
}

struct Notes<O: Observer> {
    shared: Arc<Shared<O>>,
    recorder: Recorder,
    list: Vec<Note>,
    bytes: usize,
    /// So many gather before the recorder gets them.
    flush_bytes: usize,
}

/// A body's patience with the recorder.
struct Wait {
    seen: u64,
    left: Duration,
    timer: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// Both halves for an exchange that begins now.
pub fn tap<O: Observer>(
    observer: O,
    recorder: &Recorder,
    client: Arc<ClientState>,
) -> (RequestTap<O>, ResponseTap<O>) {
    let shared = Arc::new(Shared {
        observer: Mutex::new(observer),
        begin: Instant::now(),
        missed: AtomicU64::new(0),
        client,
    });
    let notes = || Notes {
        shared: Arc::clone(&shared),
        recorder: recorder.clone(),
        list: Vec::new(),
        bytes: 0,
        flush_bytes: FLUSH_BYTES,
    };
    let response = ResponseTap {
        notes: notes(),
        is_over: false,
    };
    let request = RequestTap {
        notes: notes(),
        is_over: false,
    };
    (request, response)
}

impl<O: Observer> Shared<O> {
    /// Runs on the recorder's thread.
    fn observe(&self, notes: Vec<Note>, scribe: &mut Scribe<'_>) {
        let mut observer = self.observer.lock().unwrap_or_else(PoisonError::into_inner);
        for note in notes {
            match note {
                Note::Request(bytes) => observer.request(&bytes, scribe),
                Note::RequestEnd(end) => observer.request_end(end, scribe),
                Note::Answer(answer) => observer.answer(*answer, scribe),
                Note::Response(bytes, took) => observer.response_at(&bytes, took, scribe),
                Note::ResponseEnd(end, took) => {
                    let missed = self.missed.load(Ordering::Relaxed);
                    observer.response_end(end, took, missed, scribe);
                }
            }
        }
    }
}

impl<O: Observer> Notes<O> {
    fn bytes(&mut self, bytes: &Bytes, note: impl FnOnce(Bytes) -> Note) {
        self.bytes += bytes.len();
        self.list.push(note(bytes.clone()));
        if self.bytes >= self.flush_bytes {
            let refused = self.flush(0);
            self.shared.missed.fetch_add(refused, Ordering::Relaxed);
        }
    }

    /// Hands over what has gathered; `events` are lost if it is refused. Answers how many bytes were.
    fn flush(&mut self, events: u64) -> u64 {
        let (bytes, work) = self.take();
        let is_taken = self.recorder.offer(O::SOURCE, events, bytes, work);
        if is_taken { 0 } else { bytes as u64 }
    }

    fn take(&mut self) -> (usize, crate::recorder::Work) {
        let list = std::mem::take(&mut self.list);
        let bytes = std::mem::take(&mut self.bytes);
        let shared = Arc::clone(&self.shared);
        (bytes, Box::new(move |scribe| shared.observe(list, scribe)))
    }
}

impl<O: Observer> RequestTap<O> {
    /// A part of the body.
    pub fn bytes(&mut self, bytes: &Bytes) {
        self.notes.bytes(bytes, Note::Request);
    }

    /// The body is over.
    pub fn end(mut self, end: End) {
        self.over(end);
    }

    fn over(&mut self, end: End) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        self.notes.list.push(Note::RequestEnd(end));
        self.notes.flush(1);
    }

    /// The body is over, or as much of it as is recorded before it is passed on; waits until what the observer writes is
    /// durable.
    ///
    /// # Errors
    /// [`NotRecorded`]: the request must not be passed on.
    pub async fn end_durably(mut self) -> Result<(), NotRecorded> {
        self.is_over = true;
        self.notes.list.push(Note::RequestEnd(End::Complete));
        let (bytes, work) = self.notes.take();
        let recorder = self.notes.recorder.clone();
        recorder.submit_durable(O::SOURCE, bytes, work).await
    }
}

impl<O: Observer> ResponseTap<O> {
    /// The head of the upstream's answer.
    pub fn answer(&mut self, status: StatusCode, headers: HeaderMap) {
        self.head(status, headers, None);
    }

    /// The exchange is over without an answer of the upstream: what the client is told, and why.
    pub fn failed(mut self, status: StatusCode, reason: String) {
        self.head(status, HeaderMap::new(), Some(reason));
        self.over(End::Complete);
    }

    /// The exchange is not recorded any further.
    pub fn forget(mut self) {
        self.notes.shared.client.done();
        self.is_over = true;
    }

    fn head(&mut self, status: StatusCode, headers: HeaderMap, failed: Option<String>) {
        let answer = Answer {
            status,
            headers,
            failed,
            took: self.notes.shared.begin.elapsed(),
        };
        self.notes.list.push(Note::Answer(Box::new(answer)));
    }

    /// The recorder gets what comes when it comes: its parts mean something before the end, which may be days away.
    pub fn at_once(&mut self) {
        self.notes.flush_bytes = 0;
    }

    /// A part of the body.
    pub fn bytes(&mut self, bytes: &Bytes) {
        let took = self.notes.shared.begin.elapsed();
        self.notes.bytes(bytes, |bytes| Note::Response(bytes, took));
    }

    /// The exchange is over.
    pub fn end(mut self, end: End) {
        self.over(end);
    }

    fn over(&mut self, end: End) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        self.notes.shared.client.done();
        let took = self.notes.shared.begin.elapsed();
        self.notes.list.push(Note::ResponseEnd(end, took));
        self.notes.flush(1);
    }
}

impl<O: Observer> Drop for ResponseTap<O> {
    fn drop(&mut self) {
        self.over(End::ClientGone);
    }
}

impl<O: Observer> Drop for RequestTap<O> {
    fn drop(&mut self) {
        self.over(End::Cut("it was not read to its end".to_owned()));
    }
}

impl<O: Observer> Half for RequestTap<O> {
    fn bytes(&mut self, bytes: &Bytes) {
        Self::bytes(self, bytes);
    }

    fn end(self, end: End) {
        Self::end(self, end);
    }

    fn broken(_: String) -> End {
        End::ClientGone
    }

    fn recorder(&self) -> &Recorder {
        &self.notes.recorder
    }
}

impl<O: Observer> Half for ResponseTap<O> {
    fn bytes(&mut self, bytes: &Bytes) {
        Self::bytes(self, bytes);
    }

    fn end(self, end: End) {
        Self::end(self, end);
    }

    fn broken(reason: String) -> End {
        End::Cut(reason)
    }

    fn recorder(&self) -> &Recorder {
        &self.notes.recorder
    }
}

impl<B: HttpBody, T: Half> Tapped<B, T> {
    /// The body, looked at.
    pub fn new(body: B, tap: T) -> Self {
        let mut tapped = Self {
            expected: body.size_hint().exact(),
            body,
            tap: Some(tap),
            wait: Wait {
                seen: 0,
                left: PATIENCE,
                timer: None,
            },
        };
        // Nobody asks a body that is known to be empty for anything.
        if tapped.body.is_end_stream() {
            tapped.end(End::Complete);
        }
        tapped
    }

    fn end(&mut self, end: End) {
        if let Some(tap) = self.tap.take() {
            tap.end(end);
        }
    }

    fn note(&mut self, data: &Bytes) {
        let length = data.len() as u64;
        self.wait.seen += length;
        self.expected = self.expected.map(|left| left.saturating_sub(length));
        if let Some(tap) = &mut self.tap {
            tap.bytes(data);
        }
        // With its last byte a body of known length is over: it may not be asked again.
        if self.expected == Some(0) || self.body.is_end_stream() {
            self.end(End::Complete);
        }
    }
}

impl<B, T> HttpBody for Tapped<B, T>
where
    B: HttpBody<Data = Bytes, Error: Into<BodyError>> + Unpin,
    T: Half,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if let Some(tap) = &this.tap {
            ready!(this.wait.poll(tap.recorder(), context));
        }
        let frame = ready!(Pin::new(&mut this.body).poll_frame(context));
        match frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    this.note(data);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                let error = error.into();
                this.end(T::broken(innermost(&*error)));
                Poll::Ready(Some(Err(error)))
            }
            None => {
                this.end(End::Complete);
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Wait {
    /// Ready when the recorder has room, or the body has waited long enough.
    fn poll(&mut self, recorder: &Recorder, context: &mut Context<'_>) -> Poll<()> {
        if self.seen < PATIENT_BYTES || self.left.is_zero() {
            return Poll::Ready(());
        }
        if recorder.poll_room(context).is_ready() {
            if let Some((since, _)) = self.timer.take() {
                self.left = self.left.saturating_sub(since.elapsed());
            }
            return Poll::Ready(());
        }
        let left = self.left;
        let (_, timer) = self
            .timer
            .get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
        ready!(timer.as_mut().poll(context));
        self.left = Duration::ZERO;
        Poll::Ready(())
    }
}

/// The innermost cause says what happened, the others only where.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}
