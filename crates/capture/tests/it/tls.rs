//! Upstreams with TLS, over HTTP/1.1 and HTTP/2.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{
    setup::Setup,
    upstream::{Handler, Script, Seen, answer},
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/tls")
        .join(name)
}

/// A server that speaks one protocol only; its address.
fn serve(
    runtime: &tokio::runtime::Runtime,
    protocol: &'static str,
    seen: Arc<Mutex<Vec<Seen>>>,
) -> String {
    let certificate = CertificateDer::from_pem_file(fixture("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(fixture("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = vec![protocol.into()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    runtime.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let handler: Arc<Handler> = Arc::new(|_: &Seen| {
                    Script::pieces(
                        "text/event-stream",
                        vec![Ok(include_str!(
                            "../../fixtures/llm/anthropic_messages.sse"
                        )
                        .into())],
                    )
                });
                let service = service_fn(move |request| {
                    answer(request, Arc::clone(&handler), Arc::clone(&seen))
                });
                let io = TokioIo::new(stream);
                if protocol == "h2" {
                    let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    let _ = http.serve_connection(io, service).await;
                } else {
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(io, service)
                        .await;
                }
            });
        }
    });
    format!("https://localhost:{port}/base")
}

#[test]
fn both_versions_of_http_pass_and_are_pooled() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let (one, two) = (
        serve(&runtime, "http/1.1", Arc::clone(&seen)),
        serve(&runtime, "h2", Arc::clone(&seen)),
    );
    let setup = Setup::trusting(&fixture("cert.pem"), |settings| {
        let upstream = &mut settings.llm.as_mut().unwrap().upstream;
        upstream.insert("one".to_owned(), one);
        upstream.insert("two".to_owned(), two);
    });
    for n in 0..6 {
        let name = if n % 2 == 0 { "one" } else { "two" };
        let got = setup.post(
            &format!("/{name}/v1/messages"),
            &[("connection", "keep-alive")],
            r#"{"stream":true}"#,
        );
        assert_eq!((got.status, got.is_whole), (200, true), "{}", got.text());
        let outcome = &setup.trail.events(2 * n + 2)[2 * n + 1];
        assert_eq!(outcome["usage"]["output_tokens"], 89);
        assert_eq!(
            seen.lock().unwrap().last().unwrap().path,
            "/base/v1/messages"
        );
    }
    let untrusting = Setup::with(
        |_| unreachable!(),
        |settings, _| {
            let upstream = &mut settings.llm.as_mut().unwrap().upstream;
            let url = serve(&runtime, "h2", Arc::clone(&seen));
            upstream.insert("two".to_owned(), url);
        },
    );
    let got = untrusting.post("/two/v1/messages", &[], "{}");
    assert_eq!(got.status, 502);
    assert!(got.text().contains("certificate"), "{}", got.text());
}
