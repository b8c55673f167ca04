//! Frames of a `WebSocket` (RFC 6455, section 5), without extensions.

use std::ops::Range;

/// Longest head of a frame, bytes: two, eight of length, four of mask.
const MAX_HEAD_BYTES: usize = 14;

/// Takes one direction of a connection apart. It holds heads only: payloads are told as places in what was pushed.
#[derive(Debug, Default)]
pub(crate) struct WebSocketFrames {
    head: Vec<u8>,
    /// The frame whose payload comes.
    frame: Option<Frame>,
    message: Option<Message>,
    /// The first bytes of a close frame.
    code: Vec<u8>,
    /// Something was no frame: what follows cannot be understood.
    is_broken: bool,
}

/// What a direction is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WebSocketPart {
    Data(Data),
    /// The other side wants to end, for this reason; 1005 if it names none.
    Close(u16),
}

/// A part of a message, which may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Data {
    /// Where it lies in what was pushed.
    pub(crate) range: Range<usize>,
    /// What it is masked with, from its first byte on.
    pub(crate) mask: [u8; 4],
    /// Whether it is the first of its message.
    pub(crate) begins: bool,
    /// Whether it is the last of its message.
    pub(crate) ends: bool,
    pub(crate) is_text: bool,
}

#[derive(Debug)]
struct Frame {
    kind: Kind,
    is_last: bool,
    mask: [u8; 4],
    left: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Data,
    Close,
    /// Ping and pong.
    Other,
}

#[derive(Clone, Copy, Debug)]
struct Message {
    is_text: bool,
    has_begun: bool,
}

impl WebSocketFrames {
    /// Takes the next bytes; calls `each` with the parts in them. Answers where the last place between two messages is.
    pub(crate) fn push(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(WebSocketPart),
    ) -> Option<usize> {
        let (mut at, mut between) = (0, None);
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if self.is_broken {
                break;
            }
            if self.frame.is_none() {
                self.head.extend(rest.first());
                at += 1;
                self.begin();
            }
            let Some(frame) = &mut self.frame else {
                continue;
            };
            let rest = bytes.get(at..).unwrap_or_default();
            let length =
                usize::try_from(frame.left).map_or(rest.len(), |left| left.min(rest.len()));
            if length > 0 || frame.left == 0 {
                frame.left -= length as u64;
                let (kind, mask) = (frame.kind, frame.mask);
                let is_over = frame.left == 0;
                let ends = is_over && frame.is_last;
                frame.mask.rotate_left(length % 4);
                match (kind, &mut self.message) {
                    (Kind::Data, Some(message)) => each(WebSocketPart::Data(Data {
                        range: at..at + length,
                        mask,
                        begins: !std::mem::replace(&mut message.has_begun, true),
                        ends,
                        is_text: message.is_text,
                    })),
                    (Kind::Close, _) => {
                        let part = rest.get(..length).unwrap_or_default();
                        self.code
                            .extend(unmasked(part, mask).take(2 - self.code.len().min(2)));
                        if is_over {
                            each(WebSocketPart::Close(self.take_code()));
                        }
                    }
                    _ => {}
                }
                at += length;
                if is_over {
                    self.frame = None;
                }
                if ends && kind == Kind::Data {
                    self.message = None;
                }
            }
            if self.is_between() {
                between = Some(at);
            }
        }
        between
    }

    /// Whether something came that is no frame.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Whether a frame that begins now would be in no other's way.
    pub(crate) fn is_between(&self) -> bool {
        self.head.is_empty() && self.frame.is_none() && self.message.is_none() && !self.is_broken
    }

    /// Begins a frame if its head is there.
    fn begin(&mut self) {
        let Some((first, is_last, length, mask)) = head(&self.head) else {
            self.is_broken |= self.head.len() >= MAX_HEAD_BYTES;
            return;
        };
        self.head.clear();
        let kind = match (first & 0x0f, self.message.is_some()) {
            (0, true) => Kind::Data,
            (kind @ (1 | 2), false) => {
                self.message = Some(Message {
                    is_text: kind == 1,
                    has_begun: false,
                });
                Kind::Data
            }
            (8, _) => Kind::Close,
            (9 | 10, _) => Kind::Other,
            _ => return self.is_broken = true,
        };
        let is_control = kind != Kind::Data;
        if first & 0x70 != 0 || length > i64::MAX as u64 || is_control && (length > 125 || !is_last)
        {
            return self.is_broken = true;
        }
        self.frame = Some(Frame {
            kind,
            is_last,
            mask,
            left: length,
        });
    }

    fn take_code(&mut self) -> u16 {
        let code = std::mem::take(&mut self.code);
        code.first_chunk::<2>()
            .map_or(1005, |code| u16::from_be_bytes(*code))
    }
}

/// The bytes without their mask.
pub(crate) fn unmasked(bytes: &[u8], mask: [u8; 4]) -> impl Iterator<Item = u8> {
    bytes
        .iter()
        .zip(mask.into_iter().cycle())
        .map(|(byte, mask)| byte ^ mask)
}

/// A frame of a server.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    let length = payload.len();
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..126), _) => frame.push(length),
        (_, Ok(length)) => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// Messages and their kinds, put together from pieces of one direction; for fuzzing.
pub fn websocket_messages<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<(bool, Vec<u8>)>, Vec<u16>) {
    let mut frames = WebSocketFrames::default();
    let (mut messages, mut codes, mut message) = (Vec::new(), Vec::new(), Vec::new());
    for piece in pieces {
        frames.push(piece, |part| match part {
            WebSocketPart::Close(code) => codes.push(code),
            WebSocketPart::Data(data) => {
                let bytes = piece.get(data.range).unwrap_or_default();
                message.extend(unmasked(bytes, data.mask));
                if data.ends {
                    messages.push((data.is_text, std::mem::take(&mut message)));
                }
            }
        });
    }
    (messages, codes)
}

/// First byte, whether it is the last of its message, length and mask, if all of the head is there.
fn head(bytes: &[u8]) -> Option<(u8, bool, u64, [u8; 4])> {
    let ([first, second], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match second & 0x7f {
        126 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (u64::from(u16::from_be_bytes(*length)), rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk::<8>()?;
            (u64::from_be_bytes(*length), rest)
        }
        length => (u64::from(length), rest),
    };
    let mask = if second & 0x80 == 0 {
        [0; 4]
    } else {
        *rest.first_chunk::<4>()?
    };
    Some((*first, first & 0x80 != 0, length, mask))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn masked(opcode: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
        let mut bytes = frame(opcode, payload);
        bytes[1] |= 0x80;
        let payload: Vec<u8> =
            unmasked(&bytes.split_off(bytes.len() - payload.len()), mask).collect();
        [bytes, mask.to_vec(), payload].concat()
    }

    #[test]
    fn fragments_are_one_message_and_control_frames_go_between() {
        let mut bytes = masked(1, b"one ", [1, 2, 3, 4]);
        bytes[0] &= 0x7f;
        bytes.extend(masked(9, b"ping", [9; 4]));
        let mut empty = masked(0, b"", [7; 4]);
        empty[0] &= 0x7f;
        bytes.extend(empty);
        bytes.extend(masked(0, b"message", [5, 6, 7, 8]));
        bytes.extend(frame(2, &vec![0xff; 70_000]));
        bytes.extend(frame(1, b""));
        bytes.extend(frame(8, b"\x03\xe9gone"));
        bytes.extend(frame(8, b""));
        for step in [1, 2, 5, 100_000] {
            let (messages, codes) = websocket_messages(bytes.chunks(step));
            assert_eq!(messages[0], (true, b"one message".to_vec()), "step {step}");
            assert_eq!(messages[1], (false, vec![0xff; 70_000]));
            assert_eq!(messages[2], (true, Vec::new()));
            assert_eq!((messages.len(), codes), (3, vec![1001, 1005]));
        }
    }

    #[test]
    fn what_is_no_frame_ends_the_reading() {
        for bytes in [
            &[0xc1, 0x00][..],
            &[0x83, 0x00],
            &[0x80, 0x00],
            &[0x09, 0x00],
            &[0x89, 0x7e, 0x00, 0x7e],
            &[0x01, 0x00, 0x81, 0x00],
            &[0x82, 0x7f, 0xff, 0, 0, 0, 0, 0, 0, 0],
        ] {
            let mut frames = WebSocketFrames::default();
            frames.push(bytes, |_| {});
            assert!(frames.is_broken() && !frames.is_between(), "{bytes:x?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_alike_in_any_pieces(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0x01), Just(0x80), Just(0x81), Just(0)], 0..60),
            step in 1_usize..9,
        ) {
            let whole = websocket_messages([bytes.as_slice()]);
            prop_assert_eq!(websocket_messages(bytes.chunks(step)), whole);
        }

        #[test]
        fn any_chunking_gives_the_same(
            payloads in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..200), any::<[u8; 4]>()), 0..6),
            step in 1_usize..40,
        ) {
            let bytes: Vec<u8> = payloads.iter().flat_map(|(payload, mask)| masked(1, payload, *mask)).collect();
            let (messages, _) = websocket_messages(bytes.chunks(step));
            let expected: Vec<_> = payloads.into_iter().map(|(payload, _)| (true, payload)).collect();
            prop_assert_eq!(messages, expected);
        }
    }
}
