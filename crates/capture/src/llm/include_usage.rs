//! Usage of streamed chat completions: asked for where the client does not, and taken out of the answer again.
//!
//! A client that did not ask gets exactly the answer that it would have got: without the chunk that holds nothing but the usage,
//! and without `"usage":null` in the others.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body as HttpBody, Frame};
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::value::RawValue;

/// Longest event that is held to be looked at, bytes; a longer one passes as it is.
const MAX_EVENT_BYTES: usize = 4 << 20;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default, borrow, deserialize_with = "raw")]
    stream_options: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Options<'a> {
    #[serde(default, borrow, deserialize_with = "raw")]
    include_usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(default)]
    choices: Option<Vec<IgnoredAny>>,
    #[serde(default, borrow, deserialize_with = "raw")]
    usage: Option<&'a RawValue>,
}

/// A request that asks for the usage; `None` if it does already, does not stream, or is not understood.
pub(super) fn asking(body: &[u8]) -> Option<Vec<u8>> {
    let request: Request<'_> = serde_json::from_slice(body).ok()?;
    if request.stream != Some(true) {
        return None;
    }
    let Some(options) = request.stream_options else {
        let open = memchr::memchr(b'{', body)? + 1;
        return Some(spliced(
            body,
            open,
            open,
            br#""stream_options":{"include_usage":true},"#,
        ));
    };
    let (start, end) = place(body, options)?;
    if options.get() == "null" {
        return Some(spliced(body, start, end, br#"{"include_usage":true}"#));
    }
    let inner: Options<'_> = serde_json::from_str(options.get()).ok()?;
    match inner.include_usage.map(|value| (value.get(), value)) {
        Some(("true", _)) => None,
        Some((_, value)) => {
            let (start, end) = place(body, value)?;
            Some(spliced(body, start, end, b"true"))
        }
        None => {
            let is_empty = options
                .get()
                .trim_matches(['{', '}', ' ', '\t', '\r', '\n'])
                .is_empty();
            let comma: &[u8] = if is_empty { b"" } else { b"," };
            Some(spliced(
                body,
                start + 1,
                start + 1,
                &[br#""include_usage":true"#, comma].concat(),
            ))
        }
    }
}

/// A stream without what asking has added.
pub(super) struct Stripped<B> {
    body: B,
    pending: BytesMut,
    is_over: bool,
}

impl<B> Stripped<B> {
    pub(super) fn new(body: B) -> Self {
        Self {
            body,
            pending: BytesMut::new(),
            is_over: false,
        }
    }

    /// What can go on of what has come.
    fn settled(&mut self) -> Bytes {
        let mut out = BytesMut::new();
        while let Some(end) = event_end(&self.pending) {
            let event = self.pending.split_to(end);
            match stripped(&event) {
                Strip::Pass => out.extend_from_slice(&event),
                Strip::Drop => {}
                Strip::Replace(event) => out.extend_from_slice(&event),
            }
        }
        if self.is_over || self.pending.len() > MAX_EVENT_BYTES {
            out.extend_from_slice(&self.pending.split());
        }
        out.freeze()
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Stripped<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        while !this.is_over {
            match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.pending.extend_from_slice(&data),
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => this.is_over = true,
            }
            let out = this.settled();
            if !out.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(out))));
            }
        }
        Poll::Ready(None)
    }
}

enum Strip {
    Pass,
    Drop,
    Replace(Vec<u8>),
}

/// What becomes of one event, its empty line included.
fn stripped(event: &[u8]) -> Strip {
    let Some(at) = event
        .strip_prefix(b"data:")
        .map(|rest| event.len() - rest.len())
    else {
        return Strip::Pass;
    };
    let line_end = memchr::memchr2(b'\n', b'\r', event).unwrap_or(event.len());
    let data = event.get(at..line_end).unwrap_or_default();
    let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(data) else {
        return Strip::Pass;
    };
    let Some(usage) = chunk.usage else {
        return Strip::Pass;
    };
    if usage.get() != "null" && chunk.choices.is_some_and(|choices| choices.is_empty()) {
        return Strip::Drop;
    }
    let Some((start, end)) = place(data, usage).and_then(|(start, end)| member(data, start, end))
    else {
        return Strip::Pass;
    };
    Strip::Replace(spliced(event, at + start, at + end, b""))
}

/// The whole member `usage` whose value is there, with one comma.
fn member(object: &[u8], value_start: usize, value_end: usize) -> Option<(usize, usize)> {
    let before = object
        .get(..value_start)?
        .trim_ascii_end()
        .strip_suffix(b":")?;
    let before = before
        .trim_ascii_end()
        .strip_suffix(b"\"usage\"")?
        .trim_ascii_end();
    if let Some(before) = before.strip_suffix(b",") {
        return Some((before.len(), value_end));
    }
    let after = object.get(value_end..)?.trim_ascii_start();
    let after = after.strip_prefix(b",").unwrap_or(after);
    Some((before.len(), object.len() - after.len()))
}

/// Where the first event ends, its empty line included.
fn event_end(bytes: &[u8]) -> Option<usize> {
    let mut start = 0;
    loop {
        let rest = bytes.get(start..)?;
        let length = memchr::memchr2(b'\n', b'\r', rest)?;
        let end = rest.get(length..)?;
        let terminator = match end {
            // A line feed may still come, and belongs to it.
            [b'\r'] => return None,
            [b'\r', b'\n', ..] => 2,
            _ => 1,
        };
        start += length + terminator;
        if length == 0 {
            return Some(start);
        }
    }
}

/// Where a value lies in the text that it was read from.
fn place(text: &[u8], value: &RawValue) -> Option<(usize, usize)> {
    let start = value
        .get()
        .as_ptr()
        .addr()
        .checked_sub(text.as_ptr().addr())?;
    let end = start + value.get().len();
    (text.get(start..end)? == value.get().as_bytes()).then_some((start, end))
}

fn spliced(text: &[u8], start: usize, end: usize, with: &[u8]) -> Vec<u8> {
    let before = text.get(..start).unwrap_or_default();
    let after = text.get(end..).unwrap_or_default();
    [before, with, after].concat()
}

/// As written, `null` too.
fn raw<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, StreamBody};
    use proptest::prelude::*;

    use super::*;

    fn asked(body: &str) -> Option<String> {
        asking(body.as_bytes()).map(|body| String::from_utf8(body).unwrap())
    }

    #[test]
    fn only_streams_that_do_not_ask_are_changed() {
        for body in [
            r#"{"model":"m"}"#,
            r#"{"stream":false}"#,
            r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
            r#"{"stream":true,"stream":true}"#,
            r#"{"stream":"true"}"#,
            "[]",
            "{",
            "",
        ] {
            assert_eq!(asked(body), None, "{body}");
        }
        for (body, expected) in [
            (
                r#" {"stream": true}"#,
                r#" {"stream_options":{"include_usage":true},"stream": true}"#,
            ),
            (
                r#"{"stream":true,"stream_options":null}"#,
                r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
            ),
            (
                r#"{"stream":true,"stream_options":{ }}"#,
                r#"{"stream":true,"stream_options":{"include_usage":true }}"#,
            ),
            (
                r#"{"stream_options":{"x":1},"stream":true}"#,
                r#"{"stream_options":{"include_usage":true,"x":1},"stream":true}"#,
            ),
            (
                r#"{"stream":true,"stream_options":{"include_usage": false, "x":1}}"#,
                r#"{"stream":true,"stream_options":{"include_usage": true, "x":1}}"#,
            ),
        ] {
            assert_eq!(asked(body).as_deref(), Some(expected), "{body}");
            assert_eq!(asked(expected), None, "asked for once only");
        }
    }

    /// A stream as the client would get it without our asking, and as it comes because of it.
    const STREAMS: [(&str, &str); 2] = [
        (
            "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n\
             : ping\n\ndata: {\"choices\":[{\"delta\":{}}]}\n\ndata: [DONE]\n\n",
            "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}],\"usage\":null}\n\n\
             : ping\n\ndata: {\"usage\": null ,\"choices\":[{\"delta\":{}}]}\n\n\
             data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\ndata: [DONE]\n\n",
        ),
        (
            "data: {\"a\":1 }\r\n\r\nevent: x\r\ndata: {\"usage\":null}\r\n\r\ndata: cut",
            "data: {\"a\":1, \"usage\":null }\r\n\r\nevent: x\r\ndata: {\"usage\":null}\r\n\r\ndata: cut",
        ),
    ];

    fn through(stream: &str, cuts: &[usize]) -> String {
        let mut pieces = Vec::new();
        let mut at = 0;
        for cut in cuts.iter().copied().chain([stream.len()]) {
            let cut = cut.clamp(at, stream.len());
            pieces.push(Ok::<_, std::convert::Infallible>(Frame::data(
                Bytes::copy_from_slice(&stream.as_bytes()[at..cut]),
            )));
            at = cut;
        }
        let body = StreamBody::new(futures_util::stream::iter(pieces));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let whole = runtime.block_on(Stripped::new(body).collect()).unwrap();
        String::from_utf8(whole.to_bytes().to_vec()).unwrap()
    }

    proptest! {
        #[test]
        fn the_client_gets_what_it_would_have_got(which in 0_usize..2, cuts in prop::collection::vec(0_usize..400, 0..8)) {
            let (expected, stream) = STREAMS[which];
            let mut cuts = cuts;
            cuts.sort_unstable();
            prop_assert_eq!(through(stream, &cuts), expected);
        }

        #[test]
        fn what_is_not_understood_passes(bytes in "[dat: \\{\\}\"usage,nl\\[\\]\r\n]{0,120}") {
            if !bytes.contains("usage") {
                prop_assert_eq!(through(&bytes, &[3, 50]), bytes);
            }
        }
    }
}
