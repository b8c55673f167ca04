//! Request bodies: how much, how long, how packed.

use std::{io::Read, time::Duration};

use axum::body::Body;
use http_body_util::BodyExt;
use hyper::{
    HeaderMap,
    header::{CONTENT_ENCODING, CONTENT_LENGTH},
};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, timeout_at},
};

use crate::{
    app::App,
    problem::{Code, Problem},
};

/// How long a body waits for room in memory.
const ROOM_PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a refused body that are read and dropped, so that the client gets to the answer.
const DISCARD_BYTES: usize = 64 << 20;
/// How long a refused body is read.
const DISCARD_TIME: Duration = Duration::from_secs(10);
/// Largest window of a zstd frame, log2 of bytes: no larger than the largest body.
const ZSTD_WINDOW_LOG: u32 = 24;

/// A decoded body. Its bytes count against the server's bound for as long as it is held.
pub(crate) struct Held {
    pub(crate) bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Identity,
    Gzip,
    Zstd,
}

/// Reads a whole body of at most `limit` bytes, packed and unpacked.
pub(crate) async fn read(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Held, Problem> {
    let coding = match coding(headers) {
        Ok(coding) => coding,
        Err(problem) => {
            discard(body).await;
            return Err(problem);
        }
    };
    let (bytes, mut room) = receive(app, headers, body, limit).await?;
    if coding == Coding::Identity {
        return Ok(Held { bytes, _room: room });
    }
    // What it unpacks to is known only afterwards: room for the largest.
    let unpacked = take_room(app, limit).await?;
    let bytes = tokio::task::spawn_blocking(move || unpack(coding, &bytes, limit))
        .await
        .unwrap_or_else(|error| Err(Problem::internal(&error)))?;
    room.merge(unpacked);
    let spare = room.num_permits().saturating_sub(bytes.len());
    drop(room.split(spare));
    Ok(Held { bytes, _room: room })
}

/// Reads and drops a body that nobody wants, within bounds.
pub(crate) async fn discard(mut body: Body) {
    let deadline = Instant::now() + DISCARD_TIME;
    let mut discarded = 0;
    while discarded < DISCARD_BYTES {
        match timeout_at(deadline, body.frame()).await {
            Ok(Some(Ok(frame))) => discarded += frame.data_ref().map_or(0, bytes::Bytes::len),
            _ => return,
        }
    }
}

fn coding(headers: &HeaderMap) -> Result<Coding, Problem> {
    let mut values = headers.get_all(CONTENT_ENCODING).iter();
    let first = values.next();
    let name = first.map_or(Some("identity"), |value| value.to_str().ok());
    let coding = match name.map(str::to_ascii_lowercase).as_deref() {
        Some("identity") => Some(Coding::Identity),
        Some("gzip" | "x-gzip") => Some(Coding::Gzip),
        Some("zstd") => Some(Coding::Zstd),
        _ => None,
    };
    coding.filter(|_| values.next().is_none()).ok_or_else(|| {
        let detail = "Content-Encoding is gzip, zstd or left out";
        Problem::new(Code::UnsupportedEncoding, detail)
    })
}

async fn receive(
    app: &App,
    headers: &HeaderMap,
    mut body: Body,
    limit: usize,
) -> Result<(Vec<u8>, OwnedSemaphorePermit), Problem> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok())
        .unwrap_or(0);
    if announced > limit {
        discard(body).await;
        return Err(too_large(limit));
    }
    let deadline = Instant::now() + Duration::from_secs(app.node().config().http.body_timeout_s);
    // Memory is taken as it fills, not as announced: a head costs a client nothing.
    let mut room = take_room(app, 0).await?;
    let mut bytes = Vec::new();
    loop {
        let Ok(frame) = timeout_at(deadline, body.frame()).await else {
            let detail = "the body did not arrive in time";
            return Err(Problem::new(Code::RequestTimeout, detail));
        };
        let data = match frame {
            None => return Ok((bytes, room)),
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            Some(Err(_)) => {
                let detail = "the body ended before its announced length";
                return Err(Problem::new(Code::InvalidBody, detail));
            }
        };
        if bytes.len() + data.len() > limit {
            discard(body).await;
            return Err(too_large(limit));
        }
        room.merge(take_room(app, data.len()).await?);
        if bytes.is_empty() {
            bytes.reserve(announced.min(2 * data.len()));
        }
        bytes.extend_from_slice(&data);
    }
}

async fn take_room(app: &App, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
    let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
    let room = app.bodies().clone().acquire_many_owned(permits);
    match tokio::time::timeout(ROOM_PATIENCE, room).await {
        Ok(Ok(room)) => Ok(room),
        _ => Err(Problem::new(
            Code::Busy,
            "too many request bodies are in memory; nothing was recorded",
        )),
    }
}

fn unpack(coding: Coding, packed: &[u8], limit: usize) -> Result<Vec<u8>, Problem> {
    let invalid = |_| {
        let detail = "the body is not what Content-Encoding says, or was cut";
        Problem::new(Code::InvalidEncoding, detail)
    };
    // One byte more than allowed tells a body at the limit from one above it.
    let limit_and_one = limit as u64 + 1;
    let mut bytes = Vec::new();
    match coding {
        Coding::Identity => bytes.extend_from_slice(packed),
        Coding::Gzip => {
            let gzip = flate2::read::MultiGzDecoder::new(packed);
            gzip.take(limit_and_one)
                .read_to_end(&mut bytes)
                .map_err(invalid)?;
        }
        Coding::Zstd => {
            let mut zstd = zstd::stream::read::Decoder::new(packed).map_err(invalid)?;
            zstd.window_log_max(ZSTD_WINDOW_LOG).map_err(invalid)?;
            zstd.take(limit_and_one)
                .read_to_end(&mut bytes)
                .map_err(invalid)?;
        }
    }
    if bytes.len() > limit {
        return Err(too_large(limit));
    }
    Ok(bytes)
}

fn too_large(limit: usize) -> Problem {
    let detail = format!("a body has at most {limit} bytes after unpacking");
    Problem::new(Code::BodyTooLarge, detail)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    fn code(unpacked: Result<Vec<u8>, Problem>) -> Code {
        unpacked.unwrap_err().code()
    }

    #[test]
    fn bodies_are_unpacked_up_to_the_limit() {
        let text = vec![b'x'; 1000];
        for (coding, packed) in [
            (Coding::Gzip, gzip(&text)),
            (Coding::Zstd, zstd::encode_all(&text[..], 3).unwrap()),
        ] {
            assert_eq!(unpack(coding, &packed, 1000).unwrap(), text);
            assert_eq!(code(unpack(coding, &packed, 999)), Code::BodyTooLarge);
            for cut in 0..packed.len() - 1 {
                let unpacked = unpack(coding, &packed[..cut], 1000);
                // No frame at all is an empty stream for zstd; anything else that is cut is an error.
                if cut > 0 || coding == Coding::Gzip {
                    assert_eq!(code(unpacked), Code::InvalidEncoding, "{coding:?} {cut}");
                }
            }
            assert_eq!(
                code(unpack(coding, b"no such thing", 10)),
                Code::InvalidEncoding
            );
        }
    }

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let zeros = vec![0; 64 << 20];
        for (coding, bomb) in [
            (Coding::Gzip, gzip(&zeros)),
            (Coding::Zstd, zstd::encode_all(&zeros[..], 1).unwrap()),
        ] {
            assert!(bomb.len() < 1 << 20);
            assert_eq!(code(unpack(coding, &bomb, 1 << 20)), Code::BodyTooLarge);
        }
    }

    #[test]
    fn a_zstd_frame_with_a_giant_window_is_refused() {
        let mut zstd = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        zstd.window_log(27).unwrap();
        zstd.write_all(&vec![7; 32 << 20]).unwrap();
        let packed = zstd.finish().unwrap();
        assert_eq!(
            code(unpack(Coding::Zstd, &packed, 1 << 20)),
            Code::InvalidEncoding
        );
    }
}
