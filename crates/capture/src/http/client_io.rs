//! The connection of a client, which tells a client that has said all from one that has gone.
//!
//! Both end their side of the connection, and TCP shows no difference. A client that has gone must not keep a model busy,
//! and one that waits for its answer must get it. On one machine the kernel knows: the socket of a client that has gone
//! belongs to no process any more. Of a client elsewhere it is taken that it waits; that it has gone shows when something is
//! sent to it.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

/// First look at a client that has ended its side: closing takes the kernel microseconds.
const FIRST_LOOK: Duration = Duration::from_millis(10);
/// Further looks.
const NEXT_LOOK: Duration = Duration::from_millis(500);

/// What is known of a client's connection while a request is answered.
#[derive(Debug, Default)]
pub struct ClientState {
    /// A request has begun, and its answer has not ended.
    is_waiting: AtomicBool,
    /// The client sends nothing any more.
    is_half_closed: AtomicBool,
}

/// A client's connection.
#[derive(Debug)]
pub(crate) struct ClientIo {
    stream: TcpStream,
    local: SocketAddr,
    peer: SocketAddr,
    state: Arc<ClientState>,
    /// Set once the client has ended its side.
    look: Option<Pin<Box<Sleep>>>,
    /// Something of an answer was written and not flushed yet.
    is_writing: bool,
}

impl ClientState {
    /// A request has begun; from now on an end of the connection may be a client that waits.
    pub fn wait(&self) {
        self.is_waiting.store(true, Ordering::Relaxed);
    }

    /// The answer is sent, or given up.
    pub fn done(&self) {
        self.is_waiting.store(false, Ordering::Relaxed);
    }

    /// Whether the connection is of no use after this answer.
    #[must_use]
    pub fn is_half_closed(&self) -> bool {
        self.is_half_closed.load(Ordering::Relaxed)
    }
}

impl ClientIo {
    pub(super) fn new(
        stream: TcpStream,
        peer: SocketAddr,
        state: Arc<ClientState>,
    ) -> io::Result<Self> {
        Ok(Self {
            local: stream.local_addr()?,
            stream,
            peer,
            state,
            look: None,
            is_writing: false,
        })
    }

    /// The connection itself.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Ready when the client has gone, or does not wait.
    fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            // An end that is told too early would cost the client what is still to be written.
            if !self.is_writing && !self.state.is_waiting.load(Ordering::Relaxed) {
                return Poll::Ready(());
            }
            let look = self.look.get_or_insert_with(|| Box::pin(sleep(FIRST_LOOK)));
            ready!(look.as_mut().poll(context));
            if has_gone(self.local, self.peer) {
                return Poll::Ready(());
            }
            self.state.is_half_closed.store(true, Ordering::Relaxed);
            self.look = Some(Box::pin(sleep(NEXT_LOOK)));
        }
    }
}

impl AsyncRead for ClientIo {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.look.is_none() {
            let before = buffer.filled().len();
            let read = Pin::new(&mut this.stream).poll_read(context, buffer);
            let is_end = matches!(read, Poll::Ready(Ok(()))) && buffer.filled().len() == before;
            if !is_end || buffer.remaining() == 0 {
                return read;
            }
        }
        this.poll_gone(context).map(Ok)
    }
}

impl AsyncWrite for ClientIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.is_writing = true;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.is_writing = true;
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // It is called when everything is written.
        self.is_writing = false;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Whether the client's socket is on this machine and nobody's any more. The table has its addresses the other way
/// round than we see them.
fn has_gone(local: SocketAddr, peer: SocketAddr) -> bool {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    tables.iter().any(|table| {
        let text = std::fs::read_to_string(table).unwrap_or_default();
        is_orphan(&text, peer, local)
    })
}

/// Whether a table of sockets has the one with these two addresses, without an inode.
fn is_orphan(table: &str, socket: SocketAddr, other_end: SocketAddr) -> bool {
    table.lines().skip(1).any(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let mut address = || fields.next().and_then(parse_address);
        let (from, to) = (address(), address());
        // Then state, queues, timer, retransmits, uid, timeout, inode.
        let inode = fields.nth(6);
        let same = |found: Option<SocketAddr>, wanted: SocketAddr| {
            found.is_some_and(|found| {
                found.port() == wanted.port()
                    && found.ip().to_canonical() == wanted.ip().to_canonical()
            })
        };
        same(from, socket) && same(to, other_end) && inode == Some("0")
    })
}

/// `0100007F:1CF2`: the address in words of 32 bits as they lie in memory, the port in order.
fn parse_address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| {
        let word = ip.get(at * 8..at * 8 + 8)?;
        Some(u32::from_str_radix(word, 16).ok()?.to_ne_bytes())
    };
    match ip.len() {
        8 => Some(SocketAddr::from((word(0)?, port))),
        32 => {
            let mut octets = [0; 16];
            for (at, to) in octets.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                *to = word(at)?;
            }
            Some(SocketAddr::from((octets, port)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        net::{Shutdown, TcpListener},
    };

    use super::*;

    #[test]
    fn a_client_that_waits_is_told_from_one_that_has_gone() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, peer) = listener.accept().unwrap();
        let local = server.local_addr().unwrap();
        client.write_all(b"x").unwrap();
        assert!(!has_gone(local, peer));
        client.shutdown(Shutdown::Write).unwrap();
        assert!(!has_gone(local, peer), "it waits");
        drop(client);
        assert!(has_gone(local, peer));
    }

    #[test]
    fn addresses_are_read_as_the_kernel_writes_them() {
        assert_eq!(
            parse_address("0100007F:1CF2").unwrap().to_string(),
            "127.0.0.1:7410"
        );
        let six = parse_address("00000000000000000000000001000000:0050").unwrap();
        assert_eq!(six.to_string(), "[::1]:80");
        for text in ["", "0100007F", "x:y", "0100:1", "é100007F:1CF2"] {
            assert_eq!(parse_address(text), None, "{text}");
        }
    }
}
