//! People who watch while others write: open streams of events, read as fast as they come.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::watch,
    task::LocalSet,
};

/// What streams follow in turn: everything, and what few events match, as programs and as pages read it.
const PATHS: [&str; 4] = [
    "/v1/events/stream",
    "/events/live",
    "/v1/events/stream?q=result:error",
    "/events/live?q=result:error",
];
/// Longest wait until the first line of every stream.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// Open streams on a thread of their own, so that reading them takes no turn of the one that writes.
pub(super) struct Tails {
    thread: JoinHandle<Result<()>>,
    close: watch::Sender<bool>,
    seen: Arc<Seen>,
    count: usize,
}

#[derive(Debug, Default)]
struct Seen {
    open: AtomicU64,
    events: AtomicU64,
    gaps: AtomicU64,
    bytes: AtomicU64,
}

impl Tails {
    /// Opens `count` streams of the server at `authority` and returns when each has begun.
    pub(super) fn open(count: usize, authority: &str, key: &str) -> Result<Self> {
        let (close, closed) = watch::channel(false);
        let seen = Arc::new(Seen::default());
        let (authority, key) = (authority.to_owned(), key.to_owned());
        let counted = Arc::clone(&seen);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            LocalSet::new().block_on(&runtime, async {
                let session = sign_in(&authority, &key).await?;
                let streams = (0..count).zip(PATHS.iter().cycle()).map(|(_, path)| {
                    let head = format!(
                        "GET {path} HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {key}\r\ncookie: {session}\r\n\r\n"
                    );
                    follow(&authority, head, closed.clone(), &counted)
                });
                futures_util::future::try_join_all(streams).await?;
                Ok(())
            })
        });
        let tails = Self {
            thread,
            close,
            seen,
            count,
        };
        let begin = std::time::Instant::now();
        while tails.seen.open.load(Relaxed) < count as u64 {
            ensure!(
                begin.elapsed() < OPEN_TIMEOUT && !tails.thread.is_finished(),
                "{} of {count} streams were opened",
                tails.seen.open.load(Relaxed)
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(tails)
    }

    /// Closes them, and says what they gave.
    pub(super) fn close(self) -> Result<Value> {
        self.close.send_replace(true);
        let ended = self.thread.join();
        ended.map_err(|_| anyhow::anyhow!("the streams' thread panicked"))??;
        let seen = |counter: &AtomicU64| counter.load(Relaxed);
        Ok(json!({
            "streams": self.count,
            "events": seen(&self.seen.events),
            "gaps": seen(&self.seen.gaps),
            "bytes": seen(&self.seen.bytes),
        }))
    }
}

/// The cookie of a session, for the streams of pages.
async fn sign_in(authority: &str, key: &str) -> Result<String> {
    let body = format!("key={key}");
    let head = format!(
        "POST /sign-in HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut lines = ask(authority, &head).await?;
    while let Some(line) = lines.next_line().await? {
        if let Some(cookie) = line.strip_prefix("set-cookie: ")
            && cookie.starts_with("indelible_session")
        {
            return Ok(cookie.split(';').next().unwrap_or_default().to_owned());
        }
    }
    anyhow::bail!("the key opened no session")
}

async fn follow(
    authority: &str,
    head: String,
    mut closed: watch::Receiver<bool>,
    seen: &Seen,
) -> Result<()> {
    let mut lines = ask(authority, &head).await?;
    let status = lines.next_line().await?.unwrap_or_default();
    ensure!(
        status.starts_with("HTTP/1.1 200"),
        "a stream answered {status:?}"
    );
    seen.open.fetch_add(1, Relaxed);
    loop {
        let line = tokio::select! {
            line = lines.next_line() => line?,
            _ = closed.wait_for(|is_closed| *is_closed) => return Ok(()),
        };
        let line = line.context("a stream ended")?;
        seen.bytes.fetch_add(line.len() as u64 + 1, Relaxed);
        if line.starts_with("id: ") {
            seen.events.fetch_add(1, Relaxed);
        } else if line == "event: gap" {
            seen.gaps.fetch_add(1, Relaxed);
        }
    }
}

async fn ask(authority: &str, head: &str) -> Result<tokio::io::Lines<BufReader<TcpStream>>> {
    let mut stream = TcpStream::connect(authority)
        .await
        .with_context(|| format!("connecting to {authority}"))?;
    stream.write_all(head.as_bytes()).await?;
    Ok(BufReader::new(stream).lines())
}
