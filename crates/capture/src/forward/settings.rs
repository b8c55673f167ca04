//! The first thing that a host of HTTP/2 says: what it can do.
//!
//! Only a host that takes an extended CONNECT (`WebSocket` over HTTP/2) may be offered as one that does, and the client is told before it asks.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::oneshot,
};

/// Length of a frame's head (RFC 9113, section 4.1), and of one setting.
const HEAD_BYTES: usize = 9;
const SETTING_BYTES: usize = 6;
/// Longest frame that is looked at: 128 settings, where there are ten.
const MAX_BYTES: usize = HEAD_BYTES + 128 * SETTING_BYTES;
/// Frame type SETTINGS.
const SETTINGS: u8 = 4;
/// `SETTINGS_ENABLE_CONNECT_PROTOCOL` (RFC 8441, section 3).
const ENABLE_CONNECT_PROTOCOL: [u8; 2] = [0, 8];

/// A stream whose first frame is looked at on its way.
pub(super) struct FirstSettings<T> {
    io: T,
    seen: Vec<u8>,
    /// Gone once the answer is known.
    tell: Option<oneshot::Sender<bool>>,
}

impl<T> FirstSettings<T> {
    /// The stream, and whether the host takes an extended CONNECT, once that is known.
    pub(super) fn new(io: T) -> (Self, oneshot::Receiver<bool>) {
        let (tell, told) = oneshot::channel();
        let watched = Self {
            io,
            seen: Vec::new(),
            tell: Some(tell),
        };
        (watched, told)
    }

    fn look(&mut self, bytes: &[u8]) {
        let room = MAX_BYTES.saturating_sub(self.seen.len());
        self.seen
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        let is_full = self.seen.len() >= MAX_BYTES;
        let known = takes_connect(&self.seen).or(is_full.then_some(false));
        if let Some(known) = known
            && let Some(tell) = self.tell.take()
        {
            // Nobody may want to know any more.
            let _ = tell.send(known);
            self.seen = Vec::new();
        }
    }
}

/// Whether the first frame says so; `None` if more has to come.
#[must_use]
pub fn takes_connect(seen: &[u8]) -> Option<bool> {
    let (head, rest) = seen.split_at_checked(HEAD_BYTES)?;
    let &[high, middle, low, kind, ..] = head else {
        return Some(false);
    };
    if kind != SETTINGS {
        return Some(false);
    }
    let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
    let settings = rest.get(..length)?;
    let (settings, _) = settings.as_chunks::<SETTING_BYTES>();
    let last = settings
        .iter()
        .rev()
        .find(|[a, b, ..]| [*a, *b] == ENABLE_CONNECT_PROTOCOL);
    Some(last.is_some_and(|[_, _, value @ ..]| *value == [0, 0, 0, 1]))
}

impl<T: AsyncRead + Unpin> AsyncRead for FirstSettings<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(context, buffer))?;
        if this.tell.is_some() {
            this.look(buffer.filled().get(before..).unwrap_or_default());
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for FirstSettings<T> {
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
    use super::*;

    #[test]
    fn the_setting_is_found() {
        let with = [
            0, 0, 12, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100, 0, 8, 0, 0, 0, 1,
        ];
        let without = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100];
        for end in 0..with.len() {
            assert_eq!(takes_connect(&with[..end]), None);
        }
        assert_eq!(takes_connect(&with), Some(true));
        assert_eq!(takes_connect(&without), Some(false));
        assert_eq!(takes_connect(b"HTTP/1.1 400 Bad"), Some(false));
    }
}
