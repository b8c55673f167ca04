//! TLS that is opened.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper::{Request, Response, StatusCode, ext::Protocol, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use indelible_capture::forward::HostMode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::world::{acceptor, ask, connect, fixture, https_host, proxy, secure, tcp_host};
use crate::upstream::{Script, Seen};

const OPEN: [(&str, HostMode); 1] = [("localhost", HostMode::Intercept)];

#[test]
fn requests_inside_are_recorded_in_both_versions_of_http() {
    let (setup, ca) = proxy(&OPEN, |_, _| {});
    setup.runtime.block_on(async {
        for (n, alpn) in [&["h2", "http/1.1"][..], &["http/1.1"], &[]]
            .into_iter()
            .enumerate()
        {
            let (target, seen) = https_host(&["h2", "http/1.1"], |seen: &Seen| {
                Script::whole(
                    200,
                    "application/json",
                    format!(r#"{{"path":"{}"}}"#, seen.path),
                )
            })
            .await;
            let (stream, _) = connect(&setup, &target, "x-indelible-job: j1\r\n").await;
            let stream = secure(stream, &ca, alpn).await.unwrap();
            let chosen = stream
                .get_ref()
                .1
                .alpn_protocol()
                .map(|chosen| String::from_utf8_lossy(chosen).into_owned());
            assert_eq!(chosen.as_deref(), alpn.first().copied());
            let uri = if n == 0 {
                format!("https://{target}/repos/x?page=1")
            } else {
                "/repos/x?page=1".to_owned()
            };
            let request = Request::post(uri)
                .header("host", &target)
                .header("content-type", "application/json")
                .header("authorization", "Bearer planted-in-a-request")
                .body(Full::from(r#"{"title":"bug"}"#))
                .unwrap();
            let (answer, body) = ask(stream, request).await;
            assert_eq!(
                (answer.status().as_u16(), &body[..]),
                (200, &br#"{"path":"/repos/x?page=1"}"#[..])
            );
            assert_eq!(
                seen.lock().unwrap()[0].headers["authorization"],
                "Bearer planted-in-a-request"
            );
            let events = setup.trail.events(2 * n + 2);
            let (intent, outcome) = (&events[2 * n], &events[2 * n + 1]);
            assert_eq!(
                (&intent["action"], &intent["job"]),
                (&json!("POST localhost"), &json!("j1"))
            );
            assert_eq!(
                (&intent["meta"]["path"], &intent["meta"]["mode"]),
                (&json!("/repos/x"), &json!("intercept"))
            );
            assert_eq!(
                (&intent["meta"]["sni"], &intent["meta"]["scheme"]),
                (&json!("localhost"), &json!("https"))
            );
            assert_eq!(intent["content"]["input"]["body"], json!({"title": "bug"}));
            assert_eq!(
                intent["content"]["input"]["url"],
                format!("https://{target}/repos/x?page=1")
            );
            assert_eq!(
                (&outcome["status"], &outcome["result"]),
                (&json!(200), &json!("success"))
            );
        }
        assert!(!setup.trail.text().contains("planted-in-a-request"));
    });
}

#[test]
fn a_host_whose_certificate_is_wrong_is_not_talked_to() {
    let (setup, ca) = proxy(&OPEN, |settings, _| {
        settings.forward_proxy.as_mut().unwrap().upstream_ca_file = None;
    });
    setup.runtime.block_on(async {
        let (target, seen) = https_host(&["h2", "http/1.1"], |_| unreachable!()).await;
        for (n, alpn) in ["h2", "http/1.1"].into_iter().enumerate() {
            let (stream, _) = connect(&setup, &target, "").await;
            let stream = secure(stream, &ca, &[alpn]).await.unwrap();
            let uri = if n == 0 {
                format!("https://{target}/")
            } else {
                "/".to_owned()
            };
            let request = Request::get(uri)
                .header("host", &target)
                .body(Full::default())
                .unwrap();
            let (answer, body) = ask(stream, request).await;
            assert_eq!(answer.status().as_u16(), 502);
            assert!(
                String::from_utf8_lossy(&body).contains("certificate"),
                "{body:?}"
            );
            let events = setup.trail.events(2 * n + 2);
            assert_eq!(
                (&events[2 * n + 1]["result"], &events[2 * n + 1]["status"]),
                (&json!("error"), &json!(502))
            );
        }
        assert!(seen.lock().unwrap().is_empty());
    });
}

#[test]
fn a_client_that_knows_its_host_by_heart_leaves_a_trace() {
    let (setup, _) = proxy(&OPEN, |_, _| {});
    setup.runtime.block_on(async {
        let (target, _) = https_host(&["http/1.1"], |_| unreachable!()).await;
        let (stream, _) = connect(&setup, &target, "").await;
        // It trusts the host's own certificate, and not ours.
        assert!(
            secure(stream, &fixture("cert.pem"), &["http/1.1"])
                .await
                .is_err()
        );
        let (_, outcome) = setup.trail.call();
        assert_eq!(
            (&outcome["action"], &outcome["result"]),
            (&json!(format!("CONNECT {target}")), &json!("error"))
        );
        let reason = outcome["meta"]["reason"].as_str().unwrap();
        assert!(
            reason.starts_with("the client did not take the proxy's certificate"),
            "{reason}"
        );
        assert_eq!(outcome["meta"]["sni"], "localhost");
    });
}

#[test]
fn a_connection_that_the_host_has_closed_is_made_again() {
    let (setup, ca) = proxy(&OPEN, |_, _| {});
    setup.runtime.block_on(async {
        let (target, seen) = https_host(&["http/1.1"], |_| {
            let mut script = Script::whole(200, "text/plain", "x");
            script.headers.push(("connection", "close".to_owned()));
            script
        })
        .await;
        let (stream, _) = connect(&setup, &target, "").await;
        let stream = secure(stream, &ca, &["http/1.1"]).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        for _ in 0..5 {
            sender.ready().await.unwrap();
            let request = Request::get("/")
                .header("host", &target)
                .body(Empty::<Bytes>::new())
                .unwrap();
            let answer = sender.send_request(request).await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
            answer.into_body().collect().await.unwrap();
        }
        assert_eq!(seen.lock().unwrap().len(), 5);
        assert_eq!(setup.trail.events(10).len(), 10);
    });
}

#[test]
fn what_is_not_http_passes_inside_too() {
    let (setup, ca) = proxy(&OPEN, |_, _| {});
    setup.runtime.block_on(async {
        let acceptor = acceptor(&[]);
        let host = tcp_host(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                let mut stream = acceptor.accept(stream).await.unwrap();
                stream.write_all(b"* OK IMAP\r\n").await.unwrap();
                let _ = stream.read(&mut [0; 16]).await;
                stream.shutdown().await.unwrap();
            }
        });
        let target = host.await.replace("127.0.0.1", "localhost");
        let (stream, _) = connect(&setup, &target, "").await;
        let mut stream = secure(stream, &ca, &[]).await.unwrap();
        let mut greeting = [0; 11];
        stream.read_exact(&mut greeting).await.unwrap();
        assert_eq!(&greeting, b"* OK IMAP\r\n");
        stream.write_all(b"a LOGOUT\r\n").await.unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        stream.shutdown().await.unwrap();
        drop(stream);
        let (_, outcome) = setup.trail.call();
        assert_eq!(
            (
                &outcome["meta"]["bytes_sent"],
                &outcome["meta"]["bytes_received"],
                &outcome["result"]
            ),
            (&json!(10), &json!(11), &json!("success"))
        );
        assert_eq!(outcome["meta"]["mode"], "intercept");
    });
}

/// A host that agrees to WebSocket, and says everything again.
async fn websocket_host(alpn: &'static str) -> String {
    let acceptor = acceptor(&[alpn]);
    let host = tcp_host(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let stream = TokioIo::new(acceptor.accept(stream).await.unwrap());
            let service = service_fn(|mut request: Request<hyper::body::Incoming>| async move {
                let upgrade = hyper::upgrade::on(&mut request);
                tokio::spawn(async move {
                    let mut upgraded = TokioIo::new(upgrade.await.unwrap());
                    let mut said = [0; 5];
                    upgraded.read_exact(&mut said).await.unwrap();
                    upgraded.write_all(&said).await.unwrap();
                    upgraded.shutdown().await.unwrap();
                });
                let mut answer = Response::new(Empty::<Bytes>::new());
                if request.version() == hyper::Version::HTTP_11 {
                    assert_eq!(request.headers()["upgrade"], "websocket");
                    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
                    answer
                        .headers_mut()
                        .insert("upgrade", "websocket".parse().unwrap());
                    answer
                        .headers_mut()
                        .insert("connection", "Upgrade".parse().unwrap());
                }
                Ok::<_, hyper::Error>(answer)
            });
            if alpn == "h2" {
                let mut http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                http.enable_connect_protocol();
                let _ = http.serve_connection(stream, service).await;
            } else {
                let http = hyper::server::conn::http1::Builder::new();
                let _ = http.serve_connection(stream, service).with_upgrades().await;
            }
        }
    });
    host.await.replace("127.0.0.1", "localhost")
}

#[test]
fn websockets_pass_in_both_versions_of_http() {
    let (setup, ca) = proxy(&OPEN, |_, _| {});
    setup.runtime.block_on(async {
        for (n, alpn) in ["http/1.1", "h2"].into_iter().enumerate() {
            let target = websocket_host(alpn).await;
            let (stream, _) = connect(&setup, &target, "").await;
            let io = TokioIo::new(secure(stream, &ca, &[alpn]).await.unwrap());
            let mut answer = if alpn == "h2" {
                let (mut sender, mut connection) =
                    hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
                        .await
                        .unwrap();
                while !connection.is_extended_connect_protocol_enabled() {
                    tokio::select! {
                        ended = &mut connection => panic!("{ended:?}"),
                        () = tokio::time::sleep(Duration::from_millis(1)) => {}
                    }
                }
                tokio::spawn(connection);
                let request = Request::connect(format!("https://{target}/chat"))
                    .extension(Protocol::from_static("websocket"))
                    .body(Empty::<Bytes>::new())
                    .unwrap();
                sender.send_request(request).await.unwrap()
            } else {
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(io).await.unwrap();
                tokio::spawn(connection.with_upgrades());
                let request = Request::get("/chat")
                    .header("host", &target)
                    .header("connection", "keep-alive, Upgrade")
                    .header("upgrade", "websocket")
                    .body(Empty::<Bytes>::new())
                    .unwrap();
                sender.send_request(request).await.unwrap()
            };
            let status = if alpn == "h2" { 200 } else { 101 };
            assert_eq!(answer.status().as_u16(), status);
            let mut upgraded = TokioIo::new(hyper::upgrade::on(&mut answer).await.unwrap());
            upgraded.write_all(b"hello").await.unwrap();
            let mut got = Vec::new();
            upgraded.read_to_end(&mut got).await.unwrap();
            assert_eq!(got, b"hello");
            upgraded.shutdown().await.unwrap();
            drop(upgraded);
            let events = setup.trail.events(2 * n + 2);
            let outcome = &events[2 * n + 1];
            assert_eq!(
                (
                    &outcome["status"],
                    &outcome["result"],
                    &outcome["meta"]["upgraded"]
                ),
                (&json!(status), &json!("success"), &json!(true)),
                "{outcome:#}"
            );
            assert_eq!(
                (
                    &outcome["meta"]["bytes_sent"],
                    &outcome["meta"]["bytes_received"],
                    &outcome["meta"]["path"]
                ),
                (&json!(5), &json!(5), &json!("/chat"))
            );
        }
    });
}

#[test]
fn a_client_that_asks_for_nothing_after_the_handshake_is_recorded() {
    let (setup, ca) = proxy(&OPEN, |_, _| {});
    setup.runtime.block_on(async {
        for (n, alpn) in [&["h2"][..], &["http/1.1"], &[]].into_iter().enumerate() {
            let (target, seen) = https_host(&["h2", "http/1.1"], |_| unreachable!()).await;
            let (stream, _) = connect(&setup, &target, "").await;
            let mut stream = secure(stream, &ca, alpn).await.unwrap();
            stream.shutdown().await.unwrap();
            drop(stream);
            let events = setup.trail.events(2 * n + 2);
            let outcome = &events[2 * n + 1];
            assert_eq!(
                (&outcome["action"], &outcome["result"]),
                (&json!(format!("CONNECT {target}")), &json!("error"))
            );
            let reason = outcome["meta"]["reason"].as_str().unwrap();
            let expected = "the client closed after the handshake, without a request";
            assert!(reason.starts_with(expected), "{reason}");
            assert_eq!(outcome["meta"]["sni"], "localhost");
            assert!(seen.lock().unwrap().is_empty());
        }
    });
}
