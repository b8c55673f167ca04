//! Exports in the background, over HTTP.

use std::{sync::Arc, time::Duration};

use event::RecordView;
use export::{archive::Archive, verify::verify};
use indelible_server::{Config, ExportsConfig};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    client::Call,
    running::{Running, event},
};

/// An event with a content and a number.
fn numbered(n: u64, project: &str) -> Value {
    json!({
        "actor": { "id": "agent-7" }, "action": "=order", "project": project,
        "producer": { "id": "p", "seq": n }, "input": { "n": n },
    })
}

fn filled() -> (TempDir, Running) {
    let (dir, node) = Running::fresh();
    let events: Value = (0..40)
        .filter(|n| *n != 5)
        .map(|n| numbered(n, if n % 2 == 0 { "even" } else { "odd" }))
        .collect();
    node.integrate(&events);
    (dir, node)
}

#[track_caller]
fn start(node: &Running, key: &str, body: &Value) -> String {
    let reply = node.send(&Call::json("/v1/exports", body).key(key));
    assert_eq!(reply.status, 202, "{}", reply.text());
    let export = reply.ok();
    assert!(["queued", "running", "done"].contains(&export["status"].as_str().unwrap()));
    export["id"].as_str().unwrap().to_owned()
}

/// Waits until an export is over; what became of it.
#[track_caller]
fn wait(node: &Running, key: &str, id: &str) -> Value {
    for _ in 0..1_500 {
        let path = format!("/v1/exports/{id}");
        let export = node.send(&Call::get(&path).key(key)).ok();
        if ["done", "failed"].contains(&export["status"].as_str().unwrap()) {
            return export;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the export does not end");
}

#[track_caller]
fn make(node: &Running, key: &str, body: &Value) -> (Value, Vec<u8>) {
    let export = wait(node, key, &start(node, key, body));
    assert_eq!(export["status"], "done", "{export}");
    let download = export["links"]["download"].as_str().unwrap();
    let reply = node.send(&Call::get(download).key(key));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body.len() as u64, export["bytes"].as_u64().unwrap());
    let length = reply.header("content-length").unwrap();
    assert_eq!(length, export["bytes"].to_string());
    (export, reply.body)
}

#[test]
fn a_package_verifies_and_is_bound_to_the_log() {
    let (_dir, node) = filled();
    let body = json!({ "contents": true, "purpose": "audit <Q4>" });
    let (export, package) = make(&node, &node.admin, &body);
    let pinned = node.get("/v1/log/key").text().trim_end().parse().unwrap();
    let report = verify(Arc::new(package), Some(&pinned), &mut |_| {});
    assert!(report.is_good(), "{:?}", report.faults);
    let manifest = report.manifest.unwrap();
    assert_eq!(manifest.purpose, "audit <Q4>");
    assert!(manifest.exporter.starts_with("admin (key "));
    assert_eq!(manifest.gaps[0].count(), 1);
    assert_eq!(manifest.counts.contents, 39);
    assert_eq!(export["counts"]["contents"], 39);
    assert_eq!(manifest.query.at, export["query"]["at"].as_u64().unwrap());
    assert_eq!(report.checks.records, manifest.query.at);
    let seq = report.export.unwrap().seq;
    assert_eq!(export["event_seq"], seq);
    let record = node.get(&format!("/v1/events/{seq}")).ok();
    assert_eq!(record["action"], "export.created");
    assert_eq!(record["meta"]["manifest_sha256"], export["sha256"]);
    assert_eq!(record["meta"]["purpose"], "audit <Q4>");
    assert_eq!(
        record["resource"],
        json!({ "type": "export", "id": export["id"] })
    );
    let downloads = node.get("/v1/count?q=action:export.downloaded").ok();
    assert_eq!(downloads["value"], 1);
}

#[test]
fn sheets_hold_what_was_selected_at_a_size_of_the_log() {
    let (_dir, node) = filled();
    let body = json!({ "q": "project:odd", "format": "jsonl", "contents": true });
    let (export, file) = make(&node, &node.admin, &body);
    let text = String::from_utf8(file).unwrap();
    assert_eq!(text.lines().count(), 19);
    let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(first["contents"], json!({ "input": { "n": 1 } }));
    let record = node
        .get(&format!("/v1/events/{}", export["event_seq"]))
        .ok();
    assert_eq!(record["meta"]["sha256"], export["sha256"]);
    let at = first["seq"].as_u64().unwrap() + 3;
    let body = json!({ "q": "project:odd", "at": at, "format": "csv" });
    let (export, file) = make(&node, &node.admin, &body);
    let text = String::from_utf8(file).unwrap();
    assert_eq!(text.lines().count(), 3);
    assert!(
        text.contains("'=order") && !text.contains("\"\"n\"\""),
        "{text}"
    );
    assert_eq!(export["query"]["q"], "project:odd");
    let empty =
        json!({ "from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z", "format": "jsonl" });
    let (export, file) = make(&node, &node.admin, &empty);
    assert!(file.is_empty());
    assert_eq!(export["query"]["from"], "2020-01-01T00:00:00.000000Z");
}

#[test]
fn a_key_of_a_project_exports_its_own_and_no_more() {
    let (_dir, node) = filled();
    let body = json!({ "name": "odd", "scopes": ["read", "content", "export"], "project": "odd" });
    let odd = node.make_key(&node.admin, &body);
    let odd = odd["key"].as_str().unwrap();
    let (export, package) = make(&node, odd, &json!({ "contents": true }));
    let report = verify(Arc::new(package.clone()), None, &mut |_| {});
    assert!(report.is_good(), "{:?}", report.faults);
    assert_eq!(report.checks.records, 19);
    let manifest = report.manifest.unwrap();
    assert_eq!(manifest.query.q, "project:odd");
    // Number 5 of both projects' producer is missing; its neighbours are of the other one.
    assert_eq!(manifest.gaps, []);
    let archive = Archive::open(Arc::new(package)).unwrap();
    for name in [
        "records.jsonl",
        "contents.jsonl",
        "events.csv",
        "gaps.json",
        "export.json",
    ] {
        let bytes = archive.member(name).unwrap().read_whole(1 << 20);
        let text = String::from_utf8(bytes.unwrap().unwrap()).unwrap();
        assert!(
            !text.contains("even\"") && !text.contains("even,"),
            "{text}"
        );
    }
    // The other one's exports are not there for it, its own ones are there for the whole trail.
    let (other, _) = make(&node, &node.admin, &json!({ "format": "csv" }));
    let path = format!("/v1/exports/{}", other["id"].as_str().unwrap());
    node.send(&Call::get(&path).key(odd))
        .problem(404, "not_found");
    node.send(&Call::get(&format!("{path}/download")).key(odd))
        .problem(404, "not_found");
    node.send(&Call::new("DELETE", &path).key(odd))
        .problem(404, "not_found");
    let list = |key: &str| {
        let list = node.send(&Call::get("/v1/exports").key(key)).ok();
        let ids = list["data"].as_array().unwrap().iter();
        ids.map(|e| e["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(list(odd), [export["id"].clone()]);
    assert_eq!(
        list(&node.admin),
        [other["id"].clone(), export["id"].clone()]
    );
}

#[test]
fn contents_need_their_scope_when_asked_for_and_when_fetched() {
    let (_dir, node) = filled();
    let exporter = node.key_with(&["export"]);
    for body in [json!({ "contents": true }), json!({ "q": "input.n:1" })] {
        node.send(&Call::json("/v1/exports", &body).key(&exporter))
            .problem(403, "insufficient_scope");
    }
    let (export, _) = make(&node, &node.admin, &json!({ "contents": true }));
    let download = export["links"]["download"].as_str().unwrap();
    node.send(&Call::get(download).key(&exporter))
        .problem(403, "insufficient_scope");
    let (_, package) = make(&node, &exporter, &json!({ "q": "action:=order" }));
    let report = verify(Arc::new(package), None, &mut |_| {});
    assert_eq!((report.checks.contents, report.checks.withheld), (0, 39));
}

#[test]
fn what_cannot_be_exported_is_refused_at_once() {
    let (_dir, node) = filled();
    let ask = |body: &Value| node.admin(Call::json("/v1/exports", body));
    ask(&json!({ "q": "actoor:x" })).problem(400, "invalid_filter");
    ask(&json!({ "at": 1_000_000 })).problem(400, "invalid_parameter");
    ask(&json!({ "from": "yesterday" })).problem(400, "invalid_parameter");
    ask(&json!({ "format": "xlsx" })).problem(400, "invalid_body");
    ask(&json!({ "what": 1 })).problem(400, "invalid_body");
    ask(&json!({ "purpose": "x".repeat(1_001) })).problem(400, "invalid_body");
    ask(&json!({ "q": format!("\"{}\"", "\u{1}".repeat(9_000)) })).problem(400, "invalid_body");
    node.get("/v1/exports/ex_0/download")
        .problem(404, "not_found");
}

#[test]
fn an_export_is_there_after_a_restart_and_gone_when_removed() {
    let (dir, mut node) = filled();
    let (export, package) = make(&node, &node.admin, &json!({}));
    let download = export["links"]["download"].as_str().unwrap();
    // What a crash leaves behind.
    let exports = dir.path().join("exports");
    std::fs::write(exports.join("ex_00.zip"), b"x").unwrap();
    std::fs::create_dir(exports.join("ex_01.tmp")).unwrap();
    let state = exports.join(format!("{}.json", export["id"].as_str().unwrap()));
    node.stop();
    let node = Running::on(dir.path());
    assert!(!exports.join("ex_00.zip").exists() && !exports.join("ex_01.tmp").exists());
    assert_eq!(node.get(download).body, package);
    let own = export["links"]["self"].as_str().unwrap();
    assert_eq!(node.admin(Call::new("DELETE", own)).status, 204);
    node.get(own).problem(404, "not_found");
    assert!(!state.exists());
    assert_eq!(std::fs::read_dir(&exports).unwrap().count(), 0);
}

#[test]
fn an_export_that_a_stop_interrupts_has_failed_and_says_so() {
    let (dir, mut node) = filled();
    // Five that wait for each other: some are not done when the server stops.
    let ids: Vec<String> = (0..5)
        .map(|_| start(&node, &node.admin, &json!({})))
        .collect();
    node.stop();
    let node = Running::on(dir.path());
    let mut failed = 0;
    for id in &ids {
        let export = node.get(&format!("/v1/exports/{id}")).ok();
        if export["status"] == "failed" {
            let error = export["error"].as_str().unwrap();
            assert!(error.contains("the server was stopped"), "{error}");
            node.get(&format!("/v1/exports/{id}/download"))
                .problem(409, "not_done");
            failed += 1;
        } else {
            assert_eq!(export["status"], "done");
        }
    }
    assert!(failed > 0);
    let (_, package) = make(&node, &node.admin, &json!({}));
    assert!(verify(Arc::new(package), None, &mut |_| {}).is_good());
}

#[test]
fn only_so_many_wait() {
    let (_dir, node) = filled();
    let replies: Vec<_> = (0..40)
        .map(|_| node.admin(Call::json("/v1/exports", &json!({}))))
        .collect();
    let busy = replies.iter().find(|reply| reply.status == 429);
    busy.expect("40 exports at once").problem(429, "busy");
}

#[test]
fn a_changed_state_is_not_believed() {
    let (dir, mut node) = filled();
    let (export, _) = make(&node, &node.admin, &json!({}));
    let id = export["id"].as_str().unwrap();
    let state = dir.path().join("exports").join(format!("{id}.json"));
    node.stop();
    let text = std::fs::read_to_string(&state).unwrap();
    std::fs::write(
        &state,
        text.replace("\"trail\":\"default\"", "\"trail\":\"another\""),
    )
    .unwrap();
    let node = Running::on(dir.path());
    node.get(&format!("/v1/exports/{id}"))
        .problem(404, "not_found");
}

#[test]
fn the_room_for_exports_is_bounded() {
    let dir = TempDir::new().unwrap();
    let node = Running::with(Config {
        data: dir.path().to_owned(),
        exports: ExportsConfig {
            limit_gib: 1,
            ..ExportsConfig::default()
        },
        ..Config::default()
    });
    node.integrate(&event("a"));
    let (export, _) = make(&node, &node.admin, &json!({}));
    assert!(export["bytes"].as_u64().unwrap() < 1 << 20);
    let record = node.get(&format!("/v1/events/{}/record", export["event_seq"]));
    assert!(RecordView::parse(&record.body).is_ok());
}
