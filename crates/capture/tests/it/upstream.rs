//! A provider that answers what a test tells it to.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, StreamBody};
use hyper::{
    HeaderMap, Request, Response, StatusCode, body::Frame, body::Incoming, service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::mpsc};

/// What the provider saw.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) version: hyper::Version,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A piece of an answer; an error breaks it off.
pub(crate) type Piece = Result<Bytes, std::io::Error>;

/// An answer whose body is sent piece by piece.
pub(crate) struct Script {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: mpsc::Receiver<Piece>,
}

/// What answers: it is asked for each request.
pub(crate) type Handler = dyn Fn(&Seen) -> Script + Send + Sync;

#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
}

impl Script {
    /// A whole answer.
    pub(crate) fn whole(status: u16, kind: &str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let (mut script, sender) = Self::open(status, kind);
        script
            .headers
            .push(("content-length", body.len().to_string()));
        sender.try_send(Ok(body)).unwrap();
        script
    }

    /// An answer in pieces, without a length.
    pub(crate) fn pieces(kind: &str, pieces: Vec<Piece>) -> Self {
        let (script, sender) = Self::open(200, kind);
        for piece in pieces {
            sender.try_send(piece).unwrap();
        }
        script
    }

    /// An answer whose pieces come when the test sends them.
    pub(crate) fn open(status: u16, kind: &str) -> (Self, mpsc::Sender<Piece>) {
        let (sender, body) = mpsc::channel(10_000);
        let script = Self {
            status,
            headers: vec![("content-type", kind.to_owned())],
            body,
        };
        (script, sender)
    }
}

impl Upstream {
    /// Starts on a free port, in the runtime of the caller.
    pub(crate) async fn start(handler: impl Fn(&Seen) -> Script + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
        };
        let (handler, seen): (Arc<Handler>, _) = (Arc::new(handler), Arc::clone(&upstream.seen));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (handler, seen) = (Arc::clone(&handler), Arc::clone(&seen));
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        answer(request, Arc::clone(&handler), Arc::clone(&seen))
                    });
                    let http = hyper::server::conn::http1::Builder::new();
                    // A client that breaks off is part of a test.
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        upstream
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn last(&self) -> Seen {
        self.seen.lock().unwrap().last().unwrap().clone()
    }
}

pub(crate) async fn answer(
    request: Request<Incoming>,
    handler: Arc<Handler>,
    seen: Arc<Mutex<Vec<Seen>>>,
) -> Result<Response<http_body_util::combinators::UnsyncBoxBody<Bytes, std::io::Error>>, Infallible>
{
    let (parts, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let this = Seen {
        method: parts.method.to_string(),
        version: parts.version,
        path: parts.uri.path_and_query().unwrap().to_string(),
        headers: parts.headers,
        body,
    };
    // It may wait for the test, which must not hold up the runtime.
    let asked = this.clone();
    let script = tokio::task::spawn_blocking(move || handler(&asked))
        .await
        .unwrap();
    seen.lock().unwrap().push(this);
    let mut body = script.body;
    let pieces = futures_util::stream::poll_fn(move |context| body.poll_recv(context));
    let body = StreamBody::new(pieces.map(|piece| piece.map(Frame::data))).boxed_unsync();
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::from_u16(script.status).unwrap();
    for (name, value) in script.headers {
        answer.headers_mut().insert(name, value.parse().unwrap());
    }
    Ok(answer)
}
