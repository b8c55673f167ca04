//! Events as they are recorded, as server-sent events (WHATWG HTML, "Server-sent events").

use std::{convert::Infallible, io::Write as _, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use event::{Seq, filter::Filter};
use futures_util::stream::{StreamExt, poll_fn};
use hyper::{HeaderMap, header::CONTENT_TYPE};
use query::{Order, Query, Row, Snapshot, TimeRange};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, watch},
    time::{Instant, sleep, timeout},
};
use tracing::Instrument;

use super::row;
use crate::{
    api::selection::{ACTION, ACTOR, JOB, PROJECT, Q, RESOURCE, RESULT, SOURCE, Selection},
    app::App,
    audit::What,
    auth::Caller,
    keys::Scope,
    params::{Params, decimal},
    problem::{Code, Problem},
    routes::{Access, Answer, RouteInfo},
};

/// Rows of one look at the log.
const BATCH_ROWS: usize = 50;
/// Batches that wait for a client.
const BUFFERED_BATCHES: usize = 2;
/// A client that takes nothing for so long misses events.
const SLOW_AFTER: Duration = Duration::from_secs(10);
/// How often an idle stream says that it is alive, and whether its key still is good is looked up.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(10);
/// Pause between two looks at a log that grows all the time.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The same for somebody who reads along.
const SHOW_EVERY: Duration = Duration::from_millis(250);
/// Room for what a row has beside its record.
const LINKS_BYTES: usize = 128;
/// What a new stream begins with: clients come back after a second.
const GREETING: &[u8] = b"retry: 1000\n\n";
const HEARTBEAT: &[u8] = b":\n\n";

pub(crate) static STREAM: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/events/stream",
    id: "streamEvents",
    summary: "Events as they are recorded, as server-sent events",
    access: Access::Key(&[Scope::Read]),
    params: &[Q, ACTOR, ACTION, SOURCE, RESOURCE, RESULT, PROJECT, JOB],
    body: None,
    status: 200,
    answer: Answer::EventStream,
    codes: &[
        Code::InvalidFilter,
        Code::InvalidParameter,
        Code::Busy,
        Code::Damaged,
    ],
};

/// What a stream says of each event: a line.
pub(crate) type Form =
    Arc<dyn Fn(&Snapshot, &[Row]) -> Result<Vec<Vec<u8>>, Problem> + Send + Sync>;

/// What becomes of events that come faster than a stream is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// All are told, as late as that is.
    All,
    /// The newest are, and how many were left out: nobody reads along a thousand in a second.
    Newest,
}

/// What a stream follows, and how it is told.
#[derive(Clone)]
pub(crate) struct Followed {
    /// The filter for people and for the server's own events.
    pub(crate) asked: String,
    /// The same, and the key's project.
    pub(crate) filter: Filter,
    /// The next event to look at; the end of the log without one.
    pub(crate) from: Option<u64>,
    pub(crate) pace: Pace,
    pub(crate) form: Form,
}

/// One stream. Holds no snapshot between two looks.
struct Follower {
    app: Arc<App>,
    caller: Caller,
    followed: Followed,
    sizes: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    /// The next event to look at.
    position: u64,
    out: mpsc::Sender<Bytes>,
    /// When the client was last sent something.
    sent_at: Instant,
    _slot: OwnedSemaphorePermit,
}

/// What one look at the log gave.
struct Batch {
    text: Vec<u8>,
    seqs: Vec<u64>,
    /// The next event to look at.
    position: u64,
}

/// What became of a message.
enum Sent {
    Taken,
    /// The client takes nothing.
    Slow,
}

/// The stream has nobody to go on for.
struct Ended;

pub(crate) async fn stream(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Problem> {
    let selection = Selection::read(&params, &caller, app.node().now_us())?;
    let followed = Followed {
        asked: selection.asked,
        filter: selection.filter,
        from: None,
        pace: Pace::All,
        form: Arc::new(|_, rows| {
            let line = |found: &Row| {
                let mut line = Vec::with_capacity(found.record.len() + LINKS_BYTES);
                row::write(&mut line, found.seq, &found.record)?;
                Ok(line)
            };
            rows.iter().map(line).collect()
        }),
    };
    follow(app, caller, &headers, followed)
}

/// Answers with a stream of what is recorded from now on, or from where the client was.
pub(crate) fn follow(
    app: Arc<App>,
    caller: Caller,
    headers: &HeaderMap,
    followed: Followed,
) -> Result<Response, Problem> {
    let sizes = caller.trail.watch_size();
    let size = *sizes.borrow();
    let from = followed.from.filter(|from| *from <= size);
    let position = resume(headers, size)?.or(from).unwrap_or(size);
    let slot = app.stream_slot()?;
    let (out, mut messages) = mpsc::channel(BUFFERED_BATCHES);
    let stream = Follower {
        stopping: app.stopping(),
        app,
        caller,
        followed,
        sizes,
        position,
        out,
        sent_at: Instant::now(),
        _slot: slot,
    };
    tokio::spawn(stream.run().in_current_span());
    let messages = poll_fn(move |cx| messages.poll_recv(cx));
    let body = Body::from_stream(messages.map(Ok::<_, Infallible>));
    Ok(([(CONTENT_TYPE, "text/event-stream")], body).into_response())
}

/// Where the client's last event says to go on.
fn resume(headers: &HeaderMap, size: u64) -> Result<Option<u64>, Problem> {
    let Some(value) = headers
        .get("last-event-id")
        .filter(|value| !value.is_empty())
    else {
        return Ok(None);
    };
    let last = value.to_str().ok().and_then(decimal);
    let last = last.filter(|last| *last < size).ok_or_else(|| {
        let detail = "Last-Event-ID is the `seq` of an event of this trail";
        Problem::new(Code::InvalidParameter, detail)
    })?;
    Ok(Some(last + 1))
}

impl Follower {
    async fn run(mut self) {
        let mut stopping = self.stopping.clone();
        tokio::select! {
            _ = self.follow() => {}
            // Also when there is no server any more.
            _ = stopping.wait_for(|is_stopping| *is_stopping) => {}
        }
    }

    async fn follow(&mut self) -> Result<(), Ended> {
        self.send(GREETING.into()).await?;
        loop {
            if self.out.is_closed() || !self.app.node().keys().is_still_good(&self.caller.key) {
                return Err(Ended);
            }
            // Also while the log grows by nothing that matches.
            if self.sent_at.elapsed() >= HEARTBEAT_EVERY {
                self.send(HEARTBEAT.into()).await?;
            }
            if self.position < *self.sizes.borrow_and_update() {
                let batch = self.look().await?;
                let is_full = batch.seqs.len() == BATCH_ROWS;
                self.deliver(batch).await?;
                match self.followed.pace {
                    Pace::All if is_full => {}
                    Pace::All => sleep(LOOK_EVERY).await,
                    Pace::Newest => sleep(SHOW_EVERY).await,
                }
                continue;
            }
            tokio::select! {
                grown = self.sizes.changed() => grown.map_err(|_| Ended)?,
                () = sleep(HEARTBEAT_EVERY) => {}
                () = self.out.closed() => return Err(Ended),
            }
        }
    }

    /// The next events that match. A client that is told nothing by an end comes back and asks again.
    async fn look(&self) -> Result<Batch, Ended> {
        let engine = self.caller.engine(&self.app);
        let query = Query {
            filter: self.followed.filter.clone(),
            range: TimeRange::ALL,
            order: Order::Oldest,
            limit: BATCH_ROWS,
        };
        let (position, pace) = (self.position, self.followed.pace);
        let form = Arc::clone(&self.followed.form);
        let look = move || {
            let view = engine.snapshot()?;
            match pace {
                Pace::All => Batch::next(&view, &query, position, &form),
                Pace::Newest => Batch::newest(&view, &query, position, &form),
            }
        };
        self.take_turn(look).await
    }

    /// A read in this stream's turn.
    async fn take_turn<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Ended> {
        let turn = self.app.turns().next().await;
        let timed = move || {
            let begin = Instant::now();
            Ok((read()?, begin.elapsed()))
        };
        let (found, took) = self.app.read(timed).await.map_err(|_| Ended)?;
        turn.end(took);
        Ok(found)
    }

    async fn deliver(&mut self, batch: Batch) -> Result<(), Ended> {
        if batch.text.is_empty() {
            self.position = batch.position;
            return Ok(());
        }
        if matches!(self.send(batch.text.into()).await?, Sent::Slow) {
            return self.skip().await;
        }
        self.position = batch.position;
        let (audit, asked) = (self.app.node().audit(), &self.followed.asked);
        audit.note(&self.caller.key, What::Records, Some(asked), batch.seqs);
        Ok(())
    }

    /// Waits until the client takes something again, goes on at the end of the log, and says what is left out.
    async fn skip(&mut self) -> Result<(), Ended> {
        let out = self.out.clone();
        let room = out.reserve().await.map_err(|_| Ended)?;
        let engine = self.caller.engine(&self.app);
        let (filter, from) = (self.followed.filter.clone(), self.position);
        let count = move || {
            let view = engine.snapshot()?;
            let before = view.at(from)?.count(&filter, TimeRange::ALL)?;
            let missed = view.count(&filter, TimeRange::ALL)?.saturating_sub(before);
            Ok((view.size(), missed))
        };
        let (end, missed) = self.take_turn(count).await?;
        if missed > 0 {
            room.send(gap(missed, from, end).into());
        }
        self.position = end;
        Ok(())
    }

    async fn send(&mut self, message: Bytes) -> Result<Sent, Ended> {
        let sent = offer(&self.out, message).await?;
        self.sent_at = Instant::now();
        Ok(sent)
    }
}

async fn offer(out: &mpsc::Sender<Bytes>, message: Bytes) -> Result<Sent, Ended> {
    match timeout(SLOW_AFTER, out.send(message)).await {
        Ok(Ok(())) => Ok(Sent::Taken),
        Ok(Err(_)) => Err(Ended),
        Err(_) => Ok(Sent::Slow),
    }
}

/// How many matching events were left out, and the range that they are in, `to` not included. Without an
/// `id`: a client that comes back gets them after all.
fn gap(missed: u64, from: u64, to: u64) -> Vec<u8> {
    let data = format!("{{\"missed\":{missed},\"from\":{from},\"to\":{to}}}");
    format!("event: gap\ndata: {data}\n\n").into_bytes()
}

impl Batch {
    /// The next events from a position on.
    fn next(view: &Snapshot, query: &Query, position: u64, form: &Form) -> Result<Self, Problem> {
        let page = view.page(query, position.checked_sub(1).map(Seq))?;
        let end = page.next.map_or(view.size(), |last| last.0 + 1);
        Self::write(Vec::new(), view, &page.rows, end.max(position), form)
    }

    /// The same if they fit, else the newest of them, and how many were left out.
    fn newest(view: &Snapshot, query: &Query, position: u64, form: &Form) -> Result<Self, Problem> {
        let after = position.checked_sub(1).map(Seq);
        let page = view.page(query, after)?;
        if page.rows.len() < query.limit || page.next.is_none() {
            let end = page.next.map_or(view.size(), |last| last.0 + 1);
            return Self::write(Vec::new(), view, &page.rows, end.max(position), form);
        }
        let query = Query {
            order: Order::Newest,
            ..query.clone()
        };
        let mut rows = view.page(&query, None)?.rows;
        rows.reverse();
        let count = view.count_after(&query.filter, query.range, after)?.value;
        let missed = count.saturating_sub(rows.len() as u64);
        let end = rows.first().map_or(view.size(), |first| first.seq.0);
        let said = if missed > 0 {
            gap(missed, position, end)
        } else {
            Vec::new()
        };
        Self::write(said, view, &rows, view.size(), form)
    }

    fn write(
        mut text: Vec<u8>,
        view: &Snapshot,
        rows: &[Row],
        position: u64,
        form: &Form,
    ) -> Result<Self, Problem> {
        for (found, line) in rows.iter().zip(form(view, rows)?) {
            // Records are one line each: line feeds in them are escaped. Writing into a vector cannot fail.
            let _ = write!(text, "id: {}\ndata: ", found.seq);
            text.extend_from_slice(&line);
            text.extend_from_slice(b"\n\n");
        }
        Ok(Self {
            text,
            seqs: rows.iter().map(|found| found.seq.0).collect(),
            position,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_slow_and_one_that_went_away_has_ended() {
        let (out, mut messages) = mpsc::channel(1);
        assert!(matches!(
            offer(&out, HEARTBEAT.into()).await,
            Ok(Sent::Taken)
        ));
        assert!(matches!(offer(&out, GREETING.into()).await, Ok(Sent::Slow)));
        // What was not taken is not delivered later either.
        assert_eq!(messages.recv().await.as_deref(), Some(HEARTBEAT));
        assert!(messages.try_recv().is_err());
        drop(messages);
        assert!(matches!(offer(&out, GREETING.into()).await, Err(Ended)));
    }

    #[test]
    fn a_gap_says_how_much_and_where() {
        let text = String::from_utf8(gap(7, 10, 30)).unwrap();
        assert_eq!(
            text,
            "event: gap\ndata: {\"missed\":7,\"from\":10,\"to\":30}\n\n"
        );
    }

    #[test]
    fn the_last_event_is_one_of_the_log() {
        let at = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("last-event-id", text.parse().unwrap());
            resume(&headers, 5).map_err(|problem| problem.code())
        };
        assert_eq!(at("4"), Ok(Some(5)));
        assert_eq!(at("0"), Ok(Some(1)));
        assert_eq!(at(""), Ok(None));
        assert_eq!(resume(&HeaderMap::new(), 5).unwrap(), None);
        for bad in ["5", "-1", "x", "99999999999999999999"] {
            assert_eq!(at(bad), Err(Code::InvalidParameter), "{bad}");
        }
    }
}
