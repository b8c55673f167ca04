//! Forms: only those of the session's own pages are taken, and what they do is in the trail.

use serde_json::json;

use crate::{
    client::Call,
    running::Running,
    visitor::{Visitor, between, form},
};

use super::{desk, person};

/// Forms of the dashboard with fields that would be good.
const FORMS: [(&str, &[(&str, &str)]); 7] = [
    ("/settings/keys", &[("name", "x"), ("scope", "read")]),
    ("/settings/link", &[("id", "0000000000000000")]),
    ("/settings/revoke", &[("id", "0000000000000000")]),
    ("/views", &[("name", "v"), ("address", "/events?q=a")]),
    ("/views/remove", &[("id", "0000000000000000")]),
    ("/guide/recorded", &[("q0", "1"), ("q1", "0")]),
    ("/taste", &[("theme", "dark")]),
];

fn size(node: &Running) -> u64 {
    let mut count = 0;
    while node.get(&format!("/v1/events/{count}")).status == 200 {
        count += 1;
    }
    count
}

#[test]
fn a_form_without_the_seal_of_its_session_does_nothing() {
    let (_dir, node, mut visitor) = desk();
    let other = Visitor::signed_in(&node, &node.admin).seal();
    let before = size(&node);
    for (path, fields) in FORMS {
        for seal in [None, Some(""), Some("AAAA"), Some(other.as_str())] {
            let mut fields = fields.to_vec();
            fields.extend(seal.map(|seal| ("seal", seal)));
            let reply = visitor.submit(path, &fields);
            assert_eq!(reply.status, 403, "{path} {seal:?}: {}", reply.text());
        }
        let seal = visitor.seal();
        let mut fields = fields.to_vec();
        fields.push(("seal", &seal));
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let reply = visitor.send(form(path, &fields).header(name, value));
            assert_eq!(reply.status, 403, "{path} {name}: {value}");
        }
        let text = Call::post(path, "text/plain", format!("seal={seal}&name=x&scope=read"));
        assert_eq!(visitor.send(text).status, 415, "{path}");
    }
    // The pages that were read to have a seal are recorded once; nothing else was.
    assert_eq!(size(&node), before);
    assert!(!visitor.page("/events").contains("data-theme"));
}

#[test]
fn keys_and_people_are_made_shown_once_and_ended() {
    let (_dir, node, mut admin) = desk();
    let fields = [("name", "ci <b>"), ("scope", "ingest"), ("scope", "read")];
    let page = admin.sealed("/settings/keys", &fields);
    assert_eq!(page.status, 200);
    let key = between(page.text(), "value=\"ik_", "\"");
    let key = format!("ik_{key}");
    node.send(&Call::get("/v1/events").key(&key)).ok();
    let page = admin.page("/settings");
    assert!(!page.contains(&key), "a key is shown once");
    assert!(page.contains("ci &lt;b&gt;"));
    let id = between(&key, "ik_", "_");
    let reply = admin.sealed("/settings/revoke", &[("id", id)]);
    assert_eq!(reply.header("location"), Some("/settings"));
    node.send(&Call::get("/v1/events").key(&key))
        .problem(401, "unauthorized");
    let changes = node
        .get(&format!("/v1/events?source=system&resource={id}"))
        .ok();
    assert!(changes["data"].as_array().unwrap().len() >= 2, "{changes}");
    for (fields, status) in [
        (&[("name", "")] as &[(&str, &str)], 400),
        (&[("name", "x")], 400),
        (&[("name", "x"), ("scope", "nonsense")], 400),
        (
            &[("name", "x"), ("role", "viewer"), ("expires", "never")],
            200,
        ),
    ] {
        let reply = admin.sealed("/settings/keys", fields);
        assert_eq!(reply.status, status, "{fields:?}: {}", reply.text());
    }
}

#[test]
fn an_acknowledgement_is_recorded_when_the_answers_are_right() {
    let (_dir, node, _) = desk();
    let viewer = person(&node, "viewer", None);
    let mut visitor = Visitor::signed_in(&node, &viewer);
    let recorded = || node.get("/v1/events?action=guide.acknowledged").ok()["data"].clone();
    let reply = visitor.sealed("/guide/recorded", &[("q0", "0"), ("q1", "0")]);
    assert_eq!(reply.status, 200);
    assert_eq!(recorded(), json!([]));
    let right = [("q0", "1"), ("q1", "0")];
    let reply = visitor.sealed("/guide/recorded", &right);
    assert_eq!(reply.header("location"), Some("/guide/recorded?done=1"));
    let event = recorded()[0].clone();
    assert_eq!(event["actor"]["name"], "viewer");
    assert_eq!(event["meta"]["lesson"], "recorded");
    assert_eq!(event["meta"]["edition"], 1);
    assert!(visitor.page("/guide").contains("1 of 5 acknowledged"));
    assert_eq!(visitor.sealed("/guide/nosuch", &right).status, 404);
}

#[test]
fn views_are_saved_for_everybody_of_a_trail() {
    let (_dir, node, mut visitor) = desk();
    let fields = [
        ("name", "Calls"),
        ("address", "/events?q=action:tools/*"),
        ("next", "/events"),
    ];
    let reply = visitor.sealed("/views", &fields);
    assert_eq!(reply.header("location"), Some("/events"));
    let viewer = person(&node, "viewer", None);
    let mut other = Visitor::signed_in(&node, &viewer);
    let page = other.page("/events");
    assert!(page.contains("Calls") && page.contains("/events?q=action:tools/*"));
    let id = between(&page, "name=\"id\" value=\"", "\"").to_owned();
    assert_eq!(other.sealed("/views/remove", &[("id", &id)]).status, 303);
    assert!(!visitor.page("/events").contains("Calls"));
    for address in [
        "https://evil.example/events",
        "//evil.example",
        "/settings",
        "",
    ] {
        let reply = visitor.sealed("/views", &[("name", "n"), ("address", address)]);
        assert_eq!(reply.status, 400, "{address}");
    }
}

#[test]
fn a_taste_is_kept_by_the_browser() {
    let (_dir, _node, mut visitor) = desk();
    let fields = [("theme", "dark"), ("next", "/jobs")];
    let reply = visitor.sealed("/taste", &fields);
    assert_eq!(reply.header("location"), Some("/jobs"));
    assert!(
        visitor
            .page("/events")
            .contains("<html lang=\"en\" data-theme=\"dark\"")
    );
    visitor.sealed("/taste", &[("theme", "")]);
    assert!(!visitor.page("/events").contains("data-theme"));
    visitor.sealed("/taste", &[("theme", "\"><script>")]);
    assert!(!visitor.page("/events").contains("data-theme"));
}
