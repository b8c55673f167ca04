//! Answers of OTLP/HTTP: in the encoding of the request, and empty unless something was refused.

use serde_json::json;

use super::{Encoding, Signal};

/// Longest message, bytes.
const MESSAGE_BYTES: usize = 1_000;

/// The body of an answer to a request of which `refused` records were not recorded, and why.
#[must_use]
pub fn reply(encoding: Encoding, signal: Signal, refused: u64, message: &str) -> Vec<u8> {
    let message = message
        .get(..message.floor_char_boundary(MESSAGE_BYTES))
        .unwrap_or(message);
    match encoding {
        Encoding::Json if refused == 0 => b"{}".to_vec(),
        Encoding::Json => {
            let name = match signal {
                Signal::Logs => "rejectedLogRecords",
                Signal::Traces => "rejectedSpans",
            };
            // 64-bit numbers are texts in the JSON of protocol buffers.
            json!({"partialSuccess": {name: refused.to_string(), "errorMessage": message}})
                .to_string()
                .into_bytes()
        }
        Encoding::Protobuf if refused == 0 => Vec::new(),
        Encoding::Protobuf => {
            let mut partial = vec![0x08];
            varint(refused, &mut partial);
            bytes(2, message.as_bytes(), &mut partial);
            let mut reply = Vec::new();
            bytes(1, &partial, &mut reply);
            reply
        }
    }
}

/// A field of bytes.
fn bytes(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag << 3 | 2);
    varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or_default());
}
