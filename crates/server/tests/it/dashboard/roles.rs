//! Who sees and does what.

use serde_json::json;

use crate::{client::Call, visitor::Visitor};

use super::{desk, of_job, person};

#[test]
fn roles_open_what_they_say() {
    let (_dir, node, _) = desk();
    let event = "/events?event=1";
    for (role, sees_content, exports, manages) in [
        ("viewer", false, false, false),
        ("operator", false, false, false),
        ("auditor", true, true, false),
        ("admin", true, true, true),
    ] {
        let key = person(&node, role, None);
        let mut visitor = Visitor::signed_in(&node, &key);
        for path in [
            "/",
            "/events",
            "/jobs/j1",
            "/agents/agent-7",
            "/integrity",
            event,
        ] {
            visitor.page(path);
        }
        let tabs = ["summary", "content", "raw", "proof", "context", "replay"];
        let shown = tabs.map(|tab| visitor.page(&format!("{event}&tab={tab}")));
        let shown = shown.iter().any(|page| page.contains("xylophone"));
        assert_eq!(shown, sees_content, "{role}");
        // Where the content would be, they read why it is not there and who may see it.
        for tab in ["summary", "content", "raw"] {
            let page = visitor.page(&format!("{event}&tab={tab}"));
            let why = format!("for auditors and admins; your role is {role}");
            assert_eq!(page.contains(&why), !sees_content, "{role} {tab}");
        }
        let replay = visitor.page("/jobs/j1/replay?step=2");
        assert_eq!(replay.contains("xylophone"), sees_content, "{role}");
        let file = visitor.get("/events/1/content");
        assert_eq!(file.status == 200, sees_content, "{role}");
        let looking = visitor.page("/events?q=input.tune:*xylophone*");
        assert_eq!(looking.contains("role=\"alert\""), !sees_content, "{role}");
        let export = visitor.get("/export");
        assert_eq!(export.status, if exports { 200 } else { 403 }, "{role}");
        let has_entry = visitor.page("/").contains("href=\"/export\"");
        assert_eq!(has_entry, exports, "{role}");
        let settings = visitor.page("/settings");
        assert_eq!(
            settings.contains("action=\"/settings/keys\""),
            manages,
            "{role}"
        );
        let made = visitor.sealed("/settings/keys", &[("name", "n"), ("role", "admin")]);
        assert_eq!(made.status, if manages { 200 } else { 403 }, "{role}");
        // The key of a person opens the interface to the same.
        let same = node.send(&Call::get("/v1/events/1/content").key(&key));
        assert_eq!(same.status == 200, sees_content, "{role}");
    }
    for body in [
        json!({ "name": "x", "role": "king" }),
        json!({ "name": "x", "role": "viewer", "scopes": ["admin"] }),
    ] {
        node.admin(Call::json("/v1/keys", &body))
            .problem(400, "invalid_body");
    }
}

#[test]
fn somebody_of_one_project_sees_nothing_of_others() {
    let (_dir, node, _) = desk();
    let mut foreign = of_job("foreign.action", 9);
    foreign["project"] = "q".into();
    foreign["job"] = "job-of-q".into();
    foreign["actor"]["id"] = "agent-of-q".into();
    let seq = node.integrate(&json!([foreign]))["results"][0]["seq"].clone();
    let key = person(&node, "admin", Some("p"));
    let mut visitor = Visitor::signed_in(&node, &key);
    for path in [
        "/",
        "/events",
        "/jobs",
        "/agents",
        "/integrity",
        "/export",
        "/settings",
    ] {
        let page = visitor.page(path);
        for word in ["foreign.action", "agent-of-q", "job-of-q", "lonely"] {
            assert!(!page.contains(word), "{word} on {path}");
        }
    }
    let page = visitor.page(&format!("/events?event={seq}"));
    assert!(page.contains("no such event") && !page.contains("foreign.action"));
    for path in [
        "/jobs/job-of-q",
        "/jobs/job-of-q/replay",
        "/agents/agent-of-q",
    ] {
        assert_eq!(visitor.get(path).status, 404, "{path}");
    }
    for part in ["record", "content", "proof"] {
        let path = format!("/events/{seq}/{part}");
        assert_eq!(visitor.get(&path).status, 404, "{path}");
    }
    let page = visitor.page(&format!("/events?q=seq:{seq}"));
    assert!(!page.contains("foreign.action"));
}

#[test]
fn what_a_person_reads_is_in_the_trail_under_their_name() {
    let (dir, mut node, _) = desk();
    let key = person(&node, "auditor", None);
    let mut visitor = Visitor::signed_in(&node, &key);
    visitor.page("/events?q=action:tools/*");
    visitor.page("/events?event=1&tab=content");
    node.stop();
    let node = crate::running::Running::on(dir.path());
    let id = &key[3..19];
    for (action, member) in [("records.read", "filters"), ("contents.read", "seqs")] {
        let found = node
            .get(&format!("/v1/events?action={action}&actor={id}"))
            .ok();
        let event = &found["data"][0];
        assert_eq!(event["actor"]["name"], "auditor", "{found}");
        assert!(event["meta"][member].is_array(), "{event}");
    }
}
