//! Bytes both ways until both sides have ended.

use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::hello::{Hello, HelloReader};

/// What is read at once, bytes. It is held only while bytes are on their way.
const PIECE_BYTES: usize = 128 << 10;

/// What has passed so far, as the client sees it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) sent: AtomicU64,
    pub(crate) received: AtomicU64,
    /// Set whenever something passes; who watches for silence clears it.
    has_moved: AtomicBool,
    /// What the client's first bytes said.
    hello: Mutex<Option<Hello>>,
}

/// How a tunnel broke off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("the client broke off: {0}")]
    Client(io::Error),
    #[error("the host broke off: {0}")]
    Server(io::Error),
}

/// Where a direction failed.
enum Failed {
    From(io::Error),
    To(io::Error),
}

impl Progress {
    /// Whether something has passed since it was asked last.
    pub(crate) fn take_moved(&self) -> bool {
        self.has_moved.swap(false, Ordering::Relaxed)
    }

    pub(super) fn hello(&self) -> Option<Hello> {
        self.hello
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn set_hello(&self, hello: Hello) {
        *self.hello.lock().unwrap_or_else(PoisonError::into_inner) = Some(hello);
    }

    /// Bytes of the client's.
    pub(crate) fn note_sent(&self, bytes: usize) {
        self.note(&self.sent, bytes);
    }

    /// Bytes of the host's.
    pub(crate) fn note_received(&self, bytes: usize) {
        self.note(&self.received, bytes);
    }

    fn note(&self, counter: &AtomicU64, bytes: usize) {
        counter.fetch_add(bytes as u64, Ordering::Relaxed);
        self.has_moved.store(true, Ordering::Relaxed);
    }
}

/// Passes bytes until both sides have ended, each on its own: one that has said all still gets its answer. With `reads_hello`
/// the client's first bytes are looked at.
pub(crate) async fn both_ways<C, S>(
    client: C,
    server: S,
    progress: &Progress,
    reads_hello: bool,
) -> Result<(), Broken>
where
    C: AsyncRead + AsyncWrite,
    S: AsyncRead + AsyncWrite,
{
    let (from_client, to_client) = tokio::io::split(client);
    let (from_server, to_server) = tokio::io::split(server);
    let mut reader = reads_hello.then(HelloReader::default);
    let client_has_ended = AtomicBool::new(false);
    let up = async {
        let passed = one_way(from_client, to_server, |bytes| {
            progress.note_sent(bytes.len());
            if reader.as_mut().is_some_and(|reader| !reader.push(bytes))
                && let Some(hello) = reader.take().and_then(HelloReader::finish)
            {
                progress.set_hello(hello);
            }
        });
        let passed = passed.await;
        client_has_ended.store(passed.is_ok(), Ordering::Relaxed);
        passed.map_err(|failed| match failed {
            Failed::From(error) => Broken::Client(error),
            Failed::To(error) => Broken::Server(error),
        })
    };
    let down = async {
        let passed = one_way(from_server, to_client, |bytes| {
            progress.note_received(bytes.len());
        });
        match passed.await {
            Ok(()) => Ok(()),
            // One that has ended its side and then goes has got what it wanted.
            Err(Failed::To(_)) if client_has_ended.load(Ordering::Relaxed) => Ok(()),
            Err(Failed::To(error)) => Err(Broken::Client(error)),
            Err(Failed::From(error)) => Err(Broken::Server(error)),
        }
    };
    let (up, down) = (pin!(up), pin!(down));
    tokio::try_join!(up, down)?;
    Ok(())
}

async fn one_way<R, W>(mut from: R, mut to: W, mut note: impl FnMut(&[u8])) -> Result<(), Failed>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut piece = BytesMut::new();
    loop {
        let read = poll_fn(|context| {
            piece.reserve(PIECE_BYTES);
            let read = pin!(from.read_buf(&mut piece)).poll(context);
            if read.is_pending() {
                // A tunnel that waits holds no memory.
                piece = BytesMut::new();
            }
            read
        });
        if read.await.map_err(Failed::From)? == 0 {
            // One that is gone needs no end.
            let _ = to.shutdown().await;
            return Ok(());
        }
        note(&piece);
        to.write_all(&piece).await.map_err(Failed::To)?;
        to.flush().await.map_err(Failed::To)?;
        piece.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::duplex;

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn every_byte_passes_once_and_is_counted(
            sent in prop::collection::vec(any::<u8>(), 0..9_000),
            received in prop::collection::vec(any::<u8>(), 0..9_000),
            room in 1_usize..500,
        ) {
            let progress = Progress::default();
            let (mut client, client_end) = duplex(room);
            let (mut server, server_end) = duplex(room);
            let passed = runtime().block_on(async {
                let (mut from_client, mut to_client) = tokio::io::split(&mut client);
                let (mut from_server, mut to_server) = tokio::io::split(&mut server);
                let (mut got_client, mut got_server) = (Vec::new(), Vec::new());
                let _ = tokio::join!(
                    both_ways(client_end, server_end, &progress, true),
                    async { to_client.write_all(&sent).await.unwrap(); to_client.shutdown().await.unwrap(); },
                    async { to_server.write_all(&received).await.unwrap(); to_server.shutdown().await.unwrap(); },
                    from_client.read_to_end(&mut got_client),
                    from_server.read_to_end(&mut got_server),
                );
                (got_client, got_server)
            });
            prop_assert_eq!(&passed.0, &received);
            prop_assert_eq!(&passed.1, &sent);
            prop_assert_eq!(progress.sent.load(Ordering::Relaxed), sent.len() as u64);
            prop_assert_eq!(progress.received.load(Ordering::Relaxed), received.len() as u64);
        }
    }
}
