//! What events say is text, wherever it is shown.

use serde_json::{Value, json};

use crate::{running::Running, visitor::Visitor};

use super::{HOSTILE, PAGES};

/// An event that says the same in every member that has text.
fn everywhere(source: &str, second: u32) -> Value {
    let cast = format!(
        "{}\n[0.1, \"o\", {}]\n",
        json!({ "version": 3, "term": { "cols": 80, "rows": 24 } }),
        Value::from(HOSTILE)
    );
    json!({
        "id": format!("{source}-{second}"), "time": format!("2026-05-01T10:00:{second:02}Z"),
        "project": HOSTILE, "job": HOSTILE, "trace": HOSTILE, "span": HOSTILE,
        "actor": { "type": "user", "id": HOSTILE, "name": HOSTILE, "role": HOSTILE, "ip": HOSTILE },
        "initiator": { "type": "user", "id": HOSTILE, "name": HOSTILE },
        "source": source, "action": if second == 0 { "job.started" } else { HOSTILE },
        "resource": { "type": HOSTILE, "id": HOSTILE, "name": HOSTILE },
        "result": "error", "status": 500, "duration_us": 2_000_000,
        "approval": { "decision": "denied", "approver": HOSTILE, "rule": HOSTILE, "reason": HOSTILE },
        "usage": { "provider": HOSTILE, "model": HOSTILE, "input_tokens": 5, "output_tokens": 7 },
        "producer": { "id": HOSTILE, "seq": second * 2, "phase": "outcome", "call": HOSTILE },
        "description": HOSTILE, "meta": { HOSTILE: HOSTILE },
        "content": {
            "input": { "messages": [{ "role": HOSTILE, "content": HOSTILE }], "url": HOSTILE, "method": HOSTILE,
                "headers": { HOSTILE: HOSTILE }, "body": HOSTILE },
            "output": { "choices": [{ "message": { "role": HOSTILE, "content": HOSTILE } }], "content": [{ "type": "text", "text": HOSTILE }] },
            "argv": ["sh", HOSTILE], "cwd": HOSTILE, "env": { HOSTILE: HOSTILE },
            "stdout": format!("\u{1b}[31m{HOSTILE}\u{1b}]8;;javascript:alert(3)\u{7}"), "stderr": HOSTILE,
            "recording": cast, HOSTILE: HOSTILE,
        },
    })
}

const SOURCES: [&str; 8] = [
    "llm",
    "mcp",
    "shell",
    "kubernetes",
    "forward-proxy",
    "aws",
    "sandbox",
    "app",
];

/// What a browser would take for more than text.
#[track_caller]
fn assert_harmless(page: &str, place: &str) {
    for bad in ["<script>alert", "<img src=x", "onerror=alert(2)>"] {
        assert!(!page.contains(bad), "{bad:?} at {place}");
    }
    // Fields hold the very text that they send.
    let shown = without(page, &[" value=\"", " data-live-filter=\""]);
    for bad in ["\u{202e}", "\u{200b}", "\u{0}"] {
        let before = shown.split_once(bad).map(|(before, _)| before);
        let before = before.map(|before| before.chars().rev().take(60).collect::<String>());
        assert_eq!(before, None, "{bad:?} at {place}, behind this backwards");
    }
    for (at, _) in page.match_indices("href=\"") {
        let target = &page[at + 6..];
        let is_ours = target.starts_with(['/', '#', '?']);
        assert!(is_ours, "{place}: {:?}", &target[..60.min(target.len())]);
    }
}

/// The page without the values of attributes that begin so.
fn without(page: &str, attributes: &[&str]) -> String {
    attributes.iter().fold(page.to_owned(), |page, attribute| {
        let mut parts = page.split(attribute);
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |whole, part| {
            whole + part.split_once('"').map_or("", |(_, rest)| rest)
        })
    })
}

#[test]
fn hostile_text_is_text_everywhere() {
    let (_dir, node) = Running::fresh();
    let events: Vec<Value> = (0..)
        .zip(SOURCES)
        .map(|(second, source)| everywhere(source, second))
        .collect();
    let answer = node.integrate(&Value::from(events));
    assert_eq!(answer["recorded"], 8, "{answer}");
    let mut visitor = Visitor::signed_in(&node, &node.admin);
    let name: String = form_urlencoded::byte_serialize(HOSTILE.as_bytes())
        .collect::<String>()
        .replace('+', "%20");
    let mut paths: Vec<String> = PAGES.map(str::to_owned).to_vec();
    paths.push(format!("/agents/{name}"));
    let job = format!("/jobs/{name}");
    for show in [
        "",
        "?show=cost",
        "?show=approvals",
        "?show=whole",
        "?event=2",
    ] {
        paths.push(format!("{job}{show}"));
    }
    for step in 1..=8 {
        paths.push(format!("{job}/replay?step={step}"));
    }
    for seq in 1..=8 {
        for tab in ["summary", "content", "raw", "proof", "context", "replay"] {
            paths.push(format!("/events?event={seq}&tab={tab}"));
        }
    }
    for field in [
        "actor",
        "action",
        "resource",
        "project",
        "job",
        "model",
        "rule",
        "description",
    ] {
        paths.push(format!(
            "/events?q={field}:%22{}%22",
            name.replace("%22", "%5C%22").replace("%00", "%5Cu0000")
        ));
    }
    paths.push(format!("/events?q={name}"));
    paths.push(format!("/jobs?q={name}"));
    paths.push(format!("/observe?q={name}"));
    paths.push(format!(
        "/?q={name}&from={name}&to={name}&tz={name}&by={name}&interval={name}"
    ));
    paths.push(format!(
        "/events?event={name}&tab={name}&after={name}&at={name}&cols={name}&all={name}"
    ));
    paths.push(format!(
        "/export?form={name}&kind={name}&reason={name}&q={name}"
    ));
    paths.push(format!("/{name}"));
    let mut shown = 0;
    for path in &paths {
        let reply = visitor.get(path);
        assert!(
            reply.status < 500,
            "{path}: {} {}",
            reply.status,
            reply.text()
        );
        assert_harmless(reply.text(), path);
        shown += usize::from(reply.text().contains("alert(1)"));
        for (header, value) in &reply.headers {
            assert!(!value.contains("alert"), "{path} {header}");
        }
    }
    assert!(shown > 40, "the text is shown on {shown} pages");
}

#[test]
fn files_are_downloads_and_never_pages() {
    let (_dir, node) = Running::fresh();
    node.integrate(&json!([everywhere("app", 1)]));
    let mut visitor = Visitor::signed_in(&node, &node.admin);
    for part in [
        "record",
        "content",
        "content/stdout",
        "content/recording",
        "content/env",
        "proof",
    ] {
        let path = format!("/events/1/{part}");
        let reply = visitor.get(&path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        let header = |name: &str| {
            reply
                .header(name)
                .unwrap_or_else(|| panic!("{path} has no {name}"))
        };
        assert!(
            header("content-disposition").starts_with("attachment"),
            "{path}"
        );
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert!(!header("content-type").contains("html"), "{path}");
    }
    for path in [
        "/events/1/content/nosuch",
        "/events/99/record",
        "/events/x/record",
    ] {
        assert_eq!(visitor.get(path).status, 404, "{path}");
    }
}

#[test]
fn a_value_of_five_megabytes_is_cut_and_can_be_had() {
    let (_dir, node) = Running::fresh();
    let long = "é<b>".repeat(1_300_000);
    node.integrate(
        &json!([{ "actor": { "id": "a" }, "action": "long", "job": "j", "source": "shell",
        "content": { "stdout": long, "argv": ["x"] }, "input": long.get(..40_000) }]),
    );
    let mut visitor = Visitor::signed_in(&node, &node.admin);
    for path in [
        "/events",
        "/events?event=1",
        "/events?event=1&tab=content",
        "/events?event=1&tab=raw",
        "/events?event=1&tab=proof",
        "/events?event=1&tab=context",
        "/jobs/j",
        "/jobs/j/replay?step=1",
    ] {
        let page = visitor.page(path);
        assert!(page.len() < 400_000, "{path}: {} bytes", page.len());
    }
    let page = visitor.page("/events?event=1&tab=content");
    assert!(page.contains("/events/1/content/stdout") && page.contains("Cut when it was recorded"));
    let file = visitor.get("/events/1/content/stdout");
    eprintln!(
        "{} {:?} {:?}",
        file.status,
        file.headers,
        String::from_utf8_lossy(&file.body[..100])
    );
    // The server keeps a million bytes of a content.
    assert!(file.body.len() > 1_000_000 && file.text().starts_with("{\"truncated\":"));
}
