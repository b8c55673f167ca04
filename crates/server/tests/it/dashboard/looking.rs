//! Looking for events: filters, lists, links, the tail.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};

use crate::{
    client::Call,
    running::{Running, event},
    visitor::{Visitor, between},
};

use super::desk;

#[test]
fn a_bad_filter_is_kept_and_its_place_is_marked() {
    let (_dir, _node, mut visitor) = desk();
    for path in ["/events", "/jobs", "/", "/agents", "/jobs/j1", "/export"] {
        let page = visitor.page(&format!("{path}?q=actr%3Aagent-7%20result%3Aerror"));
        assert!(page.contains("role=\"alert\""), "{path}");
        assert!(page.contains("<mark>actr</mark>"), "{path}");
        // What was meant is one click away.
        assert!(
            page.contains("q=actor%3Aagent-7+result%3Aerror")
                || page.contains("q=actor:agent-7+result:error"),
            "{path}"
        );
    }
    let page = visitor.page("/events?q=actr%3Aagent-7");
    assert!(page.contains("value=\"actr:agent-7\""));
    assert!(page.contains("aria-invalid=\"true\""));
    let page = visitor.page("/events?q=(");
    assert!(page.contains("<mark>"));
}

#[test]
fn a_place_that_is_none_is_said_and_not_taken_for_the_start() {
    let (_dir, _node, mut visitor) = desk();
    for path in [
        "/events?after=bad",
        "/events?before=-1",
        "/jobs?after=x",
        "/jobs/j1?after=1.5",
    ] {
        let page = visitor.page(path);
        assert!(page.contains("no place in this list"), "{path}");
        assert!(page.contains("role=\"alert\""), "{path}");
        assert!(!page.contains("<tr class=\"event\""), "{path}");
    }
    assert!(visitor.page("/events?after=3").contains("data-seq=\"2\""));
}

#[test]
fn what_has_no_price_is_said_once() {
    let (_dir, node, mut visitor) = desk();
    let call = |job: &str, cost: Option<u64>| {
        let mut usage =
            json!({ "provider": "p", "model": "m", "input_tokens": 1, "output_tokens": 1 });
        if let Some(cost) = cost {
            usage["cost_nanousd"] = cost.into();
        }
        json!({ "actor": { "id": "a" }, "job": job, "source": "llm", "action": "messages.create", "usage": usage })
    };
    node.integrate(&json!([
        call("free", None),
        call("free", None),
        call("both", None),
        call("both", Some(70_000_000))
    ]));
    let page = visitor.page("/jobs");
    let row = |job: &str| {
        let from = page.find(&format!("href=\"/jobs/{job}\"")).unwrap();
        page[from..].split("</tr>").next().unwrap().to_owned()
    };
    assert_eq!(
        row("free").matches("unpriced").count(),
        1,
        "{}",
        row("free")
    );
    assert!(row("both").contains("1 unpriced"), "{}", row("both"));
}

#[test]
fn an_export_of_nothing_says_so() {
    let (_dir, _node, mut visitor) = desk();
    let page = visitor.page("/export?q=action:nosuch");
    assert!(page.contains("No event matches these answers"));
    assert!(!visitor.page("/export").contains("No event matches"));
}

#[test]
fn rows_are_links_newest_first_in_pages() {
    let (_dir, node, mut visitor) = desk();
    let many: Vec<_> = (0..120).map(|n| event(&format!("step.{n}"))).collect();
    node.integrate(&json!(many));
    let filter = "/events?q=action%3Astep.*";
    let page = visitor.page(filter);
    assert!(
        page.contains("120 events") && page.contains(">step.119<") && !page.contains(">step.69<")
    );
    let older = between(&page, "rel=\"next\" href=\"", "\"").replace("&amp;", "&");
    let second = visitor.page(&older);
    assert!(
        second.contains(">step.69<")
            && !second.contains(">step.70<")
            && !second.contains(">step.19<")
    );
    let newer = between(&second, "rel=\"prev\" href=\"", "\"").replace("&amp;", "&");
    assert!(visitor.page(&newer).contains(">step.119<"));
    let row = between(&page, "<tr class=\"event\" data-seq=\"", "\"").to_owned();
    let link = between(&page, "href=\"/events?q=action%3Astep.*&amp;event=", "\"");
    assert_eq!(row, link);
    let open = visitor.page(&format!("{filter}&event={row}&tab=context"));
    assert!(open.contains(&format!("data-seq=\"{row}\" aria-selected=\"true\"")));
    assert!(open.contains(">step.109<"), "ten before");
    assert!(
        visitor
            .page("/events?event=99999")
            .contains("no such event")
    );
}

#[test]
fn nothing_found_names_the_term_that_excludes_everything() {
    let (_dir, _node, mut visitor) = desk();
    let page = visitor.page("/events?q=actor:agent-7%20action:nothing.such");
    assert!(page.contains("Without") && page.contains("action:nothing.such"));
    assert!(page.contains("href=\"/events?q=actor%3Aagent-7\""));
    let page = visitor.page("/events?q=actor:agent-7&from=2020-01-01&to=2020-01-02");
    assert!(page.contains("href=\"/events?q=actor%3Aagent-7\""));
}

#[test]
fn a_share_is_pinned_to_times_and_to_the_tree() {
    let (_dir, node, mut visitor) = desk();
    let page = visitor.page("/events?q=actor:agent-7&from=-1d");
    let shared = between(&page, "id=\"share-link\" readonly value=\"", "\"").replace("&amp;", "&");
    let all = visitor.page("/events?q=actor:agent-7");
    for page in [&page, &all] {
        let shared = between(page, "id=\"share-link\" readonly value=\"", "\"");
        for part in ["from=20", "to=20", "at="] {
            assert!(shared.contains(part), "{shared}");
        }
    }
    assert!(!shared.contains("from=-1d"), "{shared}");
    let path = shared.split_once("/events").unwrap().1;
    let path = format!("/events{path}");
    let count = |page: &str| between(page, "id=\"count\">", "<").to_owned();
    let before = count(&visitor.page(&path));
    node.integrate(&json!([event("later")]));
    assert_eq!(count(&visitor.page(&path)), before);
    // A page that took long to make has begun with 200; it says what failed all the same.
    let beyond = visitor.get("/events?at=999999");
    assert!([200, 400].contains(&beyond.status));
    assert!(
        beyond.text().contains("card lined fault"),
        "{}",
        beyond.text()
    );
    assert!(!beyond.text().contains("id=\"count\""));
}

/// What a stream of rows says until a text has come.
fn live(node: &Running, visitor: &Visitor, query: &str, act: impl FnOnce(), until: &str) -> String {
    let call = visitor.with_cookies(Call::get(""));
    let cookie = between(&format!("{call:?}"), "\"cookie\", \"", "\"").to_owned();
    let mut stream = TcpStream::connect(node.address).unwrap();
    write!(
        stream,
        "GET /events/live?{query} HTTP/1.1\r\nhost: test\r\ncookie: {cookie}\r\n\r\n"
    )
    .unwrap();
    act();
    let (mut text, mut bytes) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut bytes).unwrap();
        text.extend_from_slice(&bytes[..count]);
        let said = String::from_utf8_lossy(&text);
        assert!(count > 0, "the stream ended: {said}");
        if said.contains(until) {
            return said.into_owned();
        }
    }
}

#[test]
fn live_rows_come_as_the_page_would_show_them() {
    let (_dir, node, mut visitor) = desk();
    let page = visitor.page("/events?live=1");
    let newest = between(&page, "<tr class=\"event\" data-seq=\"", "\"");
    let query = format!("q=action:live.*&after={newest}");
    let act = || {
        node.integrate(&json!([event("other"), event("live.<b>"), event("other")]));
    };
    let text = live(&node, &visitor, &query, act, "live.");
    assert!(text.contains("content-type: text/event-stream"), "{text}");
    assert!(
        text.contains("live.&lt;b&gt;") && text.contains("<tr class=\"event"),
        "{text}"
    );
    assert!(!text.contains(">other<"), "{text}");
    let reply = visitor.get("/events/live?q=(");
    assert_eq!(reply.status, 400);
}

#[test]
fn more_than_anybody_reads_is_counted_and_the_newest_are_shown() {
    let (_dir, node, visitor) = desk();
    let many: Value = (0..130).map(|n| event(&format!("many.{n}"))).collect();
    let first = node.integrate(&many)["results"][0]["seq"].as_u64().unwrap();
    let query = format!("q=action:many.*&after={}", first - 1);
    let text = live(&node, &visitor, &query, || {}, "many.129<");
    let gap = format!(
        "event: gap\ndata: {{\"missed\":80,\"from\":{first},\"to\":{}}}",
        first + 80
    );
    assert!(text.contains(&gap), "{text}");
    assert_eq!(text.matches("\nid: ").count(), 50, "{text}");
    assert!(
        text.find("many.80<").unwrap() < text.find("many.129<").unwrap(),
        "{text}"
    );
}

#[test]
fn a_part_is_all_that_a_script_asks_for() {
    let (_dir, _node, mut visitor) = desk();
    let call = Call::get("/events?event=1")
        .header("hx-request", "true")
        .header("hx-target", "aside#drawer");
    let part = visitor.send(call);
    assert_eq!(part.status, 200);
    assert!(
        part.text()
            .starts_with("<aside class=\"drawer\" id=\"drawer\"")
    );
}

#[test]
fn gaps_and_first_runs_are_seen() {
    let (_dir, node) = crate::running::Running::fresh();
    let mut visitor = crate::visitor::Visitor::signed_in(&node, &node.admin);
    let page = visitor.page("/");
    assert!(page.contains("Waiting for the first event") && page.contains("id=\"waiting\""));
    let numbered = |seq: u64| json!({ "actor": { "id": "a" }, "action": "x", "producer": { "id": "p-1", "seq": seq } });
    node.integrate(&json!([numbered(0), numbered(1), numbered(5)]));
    let page = visitor.page("/");
    assert!(page.contains("3 events never arrived") && page.contains("numbers 2–4"));
    assert!(visitor.page("/integrity").contains("2–4"));
    assert!(visitor.page("/export").contains("1 gap"));
}
