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

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    hello::{Hello, HelloReader},
    splice,
};

/// What is read at once, bytes. It is held only while bytes are on their way.
const PIECE_BYTES: usize = 128 << 10;
/// A direction in which so much has passed is left to the kernel: most tunnels end before.
const MUCH_BYTES: u64 = 1 << 20;

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
pub(super) enum Failed {
    From(io::Error),
    To(io::Error),
}

/// How far a direction came.
#[derive(PartialEq, Eq)]
pub(super) enum Passed {
    All,
    Much,
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

/// Passes bytes until both sides have ended, each on its own: one that has said all still gets its answer.
pub(crate) async fn both_ways<C, S>(client: C, server: S, progress: &Progress) -> Result<(), Broken>
where
    C: AsyncRead + AsyncWrite,
    S: AsyncRead + AsyncWrite,
{
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let up = async {
        let note = |bytes: &[u8]| progress.note_sent(bytes.len());
        copy(&mut from_client, &mut to_server, u64::MAX, note).await
    };
    let down = async {
        let note = |bytes: &[u8]| progress.note_received(bytes.len());
        copy(&mut from_server, &mut to_client, u64::MAX, note).await
    };
    joined(up, down).await
}

/// The same between two sockets. `first` was read from the client already, and what it says first is looked at.
pub(super) async fn both_sockets(
    first: Bytes,
    client: TcpStream,
    server: TcpStream,
    progress: &Progress,
) -> Result<(), Broken> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let mut reader = Some(HelloReader::default());
    let note_sent = |bytes: &[u8]| {
        progress.note_sent(bytes.len());
        if reader.as_mut().is_some_and(|reader| !reader.push(bytes))
            && let Some(hello) = reader.take().and_then(HelloReader::finish)
        {
            progress.set_hello(hello);
        }
    };
    let up = async {
        let mut from = first.as_ref().chain(&mut from_client);
        let passed = copy(&mut from, &mut to_server, MUCH_BYTES, note_sent).await?;
        if passed == Passed::All {
            return Ok(passed);
        }
        let note = |bytes| progress.note_sent(bytes);
        splice::all(&mut from_client, &mut to_server, note).await
    };
    let down = async {
        let note = |bytes: &[u8]| progress.note_received(bytes.len());
        let passed = copy(&mut from_server, &mut to_client, MUCH_BYTES, note).await?;
        if passed == Passed::All {
            return Ok(passed);
        }
        let note = |bytes| progress.note_received(bytes);
        splice::all(&mut from_server, &mut to_client, note).await
    };
    joined(up, down).await
}

/// Both directions until both have ended, or one has failed.
async fn joined(
    up: impl Future<Output = Result<Passed, Failed>>,
    down: impl Future<Output = Result<Passed, Failed>>,
) -> Result<(), Broken> {
    let client_has_ended = AtomicBool::new(false);
    let up = async {
        let passed = up.await;
        client_has_ended.store(passed.is_ok(), Ordering::Relaxed);
        passed.map(drop).map_err(|failed| match failed {
            Failed::From(error) => Broken::Client(error),
            Failed::To(error) => Broken::Server(error),
        })
    };
    let down = async {
        match down.await {
            Ok(_) => Ok(()),
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

/// Copies until the end, which it passes on, or until `much` bytes have passed.
pub(super) async fn copy<R, W>(
    from: &mut R,
    to: &mut W,
    much: u64,
    mut note: impl FnMut(&[u8]),
) -> Result<Passed, Failed>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut piece = BytesMut::new();
    let mut passed = 0;
    while passed < much {
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
            return Ok(Passed::All);
        }
        note(&piece);
        to.write_all(&piece).await.map_err(Failed::To)?;
        to.flush().await.map_err(Failed::To)?;
        passed += piece.len() as u64;
        piece.clear();
    }
    Ok(Passed::Much)
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
                    both_ways(client_end, server_end, &progress),
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

    #[test]
    fn sockets_pass_much_both_ways_and_end_each_on_its_own() {
        const BYTES: usize = 5 << 20;
        let bytes = (0..=250_u8).cycle();
        let sent: Vec<u8> = bytes.clone().take(BYTES).collect();
        let received: Vec<u8> = bytes.skip(7).take(BYTES + 3).collect();
        let (first, rest) = sent.split_at(100);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let progress = Progress::default();
        let (got_client, got_server) = runtime.block_on(async {
            let (client, client_end) = connected().await;
            let (server_end, server) = connected().await;
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            let (mut got_client, mut got_server) = (Vec::new(), Vec::new());
            let first = Bytes::copy_from_slice(first);
            let (passed, ..) = tokio::join!(
                both_sockets(first, client_end, server_end, &progress),
                async {
                    to_client.write_all(rest).await.unwrap();
                    to_client.shutdown().await.unwrap();
                },
                async {
                    // The answer comes when the question has ended.
                    from_server.read_to_end(&mut got_server).await.unwrap();
                    to_server.write_all(&received).await.unwrap();
                    to_server.shutdown().await.unwrap();
                },
                from_client.read_to_end(&mut got_client),
            );
            passed.unwrap();
            (got_client, got_server)
        });
        assert!(got_client == received && got_server == sent);
        assert_eq!(progress.sent.load(Ordering::Relaxed), sent.len() as u64);
        assert_eq!(
            progress.received.load(Ordering::Relaxed),
            received.len() as u64
        );
    }

    #[test]
    fn an_urgent_byte_and_a_pause_stop_nothing() {
        use rustix::net::{SendFlags, send};
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let much = vec![b'a'; usize::try_from(MUCH_BYTES).unwrap()];
        let progress = Progress::default();
        let got = runtime.block_on(async {
            let (mut client, client_end) = connected().await;
            let (server_end, mut server) = connected().await;
            let mut got = Vec::new();
            let (passed, ..) = tokio::join!(
                both_sockets(Bytes::new(), client_end, server_end, &progress),
                async {
                    client.write_all(&much).await.unwrap();
                    client.write_all(b"before").await.unwrap();
                    send(&client, b"!", SendFlags::OOB).unwrap();
                    // A pipe is given back after a second.
                    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
                    client.write_all(b"behind").await.unwrap();
                    client.shutdown().await.unwrap();
                },
                async {
                    server.read_to_end(&mut got).await.unwrap();
                    server.shutdown().await.unwrap();
                },
            );
            passed.unwrap();
            got
        });
        let rest = &got[much.len()..];
        assert_eq!(rest, b"beforebehind", "{}", rest.escape_ascii());
    }

    async fn connected() -> (TcpStream, TcpStream) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
        (near.unwrap(), far.unwrap().0)
    }
}
