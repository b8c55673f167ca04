//! Bodies that come packed, for those who look at them: what passes through stays packed.

use std::io::Write;

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use hyper::{
    HeaderMap,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue},
};

/// Packed bytes unpacked at a time, so that a small body that unpacks to a giant one never does so at once.
const STEP_BYTES: usize = 512;
const ZSTD_STEP_BYTES: usize = 64;
/// Largest window of a zstd frame, log2 of bytes: 8 MiB, which RFC 8878 asks every decoder to take.
const ZSTD_WINDOW_LOG: u32 = 23;
/// What is understood here, as a client may ask for it.
const UNDERSTOOD: [&str; 5] = ["gzip", "x-gzip", "deflate", "zstd", "identity"];

/// Unpacks a body as it comes.
pub enum Coding {
    /// Not packed.
    Identity,
    /// RFC 1952.
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    /// RFC 1950, as RFC 9110 has it.
    Zlib(Box<ZlibDecoder<Vec<u8>>>),
    /// RFC 1951, as some send it instead.
    Deflate(Box<DeflateDecoder<Vec<u8>>>),
    /// RFC 8878.
    Zstd(Box<zstd::stream::write::Decoder<'static, Vec<u8>>>),
    /// Another one, or one that is damaged: nothing is seen of it.
    Unknown,
    /// `deflate`, of which the first byte tells which one it is.
    DeflateOrZlib,
}

impl Coding {
    /// As the headers have it.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(CONTENT_ENCODING).iter();
        let first = values
            .next()
            .map_or(Some("identity"), |value| value.to_str().ok());
        let name = first
            .filter(|_| values.next().is_none())
            .unwrap_or("unknown");
        match name.trim().to_ascii_lowercase().as_str() {
            "identity" | "" => Self::Identity,
            "gzip" | "x-gzip" => Self::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            "deflate" => Self::DeflateOrZlib,
            "zstd" => zstd(),
            _ => Self::Unknown,
        }
    }

    /// Takes the next bytes of a body; calls `each` with what they unpack to.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        if let Self::DeflateOrZlib = self
            && let Some(first) = bytes.first()
        {
            // The low four bits of a zlib header are 8; a deflate stream that begins so is not made by anybody.
            *self = if first & 0x0f == 8 {
                Self::Zlib(Box::new(ZlibDecoder::new(Vec::new())))
            } else {
                Self::Deflate(Box::new(DeflateDecoder::new(Vec::new())))
            };
        }
        let is_sound = match self {
            Self::Identity => {
                each(bytes);
                true
            }
            Self::Gzip(gzip) => unpack(
                bytes,
                STEP_BYTES,
                &mut **gzip,
                MultiGzDecoder::get_mut,
                &mut each,
            ),
            Self::Zlib(zlib) => unpack(
                bytes,
                STEP_BYTES,
                &mut **zlib,
                ZlibDecoder::get_mut,
                &mut each,
            ),
            Self::Deflate(deflate) => unpack(
                bytes,
                STEP_BYTES,
                &mut **deflate,
                DeflateDecoder::get_mut,
                &mut each,
            ),
            Self::Zstd(zstd) => unpack(
                bytes,
                ZSTD_STEP_BYTES,
                &mut **zstd,
                zstd::stream::write::Decoder::get_mut,
                &mut each,
            ),
            Self::Unknown | Self::DeflateOrZlib => true,
        };
        if !is_sound {
            *self = Self::Unknown;
        }
    }

    /// Whether nothing is seen of the body.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

/// Leaves of what a client accepts only what is understood here; `only_plain` if the body has to be changed on its way.
pub fn restrict_accepted(headers: &mut HeaderMap, only_plain: bool) {
    let accepted: Vec<String> = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|coding| coding.trim().to_owned())
        .filter(|coding| {
            let name = coding.split(';').next().unwrap_or_default().trim();
            UNDERSTOOD
                .iter()
                .any(|understood| name.eq_ignore_ascii_case(understood))
        })
        .collect();
    if headers.contains_key(ACCEPT_ENCODING) || only_plain {
        let text = if only_plain || accepted.is_empty() {
            "identity".to_owned()
        } else {
            accepted.join(", ")
        };
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(ACCEPT_ENCODING, value);
        }
    }
}

fn zstd() -> Coding {
    let made = zstd::stream::write::Decoder::new(Vec::new()).and_then(|mut decoder| {
        decoder.window_log_max(ZSTD_WINDOW_LOG)?;
        Ok(decoder)
    });
    made.map_or(Coding::Unknown, |decoder| Coding::Zstd(Box::new(decoder)))
}

/// Whether the bytes were what they have to be.
fn unpack<W: Write>(
    bytes: &[u8],
    step: usize,
    decoder: &mut W,
    unpacked: fn(&mut W) -> &mut Vec<u8>,
    each: &mut impl FnMut(&[u8]),
) -> bool {
    for piece in bytes.chunks(step) {
        if decoder
            .write_all(piece)
            .and_then(|()| decoder.flush())
            .is_err()
        {
            return false;
        }
        let out = unpacked(decoder);
        if !out.is_empty() {
            each(out);
            out.clear();
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderName;

    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    fn unpacked(coding: &str, bytes: &[u8], step: usize) -> Vec<u8> {
        let mut coding = Coding::of(&headers(CONTENT_ENCODING, coding));
        let mut out = Vec::new();
        for piece in bytes.chunks(step) {
            coding.push(piece, |bytes| out.extend_from_slice(bytes));
        }
        out
    }

    fn packed(text: &[u8]) -> [(&'static str, Vec<u8>); 4] {
        use flate2::{Compression, write};
        let mut gzip = write::GzEncoder::new(Vec::new(), Compression::fast());
        let mut zlib = write::ZlibEncoder::new(Vec::new(), Compression::fast());
        let mut deflate = write::DeflateEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(text).unwrap();
        zlib.write_all(text).unwrap();
        deflate.write_all(text).unwrap();
        [
            ("gzip", gzip.finish().unwrap()),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", deflate.finish().unwrap()),
            ("zstd", zstd::encode_all(text, 3).unwrap()),
        ]
    }

    #[test]
    fn what_is_packed_is_seen_in_whatever_pieces_it_comes() {
        let text = b"event: one\ndata: {\"n\": 1}\n\n".repeat(500);
        for (coding, packed) in packed(&text) {
            for step in [1, 100, packed.len()] {
                assert_eq!(unpacked(coding, &packed, step), text, "{coding} {step}");
            }
            let half = unpacked(coding, &packed[..packed.len() / 2], 64);
            assert!(text.starts_with(&half), "{coding}");
        }
        assert_eq!(unpacked("identity", b"x", 1), b"x");
        assert_eq!(unpacked("br", b"x", 1), b"");
        assert_eq!(unpacked("gzip", b"no gzip at all", 4), b"");
    }

    #[test]
    fn a_bomb_goes_off_in_small_steps() {
        let zeros = vec![0; 64 << 20];
        for (coding, bomb) in packed(&zeros) {
            let mut coding = Coding::of(&headers(CONTENT_ENCODING, coding));
            let (mut total, mut largest) = (0, 0);
            coding.push(&bomb, |bytes| {
                total += bytes.len();
                largest = largest.max(bytes.len());
            });
            assert_eq!(total, zeros.len());
            assert!(largest <= 8 << 20, "{largest}");
        }
    }

    #[test]
    fn only_what_is_understood_is_asked_for() {
        for (asked, plain, left) in [
            ("gzip, deflate, br, zstd", false, "gzip, deflate, zstd"),
            ("br;q=1.0, GZIP;q=0.5", false, "GZIP;q=0.5"),
            ("br", false, "identity"),
            ("gzip", true, "identity"),
        ] {
            let mut headers = headers(ACCEPT_ENCODING, asked);
            restrict_accepted(&mut headers, plain);
            assert_eq!(headers[ACCEPT_ENCODING], left);
        }
        let mut none = HeaderMap::new();
        restrict_accepted(&mut none, false);
        assert!(none.is_empty());
    }
}
