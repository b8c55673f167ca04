//! The client of the bench: plain HTTP/1.1 connections, as little work as can be.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, client::conn::http1::SendRequest, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpStream, task::LocalSet};

use super::events::Body;
use crate::random::Random;

/// Bodies that a connection sends in turn: farther apart than any compression window reaches.
const BODIES: usize = 8;
/// Pause after a 429.
const BUSY_PAUSE: Duration = Duration::from_millis(50);

/// Where the load goes.
pub(super) struct Load {
    url: String,
    authority: String,
    key: String,
}

/// What came of one phase.
#[derive(Debug, Default)]
pub(super) struct Measured {
    /// Events, or requests without any.
    count: u64,
    pub(super) bytes: u64,
    /// Requests that were refused because the server could not keep up, and sent again.
    busy: u64,
    connections: usize,
    elapsed: Duration,
    /// Sorted.
    latencies: Vec<Duration>,
}

impl Load {
    pub(super) fn new(url: &str, key: &str) -> Result<Self> {
        let authority = url
            .strip_prefix("http://")
            .context("only http:// servers can be measured")?;
        Ok(Self {
            url: url.to_owned(),
            authority: authority.trim_end_matches('/').to_owned(),
            key: key.to_owned(),
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// `host:port`.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Sends `events` events, `batch` a request, each acknowledged before the connection sends the next.
    pub(super) async fn batches(
        &self,
        events: u64,
        batch: usize,
        connections: usize,
        seed: u64,
    ) -> Result<Measured> {
        let requests = events.div_ceil(batch as u64);
        let next = Rc::new(Cell::new(0));
        let measured = self
            .run(connections, |connection| {
                let mut random = Random::new(seed * 1_000 + connection as u64);
                let bodies = if batch == 1 { BODIES * 64 } else { BODIES };
                let mut bodies: Vec<Body> =
                    (0..bodies).map(|_| Body::new(batch, &mut random)).collect();
                let next = Rc::clone(&next);
                move || {
                    let request = next.replace(next.get() + 1);
                    if request >= requests {
                        return None;
                    }
                    let turn = usize::try_from(request).unwrap_or(0) % bodies.len();
                    let first = (seed << 40) | (request * batch as u64);
                    let body = bodies.get_mut(turn)?.with_ids(first);
                    Some(self.request("POST", "/v1/events", Bytes::copy_from_slice(body)))
                }
            })
            .await?;
        Ok(Measured {
            count: requests * batch as u64,
            ..measured
        })
    }

    /// Fetches `count` paths.
    pub(super) async fn gets(
        &self,
        count: u64,
        connections: usize,
        path: impl Fn(u64) -> String,
    ) -> Result<Measured> {
        let next = Cell::new(0);
        let (next, path) = (Rc::new(next), Rc::new(path));
        let measured = self
            .run(connections, |_| {
                let (next, path) = (Rc::clone(&next), Rc::clone(&path));
                move || {
                    let n = next.replace(next.get() + 1);
                    (n < count).then(|| self.request("GET", &path(n), Bytes::new()))
                }
            })
            .await?;
        Ok(Measured { count, ..measured })
    }

    /// Every connection sends what its own source gives until that is dry.
    async fn run<S>(&self, connections: usize, source: impl Fn(usize) -> S) -> Result<Measured>
    where
        S: FnMut() -> Option<Result<Request<Full<Bytes>>>>,
    {
        let mut senders = Vec::new();
        let local = LocalSet::new();
        let measured = RefCell::new(Measured {
            connections,
            ..Measured::default()
        });
        local
            .run_until(async {
                for connection in 0..connections {
                    senders.push((self.connect().await?, source(connection)));
                }
                let begin = Instant::now();
                let walks = senders
                    .into_iter()
                    .map(|(sender, source)| walk(sender, source, &measured));
                futures_util::future::try_join_all(walks).await?;
                measured.borrow_mut().elapsed = begin.elapsed();
                anyhow::Ok(())
            })
            .await?;
        let mut measured = measured.into_inner();
        measured.latencies.sort_unstable();
        Ok(measured)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(&self.authority)
            .await
            .with_context(|| format!("no server at {}", self.url))?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::task::spawn_local(connection);
        Ok(sender)
    }

    fn request(&self, method: &str, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.authority)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
            .header(header::CONTENT_TYPE, "application/x-ndjson");
        Ok(request.body(Full::new(body))?)
    }
}

async fn walk(
    mut sender: SendRequest<Full<Bytes>>,
    mut source: impl FnMut() -> Option<Result<Request<Full<Bytes>>>>,
    measured: &RefCell<Measured>,
) -> Result<()> {
    while let Some(request) = source() {
        let request = request?;
        let begin = Instant::now();
        loop {
            sender.ready().await?;
            let answer = sender.send_request(request.clone()).await?;
            let status = answer.status();
            let body = answer.into_body().collect().await?.to_bytes();
            if status == StatusCode::TOO_MANY_REQUESTS {
                measured.borrow_mut().busy += 1;
                tokio::time::sleep(BUSY_PAUSE).await;
                continue;
            }
            if status != StatusCode::OK {
                bail!("{status}: {}", String::from_utf8_lossy(&body));
            }
            check(&body)?;
            break;
        }
        let mut measured = measured.borrow_mut();
        measured.latencies.push(begin.elapsed());
        measured.bytes += hyper::body::Body::size_hint(request.body())
            .exact()
            .unwrap_or(0);
    }
    Ok(())
}

/// The end of a receipt says whether an event was rejected, or known before.
fn check(body: &[u8]) -> Result<()> {
    let end = String::from_utf8_lossy(body.get(body.len().saturating_sub(100)..).unwrap_or(body));
    let is_receipt = end.contains("\"rejected\":") && end.contains("\"tree_size\":");
    let is_clean = end.contains("\"duplicates\":0") && end.contains("\"rejected\":0");
    ensure!(
        !is_receipt || is_clean,
        "not all events were recorded: …{end}"
    );
    Ok(())
}

impl Measured {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate for people, far below 2^52"
    )]
    fn per_s(&self) -> u64 {
        (self.count as f64 / self.elapsed.as_secs_f64().max(1e-9)).round() as u64
    }

    fn quantile_us(&self, per_mille: usize) -> u64 {
        let index =
            (self.latencies.len() * per_mille / 1_000).min(self.latencies.len().saturating_sub(1));
        let latency = self.latencies.get(index).copied().unwrap_or_default();
        u64::try_from(latency.as_micros()).unwrap_or(u64::MAX)
    }

    pub(super) fn line(&self) -> String {
        format!(
            "{} /s, p50 {} µs, p99 {} µs",
            self.per_s(),
            self.quantile_us(500),
            self.quantile_us(990)
        )
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "count": self.count,
            "requests": self.latencies.len(),
            "connections": self.connections,
            "seconds": self.elapsed.as_secs_f64(),
            "per_s": self.per_s(),
            "p50_us": self.quantile_us(500),
            "p99_us": self.quantile_us(990),
            "max_us": self.quantile_us(1_000),
            "busy": self.busy,
            "bytes_sent": self.bytes,
        })
    }
}
