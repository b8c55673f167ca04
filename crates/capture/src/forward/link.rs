//! The connection to the host of an intercepted one, made again when the host has closed it.

use std::{sync::Arc, time::Duration};

use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::Mutex,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    ca::Protocol,
    dial::{Pinned, Policy},
    refusal::Refusal,
    settings::FirstSettings,
};
use crate::http::{Body, innermost};

/// Read buffer of a connection, bytes: what a tap may hold on to.
const BUFFER_BYTES: usize = 256 << 10;

/// Longest wait for a host's settings, which are the first that it says.
const SETTINGS_PATIENCE: Duration = Duration::from_millis(500);

/// How a host is reached again.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) policy: Policy,
    pub(super) pinned: Pinned,
    /// `None` without TLS.
    pub(super) tls: Option<(Arc<rustls::ClientConfig>, ServerName<'static>)>,
    pub(super) protocol: Protocol,
}

/// A connection to a host. One client's requests go over it, and nobody else's.
pub(super) struct Link {
    way: Way,
    sender: Mutex<Option<Sender>>,
}

enum Sender {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

impl Way {
    /// TLS with the host, over a connection that is there.
    pub(super) async fn secure(
        &self,
        stream: TcpStream,
        alpn: Vec<Vec<u8>>,
    ) -> Result<TlsStream<TcpStream>, Refusal> {
        let Some((config, name)) = &self.tls else {
            return Err(Refusal::Tls("the host has none".to_owned()));
        };
        let connector = TlsConnector::from(Arc::clone(config));
        let connecting = connector.with_alpn(alpn).connect(name.clone(), stream);
        connecting
            .await
            .map_err(|error| Refusal::Tls(innermost(&error)))
    }

    async fn connect(&self) -> Result<Sender, Refusal> {
        let stream = self
            .policy
            .dial(&self.pinned)
            .await
            .map_err(Refusal::Dial)?;
        if self.tls.is_none() {
            return Sender::new(stream, self.protocol).await;
        }
        let stream = self
            .secure(stream, vec![self.protocol.alpn().to_vec()])
            .await?;
        Sender::new(stream, self.protocol).await
    }
}

impl Link {
    /// Over a connection that is there already. Says also whether the host takes an extended CONNECT (RFC 8441).
    pub(super) async fn over<S>(way: Way, stream: S) -> Result<(Self, bool), Refusal>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (stream, settings) = FirstSettings::new(stream);
        let sender = Sender::new(stream, way.protocol).await?;
        let takes_websockets = way.protocol == Protocol::Http2
            && matches!(timeout(SETTINGS_PATIENCE, settings).await, Ok(Ok(true)));
        let link = Self {
            way,
            sender: Mutex::new(Some(sender)),
        };
        Ok((link, takes_websockets))
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, Refusal> {
        match self.way.protocol {
            Protocol::Http1 => self.send_http1(request).await,
            Protocol::Http2 => self.send_http2(request).await,
        }
    }

    async fn send_http1(&self, mut request: Request<Body>) -> Result<Response<Incoming>, Refusal> {
        let mut kept = self.sender.lock().await;
        let mut is_new = false;
        loop {
            let mut sender = match kept.take() {
                Some(Sender::Http1(sender)) if !sender.is_closed() => sender,
                _ => match self.way.connect().await? {
                    Sender::Http1(sender) => {
                        is_new = true;
                        sender
                    }
                    Sender::Http2(_) => {
                        return Err(Refusal::NoAnswer(
                            "the host changed its protocol".to_owned(),
                        ));
                    }
                },
            };
            let sent = match sender.ready().await {
                Ok(()) => sender.try_send_request(request).await,
                Err(_) if !is_new => continue,
                Err(error) => return Err(no_answer(&error)),
            };
            let mut failed = match sent {
                Ok(answer) => {
                    *kept = Some(Sender::Http1(sender));
                    return Ok(answer);
                }
                Err(failed) => failed,
            };
            // The host closed a connection that waited, and has not seen anything of this request.
            match failed.take_message() {
                Some(unsent) if !is_new => request = unsent,
                _ => return Err(no_answer(failed.error())),
            }
        }
    }

    async fn send_http2(&self, request: Request<Body>) -> Result<Response<Incoming>, Refusal> {
        let mut sender = {
            let mut kept = self.sender.lock().await;
            match &*kept {
                Some(Sender::Http2(sender)) if !sender.is_closed() => sender.clone(),
                _ => match self.way.connect().await? {
                    Sender::Http2(sender) => {
                        *kept = Some(Sender::Http2(sender.clone()));
                        sender
                    }
                    Sender::Http1(_) => {
                        return Err(Refusal::NoAnswer(
                            "the host changed its protocol".to_owned(),
                        ));
                    }
                },
            }
        };
        sender.ready().await.map_err(|error| no_answer(&error))?;
        sender
            .send_request(request)
            .await
            .map_err(|error| no_answer(&error))
    }
}

impl Sender {
    async fn new<S>(stream: S, protocol: Protocol) -> Result<Self, Refusal>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let io = TokioIo::new(stream);
        match protocol {
            Protocol::Http1 => {
                let mut http = http1::Builder::new();
                http.preserve_header_case(true).max_buf_size(BUFFER_BYTES);
                let (sender, connection) = http
                    .handshake(io)
                    .await
                    .map_err(|error| no_answer(&error))?;
                tokio::spawn(async move {
                    // Whoever waits for an answer learns of it.
                    let _ = connection.with_upgrades().await;
                });
                Ok(Self::Http1(sender))
            }
            Protocol::Http2 => {
                let mut http = http2::Builder::new(TokioExecutor::new());
                http.timer(TokioTimer::new()).adaptive_window(true);
                let (sender, connection) = http
                    .handshake(io)
                    .await
                    .map_err(|error| no_answer(&error))?;
                tokio::spawn(async move {
                    let _ = connection.await;
                });
                Ok(Self::Http2(sender))
            }
        }
    }
}

fn no_answer(error: &hyper::Error) -> Refusal {
    Refusal::NoAnswer(innermost(error))
}
