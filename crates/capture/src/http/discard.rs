use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body as HttpBody;
use tokio::time::{Instant, timeout_at};

/// Bytes of a refused body that are read and dropped.
const DISCARD_BYTES: usize = 64 << 20;
/// How long a refused body is read.
const DISCARD_TIME: Duration = Duration::from_secs(10);

/// Reads and drops a body that nobody wants, within bounds: a client that is still sending would see a reset connection
/// instead of its answer.
pub async fn discard<B: HttpBody<Data = Bytes> + Unpin>(mut body: B) {
    let deadline = Instant::now() + DISCARD_TIME;
    let mut discarded = 0;
    while discarded < DISCARD_BYTES {
        match timeout_at(deadline, body.frame()).await {
            Ok(Some(Ok(frame))) => discarded += frame.data_ref().map_or(0, Bytes::len),
            _ => return,
        }
    }
}
