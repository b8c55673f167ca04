//! HTTP between clients and upstreams, for every surface that is a proxy.
//!
//! In scope: accepting connections, the pooled client with TLS, which headers are passed on, and the tap: bodies stream
//! through, and what passes is noted for the recorder.

mod client_io;
mod coding;
mod discard;
mod headers;
mod held;
mod listener;
mod path;
mod tap;
mod upstream;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full, combinators::UnsyncBoxBody};

pub(crate) use client_io::ClientIo;
pub use client_io::ClientState;
pub use coding::{Coding, restrict_accepted};
pub use discard::discard;
pub use headers::remove_hop_by_hop;
pub(crate) use headers::{between_neighbours, is_upgrade};
pub use held::{Chained, Held};
pub(crate) use listener::stopped;
pub use listener::{Client, ListenError, Listener};
pub(crate) use path::{BaseUrl, can_be_in_path, decoded, has_dot_segments, named};
pub(crate) use tap::innermost;
pub use tap::{Answer, End, Half, Observer, RequestTap, ResponseTap, Tapped, tap};
pub use upstream::{TlsError, Upstream, UpstreamError, tls_config};

/// Why a body broke off.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// A body on its way in either direction.
pub type Body = UnsyncBoxBody<Bytes, BodyError>;

/// A body that is there already.
#[must_use]
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// No body.
#[must_use]
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}
