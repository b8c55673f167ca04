//! Who gets in, for how long, and where they go from there.

use serde_json::json;

use crate::{
    client::Call,
    running::Running,
    visitor::{Visitor, between, form},
};

use super::{PAGES, desk, person};

#[test]
fn every_page_leads_to_the_sign_in_and_back() {
    let (_dir, node, _) = desk();
    for path in PAGES.iter().skip(1).chain(&[
        "/jobs/j1",
        "/jobs/j1/replay",
        "/agents/agent-7",
        "/events?q=a%20b&tz=UTC",
        "/events/1/content",
    ]) {
        let mut visitor = Visitor::new(&node);
        let reply = visitor.get(path);
        assert_eq!(reply.status, 303, "{path}");
        let sign_in = reply.header("location").unwrap();
        assert!(sign_in.starts_with("/sign-in?next="), "{sign_in}");
        let page = visitor.page(sign_in);
        let next = between(&page, "name=\"next\" value=\"", "\"").replace("&amp;", "&");
        let reply = visitor.submit("/sign-in", &[("key", &node.admin), ("next", &next)]);
        assert_eq!(
            (reply.status, reply.header("location")),
            (303, Some(*path)),
            "{path}"
        );
        assert_eq!(visitor.get(path).status, 200, "{path}");
    }
    // A form that nobody is signed in for is not sent again.
    let reply = Visitor::new(&node).submit("/settings/keys", &[("name", "x")]);
    assert_eq!(
        (reply.status, reply.header("location")),
        (303, Some("/sign-in?next=%2Fsettings%2Fkeys"))
    );
}

#[test]
fn nobody_is_led_elsewhere() {
    let (_dir, node, _) = desk();
    for next in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "/%0d%0aset-cookie:a=b\r\n",
        "javascript:alert(1)",
        "events",
        "",
    ] {
        let reply = Visitor::new(&node).submit("/sign-in", &[("key", &node.admin), ("next", next)]);
        let location = reply.header("location").unwrap();
        let is_local = location.starts_with('/')
            && !location.starts_with("//")
            && !location.contains(['\\', '\r', '\n']);
        assert!(is_local, "{next:?} leads to {location:?}");
        let query: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let page = Visitor::new(&node).page(&format!("/sign-in?next={query}"));
        assert!(!page.contains("evil.example"), "{next}");
    }
}

#[test]
fn wrong_keys_are_told_alike_and_not_for_ever() {
    let (_dir, node, mut admin) = desk();
    let expired = json!({ "name": "x", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z" });
    let expired = node.make_key(&node.admin, &expired)["key"].clone();
    let revoked = node.make_key(&node.admin, &json!({ "name": "y", "scopes": ["read"] }));
    let id = revoked["id"].as_str().unwrap();
    admin.sealed("/settings/revoke", &[("id", id)]);
    let mut visitor = Visitor::new(&node);
    let mut pages = Vec::new();
    for key in [
        "",
        "ik_0000000000000000_000000000000000000000000000000000000000000000000",
        expired.as_str().unwrap(),
        revoked["key"].as_str().unwrap(),
    ] {
        let reply = visitor.submit("/sign-in", &[("key", key), ("next", "/jobs")]);
        assert_eq!(reply.status, 401, "{key}");
        assert!(!reply.text().contains("ik_0"), "a key is not shown again");
        pages.push(reply.text().to_owned());
    }
    pages.dedup();
    assert_eq!(pages.len(), 1, "{pages:?}");
    let blind = node.key_with(&["ingest"]);
    assert_eq!(visitor.submit("/sign-in", &[("key", &blind)]).status, 403);
    for _ in 4..10 {
        assert_eq!(visitor.submit("/sign-in", &[("key", "x")]).status, 401);
    }
    let reply = visitor.submit("/sign-in", &[("key", &node.admin)]);
    assert_eq!(reply.status, 429);
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=300).contains(&wait), "{wait}");
    // Those who are in stay in.
    assert_eq!(admin.get("/events").status, 200);
}

#[test]
fn a_link_signs_in_once() {
    let (_dir, node, mut admin) = desk();
    let fields = [("name", "Jana"), ("role", "viewer")];
    let page = admin.sealed("/settings/keys", &fields);
    assert_eq!(page.status, 200);
    let link = between(page.text(), "/sign-in?link=", "\"").to_owned();
    let path = format!("/sign-in?link={link}&next=%2Fjobs");
    let looked = node.send(&Call::new("HEAD", &path));
    assert_eq!((looked.status, looked.header("set-cookie")), (200, None));
    let mut jana = Visitor::new(&node);
    let reply = jana.get(&path);
    assert_eq!(
        (reply.status, reply.header("location")),
        (303, Some("/jobs"))
    );
    assert!(jana.page("/events").contains("Jana"));
    assert_eq!(Visitor::new(&node).get(&path).status, 401);
    for bad in ["/sign-in?link=", "/sign-in?link=%00", "/sign-in?link=AAAA"] {
        assert_eq!(Visitor::new(&node).get(bad).status, 401, "{bad}");
    }
}

#[test]
fn a_session_survives_a_restart_and_ends_with_its_key_or_when_it_is_left() {
    let (dir, mut node, mut admin) = desk();
    let mut other = Visitor::signed_in(&node, &node.admin);
    let viewer = person(&node, "viewer", None);
    let mut guest = Visitor::signed_in(&node, &viewer);
    node.stop();
    let text = std::fs::read_to_string(dir.path().join("sessions.json")).unwrap();
    let cookies = format!("{guest:?}");
    let token = between(&cookies, "(\"indelible_session\", \"", "\"");
    assert!(!text.contains(token));
    let node = Running::on(dir.path());
    for visitor in [&mut admin, &mut other, &mut guest] {
        visitor.moves_to(&node);
        assert_eq!(visitor.get("/events").status, 200);
    }
    let kept = other.clone();
    let reply = other.sealed("/sign-out", &[]);
    assert_eq!(reply.header("location"), Some("/sign-in"));
    assert_eq!(other.get("/events").status, 303);
    // The cookie that somebody kept is worth nothing either.
    assert_eq!(kept.clone().get("/events").status, 303);
    let id = between(&viewer, "ik_", "_");
    assert_eq!(admin.sealed("/settings/revoke", &[("id", id)]).status, 303);
    assert_eq!(guest.get("/events").status, 303);
    assert_eq!(admin.get("/events").status, 200);
}

#[test]
fn the_cookie_is_out_of_reach_and_the_key_is_nowhere() {
    let (_dir, node, mut visitor) = desk();
    let reply = Visitor::new(&node).submit("/sign-in", &[("key", &node.admin)]);
    let cookie = reply.header("set-cookie").unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let behind = form("/sign-in", &[("key", &node.admin)]).header("x-forwarded-proto", "https");
    let reply = node.send(&behind);
    assert!(reply.header("set-cookie").unwrap().contains("Secure"));
    for path in PAGES {
        assert!(!visitor.page(path).contains(&node.admin), "{path}");
    }
}

#[test]
fn a_session_reads_the_interface_and_changes_nothing_there() {
    let (_dir, node, visitor) = desk();
    let get = visitor.with_cookies(Call::get("/v1/events"));
    assert_eq!(node.send(&get).status, 200);
    let stream = visitor.with_cookies(Call::new("HEAD", "/v1/events"));
    assert_eq!(node.send(&stream).status, 200);
    let foreign = visitor
        .with_cookies(Call::get("/v1/events"))
        .header("sec-fetch-site", "cross-site");
    node.send(&foreign).problem(401, "unauthorized");
    let body = json!([{ "actor": { "id": "a" }, "action": "x" }]);
    let post = visitor.with_cookies(Call::json("/v1/events", &body));
    node.send(&post).problem(401, "unauthorized");
    let key = json!({ "name": "x", "scopes": ["read"] });
    let post = visitor.with_cookies(Call::json("/v1/keys", &key));
    node.send(&post).problem(401, "unauthorized");
}
