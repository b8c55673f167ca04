//! What a connection speaks, told by whoever speaks first.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    time::sleep,
};

use super::{ca::Protocol, hello::HANDSHAKE};

/// Longest beginning that is needed to know.
const MAX_BYTES: usize = 32;
/// How long the first bytes may take; after that nobody's protocol is known, and bytes just pass.
const PATIENCE: Duration = Duration::from_secs(30);
/// How every connection of HTTP/2 begins (RFC 9113, section 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0";
/// Methods of HTTP, as requests begin with them.
const METHODS: [&[u8]; 17] = [
    b"GET ",
    b"POST ",
    b"PUT ",
    b"HEAD ",
    b"DELETE ",
    b"PATCH ",
    b"OPTIONS ",
    b"CONNECT ",
    b"TRACE ",
    b"QUERY ",
    b"PROPFIND ",
    b"PROPPATCH ",
    b"REPORT ",
    b"MKCOL ",
    b"COPY ",
    b"MOVE ",
    b"SEARCH ",
];

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    Tls,
    Http(Protocol),
    /// Something else, or the server speaks first.
    Other,
    /// The client ended, and has said nothing.
    Nothing,
}

/// A stream from which something was read already.
#[derive(Debug)]
pub(super) struct Prefixed<T> {
    prefix: Bytes,
    io: T,
}

impl<T> Prefixed<T> {
    pub(super) fn new(prefix: impl Into<Bytes>, io: T) -> Self {
        Self {
            prefix: prefix.into(),
            io,
        }
    }

    /// The stream alone; for one from which nothing was read.
    pub(super) fn into_inner(self) -> T {
        self.io
    }
}

/// Waits for the first bytes of either side. Answers the streams with these bytes put back.
///
/// # Errors
/// If either side breaks off.
pub(super) async fn sniff<C, S>(
    mut client: C,
    mut server: S,
) -> io::Result<(Spoken, Prefixed<C>, Prefixed<S>)>
where
    C: AsyncRead + Unpin,
    S: AsyncRead + Unpin,
{
    let (mut said, mut greeted) = (BytesMut::new(), BytesMut::with_capacity(4 << 10));
    let patience = sleep(PATIENCE);
    tokio::pin!(patience);
    let spoken = loop {
        if let Some(spoken) = recognised(&said) {
            break spoken;
        }
        said.reserve(4 << 10);
        tokio::select! {
            read = client.read_buf(&mut said) => if read? == 0 {
                break if said.is_empty() { Spoken::Nothing } else { Spoken::Other };
            },
            read = server.read_buf(&mut greeted) => {
                read?;
                break Spoken::Other;
            }
            () = &mut patience => break Spoken::Other,
        }
    };
    Ok((
        spoken,
        Prefixed::new(said, client),
        Prefixed::new(greeted, server),
    ))
}

/// What the beginning of a client's bytes is; `None` if more has to come.
pub(super) fn recognised(said: &[u8]) -> Option<Spoken> {
    let begins = |whole: &[u8]| said.starts_with(whole);
    let may_become = |whole: &[u8]| whole.starts_with(said);
    match said.first()? {
        &HANDSHAKE => return Some(Spoken::Tls),
        _ if begins(HTTP2_PREFACE) => return Some(Spoken::Http(Protocol::Http2)),
        _ if METHODS.iter().any(|method| begins(method)) => {
            return Some(Spoken::Http(Protocol::Http1));
        }
        _ => {}
    }
    let may_come = may_become(HTTP2_PREFACE) || METHODS.iter().any(|method| may_become(method));
    (!may_come || said.len() > MAX_BYTES).then_some(Spoken::Other)
}

impl<T: AsyncRead + Unpin> AsyncRead for Prefixed<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.prefix.is_empty() {
            return Pin::new(&mut this.io).poll_read(context, buffer);
        }
        let length = this.prefix.len().min(buffer.remaining());
        buffer.put_slice(this.prefix.get(..length).unwrap_or_default());
        this.prefix.advance(length);
        if this.prefix.is_empty() {
            this.prefix = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Prefixed<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    #[test]
    fn protocols_are_known_by_their_first_bytes() {
        for (said, spoken) in [
            (&b""[..], None),
            (b"\x16", Some(Spoken::Tls)),
            (b"G", None),
            (b"GET ", Some(Spoken::Http(Protocol::Http1))),
            (b"GETX", Some(Spoken::Other)),
            (b"P", None),
            (b"PRI * HTTP/2.0\r\n", Some(Spoken::Http(Protocol::Http2))),
            (b"PING\r\n", Some(Spoken::Other)),
            (b"SSH-2.0", Some(Spoken::Other)),
            (b"\x00", Some(Spoken::Other)),
        ] {
            assert_eq!(recognised(said), spoken, "{said:?}");
        }
    }

    #[test]
    fn a_server_that_speaks_first_is_heard() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (_client, client) = duplex(100);
            let (mut server, server_end) = duplex(100);
            server.write_all(b"220 mail").await.unwrap();
            let (spoken, _, mut server) = sniff(client, server_end).await.unwrap();
            let mut greeting = [0; 8];
            server.read_exact(&mut greeting).await.unwrap();
            assert_eq!((spoken, &greeting), (Spoken::Other, b"220 mail"));
        });
    }

    proptest! {
        #[test]
        fn more_bytes_never_change_what_was_recognised(said in prop::collection::vec(any::<u8>(), 0..40), cut in 0_usize..40) {
            let part = &said[..cut.min(said.len())];
            if let Some(spoken) = recognised(part) {
                prop_assert_eq!(recognised(&said), Some(spoken));
            }
        }
    }
}
