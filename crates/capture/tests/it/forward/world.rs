//! A proxy, hosts with and without TLS, and clients.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use indelible_capture::{
    forward::{ForwardConfig, HostMode, HostRule},
    gateway::Settings,
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};

use crate::{
    setup::Setup,
    upstream::{Handler, Script, Seen, answer},
};

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/tls")
        .join(name)
}

/// A proxy that may go to this machine, under these rules.
pub(crate) fn proxy(
    rules: &[(&str, HostMode)],
    change: impl FnOnce(&mut Settings, &Path),
) -> (Setup, PathBuf) {
    proxy_before(|_| unreachable!(), rules, change)
}

/// The same with a host behind it that speaks plain HTTP.
pub(crate) fn proxy_before(
    handler: impl Fn(&Seen) -> Script + Send + Sync + 'static,
    rules: &[(&str, HostMode)],
    change: impl FnOnce(&mut Settings, &Path),
) -> (Setup, PathBuf) {
    let mut ca = PathBuf::new();
    let setup = Setup::with(handler, |settings, dir| {
        let host = |(pattern, mode): &(&str, HostMode)| HostRule {
            pattern: (*pattern).to_owned(),
            mode: *mode,
        };
        settings.llm = None;
        settings.forward_proxy = Some(ForwardConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            allow_private: true,
            upstream_ca_file: Some(fixture("cert.pem")),
            host: rules.iter().map(host).collect(),
            ..ForwardConfig::default()
        });
        settings.ca_dir = dir.join("ca");
        ca = settings.ca_dir.join("ca.pem");
        change(settings, dir);
    });
    (setup, ca)
}

/// Sends a CONNECT; the stream, and the head of the answer.
pub(crate) async fn connect(setup: &Setup, target: &str, headers: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(setup.address).await.unwrap();
    let request = format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = stream
            .read_u8()
            .await
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&head)));
        head.push(byte);
    }
    (stream, String::from_utf8(head).unwrap())
}

/// TLS as `localhost`, with a client that trusts this file.
pub(crate) async fn secure(
    stream: TcpStream,
    trusted: &Path,
    alpn: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(trusted).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn
        .iter()
        .map(|protocol| protocol.as_bytes().to_vec())
        .collect();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// TLS of a host, with these protocols.
pub(crate) fn acceptor(alpn: &[&str]) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(fixture("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(fixture("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = alpn
        .iter()
        .map(|protocol| protocol.as_bytes().to_vec())
        .collect();
    TlsAcceptor::from(Arc::new(config))
}

/// A host with TLS that speaks HTTP; its `localhost:port`, and what it saw.
pub(crate) async fn https_host(
    alpn: &[&str],
    handler: impl Fn(&Seen) -> Script + Send + Sync + 'static,
) -> (String, Arc<Mutex<Vec<Seen>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("localhost:{}", listener.local_addr().unwrap().port());
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let (acceptor, handler): (_, Arc<Handler>) = (acceptor(alpn), Arc::new(handler));
    let kept = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, handler, seen) =
                (acceptor.clone(), Arc::clone(&handler), Arc::clone(&kept));
            tokio::spawn(async move {
                // A client that does not want us is part of a test.
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                let service = service_fn(move |request| {
                    answer(request, Arc::clone(&handler), Arc::clone(&seen))
                });
                let io = TokioIo::new(stream);
                let _ = if is_http2 {
                    let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    http.serve_connection(io, service).await
                } else {
                    let http = hyper::server::conn::http1::Builder::new();
                    http.serve_connection(io, service).await
                };
            });
        }
    });
    (target, seen)
}

/// A host that does with each connection what it is told.
pub(crate) async fn tcp_host<F, D>(act: F) -> String
where
    F: Fn(TcpStream) -> D + Send + 'static,
    D: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(act(stream));
        }
    });
    address
}

/// One request over a stream with either version of HTTP.
pub(crate) async fn ask(
    stream: TlsStream<TcpStream>,
    request: Request<Full<Bytes>>,
) -> (Response<()>, Bytes) {
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let io = TokioIo::new(stream);
    let answer: Response<Incoming> = if is_http2 {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
                .await
                .unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    };
    let (parts, body) = answer.into_parts();
    (
        Response::from_parts(parts, ()),
        body.collect().await.unwrap().to_bytes(),
    )
}
