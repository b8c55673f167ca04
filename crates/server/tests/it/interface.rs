//! The description of the interface, and what needs no key.

use serde_json::Value;

use crate::{client::Call, running::Running};

const COMMITTED: &str = include_str!("openapi.json");

#[test]
fn the_description_is_the_committed_one() {
    let (_dir, node) = Running::fresh();
    let served = node.send(&Call::get("/openapi.json")).ok();
    let pretty = format!("{}\n", serde_json::to_string_pretty(&served).unwrap());
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/openapi.json");
        std::fs::write(path, &pretty).unwrap();
        return;
    }
    assert_eq!(pretty, COMMITTED, "UPDATE_SNAPSHOTS=1 writes the new one");
}

/// Documented paths reach a handler, and the methods that are not documented do not.
#[test]
fn the_description_and_the_router_agree() {
    let (_dir, node) = Running::fresh();
    let document: Value = serde_json::from_str(COMMITTED).unwrap();
    let paths = document["paths"].as_object().unwrap();
    for (path, methods) in paths {
        let documented: Vec<_> = methods.as_object().unwrap().keys().cloned().collect();
        let filled = path.replace(['{', '}'], "");
        for method in ["get", "post", "put", "patch", "delete"] {
            let reply = node.send(&Call::new(&method.to_uppercase(), &filled));
            let known = documented.iter().any(|name| name == method);
            assert_eq!(
                reply.status == 405,
                !known,
                "{method} {path}: {}",
                reply.status
            );
        }
    }
}

#[test]
fn operators_need_no_key() {
    let (_dir, node) = Running::fresh();
    let get = |path: &str| node.send(&Call::get(path));
    assert_eq!(get("/healthz").ok()["status"], "ok");
    assert_eq!(get("/readyz").ok()["status"], "ready");
    node.record(&crate::running::event("a"));
    let metrics = get("/metrics");
    assert!(
        metrics
            .header("content-type")
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    let text = metrics.text();
    assert!(
        text.contains(r#"indelible_events_total{outcome="recorded"} 1"#),
        "{text}"
    );
    assert!(text.contains(r#"route="/v1/events""#), "{text}");
    assert!(text.contains("indelible_log_healthy 1"), "{text}");
    assert!(text.ends_with("# EOF\n"));
}
