//! A `WebSocket` to a provider: bytes both ways as they come. Of one that carries responses the messages are read as well.

mod calls;
mod pass;
mod session;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hyper::{
    Method, Response, StatusCode,
    body::Incoming,
    header::{SEC_WEBSOCKET_EXTENSIONS, UPGRADE},
    http::request::Parts,
    upgrade::{OnUpgrade, Upgraded as Io},
};
use hyper_util::rt::TokioIo;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};

use super::{exchange::About, exchange::Exchange, route::Api};
use crate::{
    config::Mode,
    draft::Meta,
    forward::{Progress, both_ways, watch as watch_tunnel},
    http::{Body, ClientState, End, ResponseTap, between_neighbours, empty, is_upgrade, stopped},
    recorder::Recorder,
};
use pass::{Farewell, Passing};
use session::Session;

/// Connections that are open at once: as many as a listener has.
pub(super) const MAX_SOCKETS: usize = 10_000;
/// How often it is looked whether a connection is still of use.
const LOOK_EVERY: Duration = Duration::from_mins(1);
/// Looks at which nothing may have passed, before a connection is closed: an hour, as providers have it.
const IDLE_LOOKS: u32 = 60;
/// When the gateway stops, how often it is looked whether calls are open, and for how long they may be.
const STOP_LOOK: Duration = Duration::from_millis(20);
const STOP_PATIENCE: Duration = Duration::from_secs(8);
/// How long a side may take to read a farewell.
const FAREWELL_PATIENCE: Duration = Duration::from_secs(2);

/// A request that asks for a `WebSocket`.
pub(super) struct Socket {
    client: OnUpgrade,
    state: Arc<ClientState>,
    upgraded: Arc<Upgraded>,
    /// What its calls have in common, if it carries calls that are understood.
    pub(super) calls: Option<About>,
    /// Counts it among those that are open.
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

/// What a connection needs of the surface.
pub(super) struct Line {
    pub(super) recorder: Recorder,
    pub(super) mode: Mode,
    pub(super) held: Arc<Semaphore>,
    pub(super) stop: watch::Receiver<bool>,
}

/// What passes over a connection.
#[derive(Debug, Default)]
pub(super) struct Upgraded {
    pub(super) progress: Progress,
    /// Calls that were made.
    pub(super) calls: AtomicU64,
    /// Those of them that have not ended.
    pub(super) open: AtomicU64,
    /// Who wanted to end first, and for which reason.
    closed: Mutex<Option<(Side, u16)>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Provider,
}

impl Upgraded {
    /// What the record of the connection has of it.
    pub(super) fn meta(&self) -> Vec<(&'static str, Meta)> {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut meta = vec![
            ("upgraded", Meta::Flag(true)),
            ("bytes_sent", Meta::Number(count(&self.progress.sent))),
            (
                "bytes_received",
                Meta::Number(count(&self.progress.received)),
            ),
        ];
        let calls = count(&self.calls);
        meta.extend((calls > 0).then_some(("calls", Meta::Number(calls))));
        let code = self.closed().map(|(_, code)| u64::from(code));
        meta.extend(code.map(|code| ("close_code", Meta::Number(code))));
        meta
    }

    fn closed(&self) -> Option<(Side, u16)> {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A side wants to end; the first word counts.
    fn close(&self, side: Side, code: u16) {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        closed.get_or_insert((side, code));
    }
}

impl Socket {
    /// Takes the client's connection out of a request for a `WebSocket`. Other protocols are not offered to providers: what
    /// would be said in them could not be told from calls that nobody sees.
    pub(super) fn asked(parts: &mut Parts, state: &Arc<ClientState>) -> Option<Self> {
        let protocol = parts.headers.get(UPGRADE)?.to_str().ok()?;
        let is_asked = parts.method == Method::GET
            && is_upgrade(&parts.headers)
            && protocol.trim().eq_ignore_ascii_case("websocket");
        Some(Self {
            client: parts
                .extensions
                .remove::<OnUpgrade>()
                .filter(|_| is_asked)?,
            state: Arc::clone(state),
            upgraded: Arc::default(),
            calls: None,
            permit: None,
        })
    }

    /// What the call that opens it is recorded with, from what is known of that call. `carries_responses`: messages are calls.
    pub(super) fn about(&mut self, mut about: About, carries_responses: bool) -> About {
        if carries_responses {
            self.calls = Some(About {
                api: Api::Responses,
                connection: Some(Arc::clone(&about.call)),
                ..about.clone()
            });
        }
        about.upgraded = Some(Arc::clone(&self.upgraded));
        about
    }

    /// Leaves in a request what asks for a `WebSocket`, and for one that can be read.
    pub(super) fn ask(&self, parts: &mut Parts) {
        between_neighbours(&mut parts.headers);
        if self.calls.is_some() {
            parts.headers.remove(SEC_WEBSOCKET_EXTENSIONS);
        }
    }

    /// The provider has agreed: passes what follows, and gives the client its answer.
    pub(super) fn open(
        self,
        mut answer: Response<Incoming>,
        answered: ResponseTap<Exchange>,
        line: Line,
    ) -> Response<Body> {
        let provider = hyper::upgrade::on(&mut answer);
        between_neighbours(answer.headers_mut());
        // From now on a client that ends its side has gone.
        self.state.done();
        tokio::spawn(async move {
            let ended = match tokio::try_join!(self.client, provider) {
                Ok((client, provider)) => match self.calls {
                    Some(about) => {
                        let session = Session::new(about, &self.upgraded, &line.recorder);
                        pass_read(client, provider, &self.upgraded, session, &line).await
                    }
                    None => pass_unread(client, provider, &self.upgraded, line).await,
                },
                Err(error) => End::Cut(error.to_string()),
            };
            answered.end(ended);
            drop(self.permit);
        });
        let (mut parts, _) = answer.into_parts();
        parts.status = StatusCode::SWITCHING_PROTOCOLS;
        parts.extensions.clear();
        Response::from_parts(parts, empty())
    }
}

async fn pass_unread(client: Io, provider: Io, upgraded: &Upgraded, line: Line) -> End {
    let progress = &upgraded.progress;
    let passing = both_ways(TokioIo::new(client), TokioIo::new(provider), progress);
    match watch_tunnel(passing, progress, line.stop, || {}).await {
        Ok(()) => End::Complete,
        Err(reason) => End::Cut(reason),
    }
}

async fn pass_read(
    client: Io,
    provider: Io,
    upgraded: &Upgraded,
    session: Session,
    line: &Line,
) -> End {
    let passing = Passing::new(&session, upgraded, line);
    let (from_client, to_client) = tokio::io::split(TokioIo::new(client));
    let (from_provider, to_provider) = tokio::io::split(TokioIo::new(provider));
    let ended = {
        let up = passing.up(from_client, to_provider);
        let down = passing.down(from_provider, to_client);
        tokio::pin!(up, down);
        let first = tokio::select! {
            ended = &mut up => Err(ended),
            ended = &mut down => Ok(ended),
            reason = over(upgraded, line.stop.clone()) => Err(Farewell::going(reason)),
        };
        match first {
            Ok(ended) => ended,
            // What the provider still says, and what we have to say, reaches a client that is there.
            Err(farewell) => {
                let reason = farewell.reason.clone();
                passing.part(farewell);
                let parted = timeout(FAREWELL_PATIENCE, down).await;
                reason.unwrap_or_else(|| parted.unwrap_or(End::ClientGone))
            }
        }
    };
    let open = match (&ended, upgraded.closed()) {
        (End::Complete, Some((Side::Client, _))) => End::ClientGone,
        (End::Complete, Some((Side::Provider, code))) => {
            End::Cut(format!("the provider closed the connection with {code}"))
        }
        (ended, _) => ended.clone(),
    };
    session.end(open);
    ended
}

/// Waits until a connection is to be ended: why.
async fn over(upgraded: &Upgraded, mut stop: watch::Receiver<bool>) -> String {
    let mut silent = 0;
    while silent < IDLE_LOOKS {
        tokio::select! {
            () = sleep(LOOK_EVERY) => {}
            () = stopped(&mut stop) => {
                let calls = async {
                    while upgraded.open.load(Ordering::Relaxed) > 0 {
                        sleep(STOP_LOOK).await;
                    }
                };
                // Calls that are open for longer are recorded as cut.
                let _ = timeout(STOP_PATIENCE, calls).await;
                return "the gateway stopped".to_owned();
            }
        }
        let has_moved = upgraded.progress.take_moved();
        silent = if has_moved { 0 } else { silent + 1 };
    }
    "nothing passed for an hour".to_owned()
}
