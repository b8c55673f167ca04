//! A tunnel that is opened: TLS with the client under a certificate of our own, TLS with the host, and in between
//! requests that are recorded.

use std::{
    convert::Infallible,
    net::IpAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hyper::{
    Request,
    body::Incoming,
    server::conn::{http1, http2},
    service::{HttpService, service_fn},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::{pki_types::ServerName, server::Acceptor};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, watch::Receiver},
    time::timeout,
};
use tokio_rustls::{LazyConfigAcceptor, TlsConnector, client::TlsStream};

use super::{
    Shared,
    ca::Protocol,
    dial::Pinned,
    exchange,
    hello::Hello,
    link::{Link, Way},
    pump::both_ways,
    refusal::Refusal,
    relay::Context,
    sniff::{Spoken, sniff},
    tunnel::{About, Tunnel},
};
use crate::{
    config::Mode,
    http::{Body, ClientState, innermost, stopped},
};

/// Longest wait for either handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(20);
/// Largest head of a request, bytes.
const HEAD_BYTES: u32 = 128 << 10;
/// Read and write buffer of a connection, bytes.
const BUFFER_BYTES: usize = 256 << 10;
/// How long a client may take for a request's head, or keep an idle connection.
const HEAD_TIMEOUT: Duration = Duration::from_mins(2);
/// A connection of HTTP/2 that is silent for so long is asked whether it lives.
const PING_EVERY: Duration = Duration::from_secs(30);

/// What becomes of a client that looks at the certificate only when it has one.
const UNASKED: &str = "the client closed after the handshake, without a request";

/// A connection that is to be opened.
pub(super) struct Opened {
    pub(super) shared: Arc<Shared>,
    pub(super) about: About,
    pub(super) pinned: Pinned,
    pub(super) address: Option<IpAddr>,
    pub(super) client: Arc<ClientState>,
    pub(super) permit: Arc<OwnedSemaphorePermit>,
}

/// The host's side of an opened connection.
enum Host<S> {
    Here(S),
    /// What its clients are told.
    Failed(String),
}

/// What both sides agreed to speak inside of TLS.
#[derive(Clone, Copy)]
enum Agreed {
    Http(Protocol),
    Other,
    /// Nearly everybody who names no protocol speaks HTTP/1.1; it is looked at.
    Nothing,
}

impl Opened {
    /// Serves the connection to its end.
    pub(super) async fn run<C>(self, client: C, host: TcpStream)
    where
        C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (spoken, client, host) = match sniff(client, host).await {
            Ok(sniffed) => sniffed,
            Err(error) => return self.broke(error.to_string(), None).await,
        };
        match spoken {
            // A client that speaks first leaves nothing of the host's in front.
            Spoken::Tls => self.open_tls(client, host.into_inner()).await,
            Spoken::Http(protocol) => {
                let way = self.way(None, protocol);
                self.serve(client, Host::Here(host), way, None).await;
            }
            Spoken::Other | Spoken::Nothing => self.pass_unread(client, host, None).await,
        }
    }

    async fn open_tls<C>(self, client: C, host: TcpStream)
    where
        C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let hello = timeout(
            HANDSHAKE_TIMEOUT,
            LazyConfigAcceptor::new(Acceptor::default(), client),
        )
        .await;
        let start = match hello {
            Ok(Ok(start)) => start,
            Ok(Err(error)) => {
                return self
                    .broke(
                        format!("the client's handshake failed: {}", innermost(&error)),
                        None,
                    )
                    .await;
            }
            Err(_) => {
                return self
                    .broke("the client's handshake took too long".to_owned(), None)
                    .await;
            }
        };
        let (hello, offered) = {
            let hello = start.client_hello();
            let offered = hello
                .alpn()
                .into_iter()
                .flatten()
                .map(<[u8]>::to_vec)
                .collect::<Vec<_>>();
            (Hello::of(&hello), offered)
        };
        let name = hello
            .sni
            .clone()
            .unwrap_or_else(|| self.about.target.host.clone());
        let (host, chosen) = match self.secure(&name, host, offered.clone()).await {
            Ok(host) => {
                let chosen = host.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
                (Host::Here(host), chosen)
            }
            // What a client is told has to be in a protocol that it speaks.
            Err(reason) => (
                Host::Failed(reason),
                offered
                    .into_iter()
                    .find(|one| Protocol::of_alpn(one).is_some()),
            ),
        };
        let config = match self.shared.authority.config_for(&name, chosen.as_deref()) {
            Ok(config) => config,
            Err(error) => return self.broke(error.to_string(), Some(hello)).await,
        };
        let client = match timeout(HANDSHAKE_TIMEOUT, start.into_stream(config)).await {
            Ok(Ok(client)) => client,
            // A client that knows the host's certificate by heart does not take ours.
            Ok(Err(error)) => {
                let reason = format!(
                    "the client did not take the proxy's certificate: {}",
                    innermost(&error)
                );
                return self.broke(reason, Some(hello)).await;
            }
            Err(_) => {
                return self
                    .broke(
                        "the client's handshake took too long".to_owned(),
                        Some(hello),
                    )
                    .await;
            }
        };
        let agreed = match chosen.as_deref().map(Protocol::of_alpn) {
            Some(Some(protocol)) => Agreed::Http(protocol),
            Some(None) => Agreed::Other,
            None => Agreed::Nothing,
        };
        self.open_inside(client, host, agreed, name, hello).await;
    }

    async fn open_inside<C, S>(
        self,
        client: C,
        host: Host<S>,
        agreed: Agreed,
        name: String,
        hello: Hello,
    ) where
        C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let host = match (host, agreed) {
            (Host::Failed(reason), Agreed::Http(protocol)) => {
                let way = self.way(Some(name), protocol);
                return self
                    .serve::<_, S>(client, Host::Failed(reason), way, Some(hello))
                    .await;
            }
            (Host::Failed(reason), Agreed::Nothing) => {
                let way = self.way(Some(name), Protocol::Http1);
                return self
                    .serve::<_, S>(client, Host::Failed(reason), way, Some(hello))
                    .await;
            }
            (Host::Failed(reason), Agreed::Other) => return self.broke(reason, Some(hello)).await,
            (Host::Here(host), _) => host,
        };
        match agreed {
            Agreed::Http(protocol) => {
                let way = self.way(Some(name), protocol);
                self.serve(client, Host::Here(host), way, Some(hello)).await;
            }
            Agreed::Other => self.pass_unread(client, host, Some(hello)).await,
            Agreed::Nothing => {
                let (spoken, client, host) = match sniff(client, host).await {
                    Ok(sniffed) => sniffed,
                    Err(error) => {
                        let reason = format!("{UNASKED}: {error}");
                        return self.broke(reason, Some(hello)).await;
                    }
                };
                match spoken {
                    Spoken::Http(protocol) => {
                        let way = self.way(Some(name), protocol);
                        self.serve(client, Host::Here(host), way, Some(hello)).await;
                    }
                    Spoken::Nothing => self.broke(UNASKED.to_owned(), Some(hello)).await,
                    Spoken::Tls | Spoken::Other => {
                        self.pass_unread(client, host, Some(hello)).await;
                    }
                }
            }
        }
    }

    async fn secure(
        &self,
        name: &str,
        host: TcpStream,
        offered: Vec<Vec<u8>>,
    ) -> Result<TlsStream<TcpStream>, String> {
        let name = ServerName::try_from(name.to_owned()).map_err(|error| error.to_string())?;
        let connector = TlsConnector::from(Arc::clone(&self.shared.tls));
        let connecting = connector.with_alpn(offered).connect(name, host);
        match timeout(HANDSHAKE_TIMEOUT, connecting).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(innermost(&error)),
            Err(_) => Err("its handshake took too long".to_owned()),
        }
    }

    /// How the host is reached again, with TLS under this name.
    fn way(&self, name: Option<String>, protocol: Protocol) -> Way {
        let tls = name.and_then(|name| {
            let name = ServerName::try_from(name).ok()?;
            Some((Arc::clone(&self.shared.tls), name))
        });
        Way {
            policy: self.shared.policy,
            pinned: self.pinned.clone(),
            tls,
            protocol,
        }
    }

    /// Reads requests and passes each on. That none came is recorded.
    async fn serve<C, S>(self, client: C, host: Host<S>, way: Way, hello: Option<Hello>)
    where
        C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let protocol = way.protocol;
        let (about, address, said) = (self.about.clone(), self.address, hello.clone());
        let is_asked = Arc::new(AtomicBool::new(false));
        let context = Context {
            way: exchange::Way::Intercept,
            scheme: if way.tls.is_some() { "https" } else { "http" },
            scope: self.about.scope.as_ref().clone(),
            target: self.about.target,
            token: self.about.secrets,
            hello,
            address: self.address,
            // Streams of one connection end apart from each other.
            client: if protocol == Protocol::Http1 {
                self.client
            } else {
                Arc::default()
            },
            permit: Some(self.permit),
            shared: self.shared,
        };
        let mut websockets = false;
        let link = match host {
            Host::Here(host) => match Link::over(way, host).await {
                Ok((link, takes_websockets)) => {
                    websockets = takes_websockets;
                    Ok(link)
                }
                Err(refusal) => Err(refusal.message()),
            },
            Host::Failed(reason) => Err(reason),
        };
        let (context, link) = (Arc::new(context), Arc::new(link));
        let stop = context.shared.stop.clone();
        let service = service_fn({
            let (context, link) = (Arc::clone(&context), Arc::clone(&link));
            let is_asked = Arc::clone(&is_asked);
            move |request: Request<Incoming>| {
                is_asked.store(true, Ordering::Relaxed);
                let (context, link) = (Arc::clone(&context), Arc::clone(&link));
                context.client.wait();
                async move {
                    let send = |request| async {
                        match &*link {
                            Ok(link) => link.send(request).await,
                            Err(reason) => Err(Refusal::Tls(reason.clone())),
                        }
                    };
                    Ok::<_, Infallible>(context.pass(request, send).await)
                }
            }
        });
        let ended = match protocol {
            Protocol::Http1 => serve_http1(client, service, stop).await,
            Protocol::Http2 => serve_http2(client, service, stop, websockets).await,
        };
        if let Err(error) = &ended {
            tracing::debug!(%error, "an intercepted connection broke");
        }
        if is_asked.load(Ordering::Relaxed) {
            return;
        }
        let reason = match (&*link, ended) {
            (Err(reason), _) => reason.clone(),
            (Ok(_), Ok(())) => UNASKED.to_owned(),
            (Ok(_), Err(error)) => format!("{UNASKED}: {}", innermost(&error)),
        };
        write_broken(about, &context.shared, address, said, reason).await;
    }

    /// What is not HTTP passes as in a tunnel.
    async fn pass_unread<C, S>(self, client: C, host: S, hello: Option<Hello>)
    where
        C: AsyncRead + AsyncWrite,
        S: AsyncRead + AsyncWrite,
    {
        let shared = &self.shared;
        let Ok(mut tunnel) = Tunnel::begin(self.about, &shared.core.recorder, shared.mode).await
        else {
            return;
        };
        tunnel.reached(self.address);
        if let Some(hello) = hello {
            tunnel.progress.set_hello(hello);
        }
        let passing = async |progress: &_| both_ways(client, host, progress).await;
        tunnel.run(passing, shared.stop.clone()).await;
    }

    /// The connection came to nothing, which is recorded.
    async fn broke(self, reason: String, hello: Option<Hello>) {
        write_broken(self.about, &self.shared, self.address, hello, reason).await;
    }
}

async fn write_broken(
    about: About,
    shared: &Shared,
    address: Option<IpAddr>,
    hello: Option<Hello>,
    reason: String,
) {
    // The client has no connection that could be refused.
    let Ok(mut tunnel) = Tunnel::begin(about, &shared.core.recorder, Mode::Async).await else {
        return;
    };
    tunnel.reached(address);
    if let Some(hello) = hello {
        tunnel.progress.set_hello(hello);
    }
    tunnel.broke(reason);
}

async fn serve_http1<C, S>(
    client: C,
    service: S,
    mut stop: Receiver<bool>,
) -> Result<(), hyper::Error>
where
    C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: HttpService<Incoming, ResBody = Body, Error = Infallible>,
{
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .preserve_header_case(true)
        .header_read_timeout(HEAD_TIMEOUT)
        .max_header_size(HEAD_BYTES as usize)
        .max_buf_size(BUFFER_BYTES);
    let mut connection = pin!(
        http.serve_connection(TokioIo::new(client), service)
            .with_upgrades()
    );
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = stopped(&mut stop) => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

async fn serve_http2<C, S>(
    client: C,
    service: S,
    mut stop: Receiver<bool>,
    websockets: bool,
) -> Result<(), hyper::Error>
where
    C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: HttpService<Incoming, ResBody = Body, Error = Infallible, Future: Send + 'static>,
{
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .adaptive_window(true)
        .max_header_list_size(HEAD_BYTES);
    if websockets {
        http.enable_connect_protocol();
    }
    let mut connection = pin!(http.serve_connection(TokioIo::new(client), service));
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = stopped(&mut stop) => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}
