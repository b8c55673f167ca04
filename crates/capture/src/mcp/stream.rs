//! A stream of events on its way to the client.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::http::BodyError;

/// Longest event that names an endpoint, bytes.
const ENDPOINT_BYTES: usize = 8 << 10;
/// What such an event begins with, in the spellings of the servers that there are.
const NAMES: [&[u8]; 2] = [b"event: endpoint", b"event:endpoint"];

/// Gives the path at which a client finds an endpoint.
pub(super) type Rename = Box<dyn FnMut(&str) -> Option<String> + Send>;

/// A stream, with the endpoint that its first event may name renamed, and ended when the gateway stops. Nothing waits but
/// the bytes of that event.
pub(super) struct Stream<B> {
    body: B,
    stop: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    rename: Option<Rename>,
    held: BytesMut,
}

impl<B> Stream<B> {
    pub(super) fn new(
        body: B,
        rename: Rename,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        Self {
            body,
            stop: Some(Box::pin(stop)),
            rename: Some(rename),
            held: BytesMut::new(),
        }
    }

    /// What can go on of the bytes so far.
    fn take(&mut self, bytes: Bytes) -> Bytes {
        let Some(rename) = &mut self.rename else {
            return bytes;
        };
        self.held.extend_from_slice(&bytes);
        let may_be = |name: &&[u8]| {
            let length = name.len().min(self.held.len());
            self.held.get(..length) == name.get(..length)
        };
        let end = end_of_event(&self.held);
        if !NAMES.iter().any(may_be) || self.held.len() > ENDPOINT_BYTES {
            self.rename = None;
        } else if let Some(end) = end {
            let event = self.held.split_to(end);
            let renamed = renamed(&event, rename);
            self.rename = None;
            let mut out = renamed.map_or(event, |text| BytesMut::from(text.as_str()));
            out.unsplit(self.held.split());
            return out.freeze();
        } else {
            return Bytes::new();
        }
        self.held.split().freeze()
    }
}

impl<B> HttpBody for Stream<B>
where
    B: HttpBody<Data = Bytes, Error = BodyError> + Unpin,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        loop {
            if let Some(stop) = &mut this.stop
                && stop.as_mut().poll(context).is_ready()
            {
                this.stop = None;
                return Poll::Ready(None);
            }
            let frame = match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => frame,
                None if !this.held.is_empty() => {
                    let rest = this.held.split().freeze();
                    return Poll::Ready(Some(Ok(Frame::data(rest))));
                }
                other => return Poll::Ready(other),
            };
            match frame.into_data() {
                Ok(data) => {
                    let data = this.take(data);
                    if !data.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(data))));
                    }
                }
                Err(frame) => return Poll::Ready(Some(Ok(frame))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// Where the first event ends.
fn end_of_event(bytes: &[u8]) -> Option<usize> {
    let ends: [&[u8]; 3] = [b"\n\n", b"\r\n\r\n", b"\r\r"];
    let found = ends
        .iter()
        .filter_map(|end| Some(memchr::memmem::find(bytes, end)? + end.len()));
    found.min()
}

/// The event with another endpoint; `None` if it names none that is known.
fn renamed(event: &[u8], rename: &mut Rename) -> Option<String> {
    let event = std::str::from_utf8(event).ok()?;
    let at = event.find("data:")? + 5;
    let (before, after) = event.split_at_checked(at)?;
    let named = after.split(['\r', '\n']).next()?;
    let rest = after.get(named.len()..)?;
    Some(format!("{before} {}{rest}", rename(named.trim())?))
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};
    use http_body_util::{BodyExt, StreamBody};
    use proptest::prelude::*;

    use super::*;

    fn through(text: &str, step: usize) -> Vec<String> {
        let pieces: Vec<_> = text
            .as_bytes()
            .chunks(step)
            .map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece))))
            .collect();
        let body = StreamBody::new(stream::iter(pieces));
        let rename: Rename = Box::new(|named| {
            let path = named.strip_prefix("http://h").unwrap_or(named);
            path.starts_with('/').then(|| format!("/s/-{path}"))
        });
        let stream = Stream::new(body, rename, std::future::pending());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let frames = stream.into_data_stream().collect::<Vec<_>>();
        let frames = runtime.block_on(frames).into_iter();
        frames
            .map(|frame| String::from_utf8(frame.unwrap().to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn an_endpoint_is_renamed_and_nothing_else_changes() {
        for (text, expected) in [
            (
                "event: endpoint\r\ndata: /messages/?session_id=1\r\n\r\n: ping\r\n\r\n",
                "event: endpoint\r\ndata: /s/-/messages/?session_id=1\r\n\r\n: ping\r\n\r\n",
            ),
            (
                "event:endpoint\ndata:http://h/m\n\nevent: endpoint\ndata: /m\n\n",
                "event:endpoint\ndata: /s/-/m\n\nevent: endpoint\ndata: /m\n\n",
            ),
            (
                "event: endpoint\ndata: x\n\n",
                "event: endpoint\ndata: x\n\n",
            ),
            (
                "event: message\ndata: /m\n\n",
                "event: message\ndata: /m\n\n",
            ),
            ("event: endp", "event: endp"),
            ("", ""),
        ] {
            for step in [1, 2, 5, 1000] {
                assert_eq!(through(text, step).concat(), expected, "step {step}");
            }
        }
    }

    #[test]
    fn what_is_no_endpoint_does_not_wait() {
        assert_eq!(through(": open\nevent: x", 1)[0], ":");
        let message = through("event: message\n", 1);
        assert_eq!(message[0], "event: m");
    }

    proptest! {
        #[test]
        fn other_streams_pass_as_they_are(text in "(data|event|id)?[: \r\na-z/]{0,80}", step in 1_usize..9) {
            prop_assume!(!text.starts_with("event: endpoint") && !text.starts_with("event:endpoint"));
            prop_assert_eq!(through(&text, step).concat(), text);
        }
    }
}
