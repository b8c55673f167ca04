//! Files that pages refer to, all of them inside the binary.
//!
//! Their address holds a hash of them all, so a browser may keep them for ever, and a module may name another one by
//! its plain name.

use std::{
    io::Write as _,
    sync::{LazyLock, OnceLock},
};

use axum::{
    extract::Path,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use hyper::{
    StatusCode,
    header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY},
};
use sha2::{Digest, Sha256};

use super::document::takes_gzip;
use crate::problem::Problem;

const FOR_EVER: &str = "public, max-age=31536000, immutable";
const SVG: &str = "image/svg+xml";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

/// One file.
struct File {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
    /// Made when it is first asked for.
    gzip: OnceLock<Bytes>,
}

/// All files, and the hash that their addresses share.
struct Assets {
    files: Vec<File>,
    hash: String,
}

macro_rules! asset {
    ($name:literal, $media_type:expr) => {
        (
            $name,
            $media_type,
            include_bytes!(concat!("../../assets/", $name)),
        )
    };
}

/// One style sheet, kept in parts.
const STYLES: &str = concat!(
    include_str!("../../assets/css/tokens.css"),
    include_str!("../../assets/css/base.css"),
    include_str!("../../assets/css/frame.css"),
    include_str!("../../assets/css/parts.css"),
    include_str!("../../assets/css/chart.css"),
    include_str!("../../assets/css/pages.css"),
    include_str!("../../assets/css/events.css"),
    include_str!("../../assets/css/replay.css"),
);

/// What swaps pages in place, and when it is asked to.
const SWAPS: &str = concat!(
    include_str!("../../assets/js/swaps.js"),
    include_str!("../../assets/vendor/htmx.min.js"),
);

/// The modules that `app.js` imports at once: a page names them, so that they are fetched while it is still read.
pub(super) const MODULES: [&str; 8] = [
    "js/zone.js",
    "js/menus.js",
    "js/keys.js",
    "js/copy.js",
    "js/rows.js",
    "js/chart.js",
    "js/faults.js",
    "js/export.js",
];

/// The part that checks proofs, which is put together when it is first needed.
const VERIFIER: &str = "js/verifier.js";

const FILES: &[(&str, &str, &[u8])] = &[
    ("app.css", CSS, STYLES.as_bytes()),
    asset!("glyphs.svg", SVG),
    asset!("favicon.svg", SVG),
    ("htmx.js", JS, SWAPS.as_bytes()),
    asset!("vendor/asciinema-player.min.js", JS),
    asset!("vendor/asciinema-player.css", CSS),
    asset!("js/app.js", JS),
    asset!("js/chart.js", JS),
    asset!("js/copy.js", JS),
    asset!("js/export.js", JS),
    asset!("js/faults.js", JS),
    asset!("js/keys.js", JS),
    asset!("js/live.js", JS),
    asset!("js/integrity.js", JS),
    asset!("js/marks.js", JS),
    asset!("js/menus.js", JS),
    asset!("js/pins.js", JS),
    asset!("js/proof.js", JS),
    asset!("js/replay.js", JS),
    asset!("js/rows.js", JS),
    asset!("js/zone.js", JS),
];

/// A constant that takes a millisecond to work out.
static ASSETS: LazyLock<Assets> = LazyLock::new(Assets::new);

impl Assets {
    fn new() -> Self {
        let verifier = (VERIFIER, JS, export::web::verifier_script().as_bytes());
        let all = || FILES.iter().copied().chain([verifier]);
        let mut hash = Sha256::new();
        for (name, _, bytes) in all() {
            hash.update(name);
            hash.update(Sha256::digest(bytes));
        }
        let hash: [u8; 32] = hash.finalize().into();
        let files = all().map(|(name, media_type, bytes)| File {
            name,
            media_type,
            bytes,
            gzip: OnceLock::new(),
        });
        Self {
            files: files.collect(),
            hash: crate::keys::hex(hash.first_chunk::<6>().unwrap_or(&[0; 6])),
        }
    }
}

impl File {
    fn gzip(&self) -> Bytes {
        let packed = self.gzip.get_or_init(|| {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
            // Writing into a vector cannot fail.
            let _ = gzip.write_all(self.bytes);
            gzip.finish().unwrap_or_default().into()
        });
        packed.clone()
    }

    fn answer(&self, headers: &HeaderMap, cache: &'static str) -> Response {
        let (coding, body) = if takes_gzip(headers) {
            (Some([(CONTENT_ENCODING, "gzip")]), self.gzip())
        } else {
            (None, Bytes::from_static(self.bytes))
        };
        let types = [
            (CONTENT_TYPE, self.media_type),
            (CACHE_CONTROL, cache),
            (VARY, "accept-encoding"),
        ];
        (StatusCode::OK, types, coding, body).into_response()
    }
}

/// The address of a file.
pub(super) fn url(name: &str) -> String {
    format!("/assets/{}/{name}", ASSETS.hash)
}

/// `GET /assets/{hash}/{name}`. An address of an older version is gone, and its page with it.
pub(super) async fn serve(
    Path((hash, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut files = ASSETS.files.iter();
    let file = files.find(|file| file.name == name && hash == ASSETS.hash);
    let file = file.ok_or_else(Problem::not_found)?;
    Ok(file.answer(&headers, FOR_EVER))
}

/// `GET /favicon.ico`, which browsers ask for whatever a page says.
pub(super) async fn favicon(headers: HeaderMap) -> Result<Response, Problem> {
    let mut files = ASSETS.files.iter();
    let file = files.find(|file| file.name == "favicon.svg");
    Ok(file
        .ok_or_else(Problem::not_found)?
        .answer(&headers, "public, max-age=86400"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_style_sheets_and_modules_name_is_there() {
        for (name, _, bytes) in FILES {
            let Ok(text) = std::str::from_utf8(bytes) else {
                continue;
            };
            if !name.starts_with("js/") {
                continue;
            }
            for part in text.split(" \"./").skip(1) {
                let other = format!("js/{}", part.split('"').next().unwrap());
                assert!(
                    ASSETS.files.iter().any(|file| file.name == other),
                    "{name}: {other}"
                );
            }
        }
    }

    #[test]
    fn style_sheets_take_every_colour_from_the_tokens() {
        let tokens = include_str!("../../assets/css/tokens.css");
        let rest = STYLES.strip_prefix(tokens).unwrap();
        let colours = rest.match_indices('#').filter(|(at, _)| {
            let digits = rest[at + 1..].chars().take_while(char::is_ascii_hexdigit);
            [3, 6, 8].contains(&digits.count())
        });
        let found: Vec<_> = colours.map(|(at, _)| &rest[at..at + 7]).collect();
        assert!(found.is_empty(), "{found:?}");
        for name in rest.split("var(--").skip(1) {
            let name = name.split([')', ',']).next().unwrap();
            let is_set = |sheet: &str| sheet.contains(&format!("--{name}:"));
            assert!(is_set(tokens) || is_set(rest), "--{name}");
        }
    }
}
