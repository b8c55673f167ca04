//! Bytes that pass unread.

use std::time::Duration;

use indelible_capture::{config::Mode, forward::HostMode};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::world::{acceptor, connect, fixture, proxy, secure, tcp_host};

#[test]
fn bytes_pass_both_ways_and_one_that_has_said_all_gets_its_answer() {
    let (setup, _) = proxy(&[], |_, _| {});
    setup.runtime.block_on(async {
        // It answers only when its client has ended its side.
        let host = tcp_host(|mut stream| async move {
            let mut said = Vec::new();
            stream.read_to_end(&mut said).await.unwrap();
            said.reverse();
            stream.write_all(&said).await.unwrap();
        });
        let host = host.await;
        let (mut stream, head) = connect(&setup, &host, "x-indelible-job: j1\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        stream.write_all(b"abc").await.unwrap();
        stream.write_all(&vec![b'd'; 300_000]).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await.unwrap();
        assert_eq!((got.len(), &got[300_000..]), (300_003, &b"cba"[..]));
        let (intent, outcome) = setup.trail.call();
        let port: u64 = host.split_once(':').unwrap().1.parse().unwrap();
        assert_eq!(intent["action"], format!("CONNECT {host}"));
        assert_eq!(intent["source"], "forward-proxy");
        assert_eq!(
            intent["resource"],
            json!({"type": "host", "id": "127.0.0.1"})
        );
        assert_eq!(
            (&intent["job"], &intent["meta"]["port"]),
            (&json!("j1"), &json!(port))
        );
        assert_eq!(outcome["result"], "success");
        let meta = &outcome["meta"];
        assert_eq!(
            (&meta["bytes_sent"], &meta["bytes_received"], &meta["mode"]),
            (&json!(300_003), &json!(300_003), &json!("tunnel"))
        );
        assert_eq!(meta["address"], "127.0.0.1");
        assert!(outcome["duration_us"].is_u64());
    });
}

#[test]
fn a_host_may_speak_first() {
    let (setup, _) = proxy(&[("*", HostMode::Tunnel)], |_, _| {});
    setup.runtime.block_on(async {
        let host = tcp_host(|mut stream| async move {
            stream.write_all(b"220 ready\r\n").await.unwrap();
            let _ = stream.read(&mut [0; 16]).await;
        });
        let (mut stream, _) = connect(&setup, &host.await, "").await;
        let mut greeting = [0; 11];
        stream.read_exact(&mut greeting).await.unwrap();
        assert_eq!(&greeting, b"220 ready\r\n");
        stream.write_all(b"QUIT").await.unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        stream.shutdown().await.unwrap();
        let (_, outcome) = setup.trail.call();
        assert_eq!(outcome["meta"]["bytes_received"], 11);
        assert_eq!(
            (outcome["meta"].get("sni"), &outcome["result"]),
            (None, &json!("success"))
        );
    });
}

#[test]
fn what_a_client_says_before_it_encrypts_is_noted() {
    let (setup, _) = proxy(&[], |_, _| {});
    setup.runtime.block_on(async {
        let acceptor = acceptor(&["h2"]);
        let host = tcp_host(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                let mut stream = acceptor.accept(stream).await.unwrap();
                stream.write_all(b"hidden").await.unwrap();
                stream.shutdown().await.unwrap();
                let _ = stream.read(&mut [0]).await;
            }
        });
        let (stream, _) = connect(&setup, &host.await, "").await;
        let mut stream = secure(stream, &fixture("cert.pem"), &["h2", "http/1.1"])
            .await
            .unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(got, b"hidden");
        drop(stream);
        let (_, outcome) = setup.trail.call();
        assert_eq!(
            (&outcome["meta"]["sni"], &outcome["meta"]["alpn"]),
            (&json!("localhost"), &json!("h2,http/1.1"))
        );
        assert!(!setup.trail.text().contains("hidden"));
    });
}

#[test]
fn a_dead_host_is_told_and_recorded() {
    let (setup, _) = proxy(&[("open.invalid", HostMode::Intercept)], |_, _| {});
    setup.runtime.block_on(async {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let dead = free.local_addr().unwrap().to_string();
        drop(free);
        for (n, target) in [
            dead.as_str(),
            "no-such-host.invalid:443",
            "open.invalid:443",
        ]
        .into_iter()
        .enumerate()
        {
            let (mut stream, head) = connect(&setup, target, "").await;
            assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
            let mut body = vec![0; 30];
            stream.read_exact(&mut body).await.unwrap();
            let events = setup.trail.events(2 * n + 2);
            let [intent, outcome] = &events[2 * n..] else {
                panic!("{events:#?}");
            };
            assert_eq!(
                (&intent["producer"]["phase"], &intent["action"]),
                (&json!("intent"), &json!(format!("CONNECT {target}")))
            );
            assert_eq!(
                (&outcome["result"], &outcome["status"]),
                (&json!("error"), &json!(502))
            );
            assert_eq!(intent["producer"]["call"], outcome["producer"]["call"]);
            assert_eq!(outcome.get("approval"), None);
        }
    });
}

#[test]
fn clients_and_hosts_that_vanish_are_recorded() {
    let (setup, _) = proxy(&[], |_, _| {});
    setup.runtime.block_on(async {
        let host = tcp_host(|mut stream| async move {
            let mut said = [0; 5];
            stream.read_exact(&mut said).await.unwrap();
            if &said == b"reset" {
                stream.set_zero_linger().unwrap();
                return;
            }
            let _ = stream.read(&mut said).await;
        });
        let host = host.await;
        let (mut stream, _) = connect(&setup, &host, "").await;
        stream.write_all(b"reset").await.unwrap();
        let _ = stream.read(&mut [0]).await;
        let outcome = &setup.trail.events(2)[1];
        assert_eq!(
            (&outcome["result"], &outcome["meta"]["bytes_sent"]),
            (&json!("error"), &json!(5))
        );
        assert!(
            outcome["meta"]["reason"]
                .as_str()
                .unwrap()
                .starts_with("the host broke off"),
            "{outcome}"
        );
        let (mut stream, _) = connect(&setup, &host, "").await;
        stream.write_all(b"hello").await.unwrap();
        stream.set_zero_linger().unwrap();
        drop(stream);
        let outcome = &setup.trail.events(4)[3];
        assert_eq!(outcome["result"], "error");
        assert!(
            outcome["meta"]["reason"]
                .as_str()
                .unwrap()
                .starts_with("the client broke off"),
            "{outcome}"
        );
    });
}

#[test]
fn a_slow_reader_holds_its_host_up() {
    let (setup, _) = proxy(&[], |_, _| {});
    setup.runtime.block_on(async {
        let (stalled, mut is_stalled) = tokio::sync::mpsc::channel(1);
        let host = tcp_host(move |mut stream| {
            let stalled = stalled.clone();
            async move {
                // Until nothing is taken any more for a while.
                let piece = vec![7; 1 << 20];
                let mut sent = 0_usize;
                while let Ok(written) =
                    tokio::time::timeout(Duration::from_secs(2), stream.write(&piece)).await
                {
                    sent += written.unwrap();
                }
                stalled.send(sent).await.unwrap();
                stream.shutdown().await.unwrap();
                let _ = stream.read(&mut [0]).await;
            }
        });
        let (mut stream, _) = connect(&setup, &host.await, "").await;
        let sent = is_stalled.recv().await.unwrap();
        assert!(sent < 64 << 20, "{sent} bytes wait somewhere");
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(got.len(), sent);
        let (_, outcome) = setup.trail.call();
        assert_eq!(outcome["meta"]["bytes_received"], sent);
    });
}

#[test]
fn tunnels_end_when_the_proxy_stops() {
    let (mut setup, _) = proxy(&[], |_, _| {});
    let client = setup.runtime.block_on(async {
        let host = tcp_host(|mut stream| async move {
            let _ = stream.read(&mut [0]).await;
        });
        connect(&setup, &host.await, "").await
    });
    setup.stop();
    let (_, outcome) = setup.trail.call();
    assert_eq!(
        (&outcome["result"], &outcome["meta"]["reason"]),
        (&json!("error"), &json!("the proxy stopped"))
    );
    drop(client);
}

#[test]
fn in_strict_mode_nothing_is_dialled_before_it_is_recorded() {
    let (setup, _) = proxy(&[], |settings, _| settings.gateway.mode = Mode::Strict);
    setup.runtime.block_on(async {
        let (dialled, mut was_dialled) = tokio::sync::mpsc::channel(10);
        let host = tcp_host(move |stream| {
            let dialled = dialled.clone();
            async move {
                drop(stream);
                dialled.send(()).await.unwrap();
            }
        });
        let host = host.await;
        let (_, head) = connect(&setup, &host, "").await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        was_dialled.recv().await.unwrap();
        assert_eq!(setup.trail.events(1)[0]["producer"]["phase"], "intent");
        setup
            .disk_is_full
            .store(true, std::sync::atomic::Ordering::SeqCst);
        let (_, head) = connect(&setup, &host, "").await;
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        assert!(was_dialled.try_recv().is_err());
        setup
            .disk_is_full
            .store(false, std::sync::atomic::Ordering::SeqCst);
    });
}
