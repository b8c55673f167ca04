//! What holds on every page.

use crate::{
    client::Call,
    visitor::{Visitor, between},
};

use super::{PAGES, desk};

/// All pages, with what can be in their addresses.
fn all() -> Vec<String> {
    let mut all: Vec<String> = PAGES.map(str::to_owned).to_vec();
    for path in [
        "/sign-in",
        "/nosuch",
        "/jobs/nosuch",
        "/events?q=(",
        "/events?event=1",
        "/events?event=1&tab=proof",
        "/events?event=1&tab=raw",
        "/events?event=1&tab=content",
        "/events?event=1&tab=context",
        "/jobs/j1",
        "/jobs/j1?show=cost",
        "/jobs/j1?show=approvals",
        "/jobs/j1?show=whole",
        "/jobs/j1/replay",
        "/agents/agent-7",
        "/?q=action:x&by=source",
    ] {
        all.push(path.to_owned());
    }
    all
}

#[test]
fn pages_hold_no_script_or_style_and_say_so() {
    let (_dir, _node, mut visitor) = desk();
    for path in all() {
        let reply = visitor.get(&path);
        let page = reply.text();
        let policy = reply.header("content-security-policy").unwrap_or_default();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'"),
            "{path}: {policy}"
        );
        for part in [
            "style-src 'self';",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        let plays = path.contains("/replay");
        assert_eq!(policy.contains("wasm-unsafe-eval"), plays, "{path}");
        assert!(
            !policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"),
            "{path}"
        );
        assert_eq!(
            reply.header("referrer-policy"),
            Some("same-origin"),
            "{path}"
        );
        assert_eq!(
            reply.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
        for (at, _) in page.match_indices("<script") {
            assert!(
                page[at..].starts_with("<script src=\"/assets/"),
                "{path}: {}",
                &page[at..at + 80]
            );
        }
        assert!(
            !page.contains("<style") && !page.contains(" style=\""),
            "{path}"
        );
        for event in [" onclick=", " onload=", " onerror=\"", " hx-on"] {
            assert!(!page.contains(event), "{path}: {event}");
        }
        assert!(
            page.starts_with("<!DOCTYPE html><html lang=\"en\""),
            "{path}"
        );
        assert_eq!(page.matches("<main").count(), 1, "{path}");
        assert!(page.matches("<h1").count() <= 1, "{path}");
        assert!(page.contains("Skip to the content"), "{path}");
    }
}

#[test]
fn every_link_and_file_of_a_page_is_there() {
    let (_dir, _node, mut visitor) = desk();
    let mut seen = std::collections::BTreeSet::new();
    let mut open: Vec<String> = all();
    open.retain(|path| !path.contains("nosuch"));
    while let Some(path) = open.pop() {
        if !seen.insert(path.clone()) || seen.len() > 300 {
            continue;
        }
        let reply = visitor.get(&path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        if reply.header("content-type") != Some("text/html; charset=utf-8") {
            continue;
        }
        let page = reply.text().to_owned();
        for attribute in [" href=\"", " src=\"", " action=\""] {
            for (at, _) in page.match_indices(attribute) {
                let target = page[at + attribute.len()..].split('"').next().unwrap();
                let target = target.split('#').next().unwrap().replace("&amp;", "&");
                let is_form = attribute == " action=\"";
                let posts = ["/sign-out", "/taste", "/views", "/settings/", "/guide/"];
                if target.starts_with('/')
                    && !(is_form && posts.iter().any(|post| target.starts_with(post)))
                {
                    open.push(target);
                }
            }
        }
        // Labels and descriptions name what is on the page.
        for attribute in [
            " for=\"",
            " aria-labelledby=\"",
            " aria-describedby=\"",
            " list=\"",
        ] {
            for (at, _) in page.match_indices(attribute) {
                let id = page[at + attribute.len()..].split('"').next().unwrap();
                assert!(
                    page.contains(&format!(" id=\"{id}\"")),
                    "{path}: {attribute}{id}"
                );
            }
        }
        let mut ids: Vec<&str> = page
            .match_indices(" id=\"")
            .map(|(at, _)| page[at + 5..].split('"').next().unwrap())
            .collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "{path}: an id is there twice");
    }
    assert!(seen.len() > 100, "{}", seen.len());
}

#[test]
fn odd_addresses_are_no_faults_of_the_server() {
    let (_dir, _node, mut visitor) = desk();
    let long = "a".repeat(6_000);
    let odd = [
        "",
        "%",
        "%00",
        "%ff%fe",
        "-1",
        "1e99",
        "99999999999999999999",
        "\u{e9}",
        "..",
        "null",
        "[]",
        "-1000000d",
        "9999-99-99",
        "2026-02-30T25:61",
        "now",
        "+0",
        "%E2%80%AE",
        "a%20OR%20b",
        "((((((",
        "\"",
        "*",
        "a:*:b",
        &long,
    ];
    for path in ["/", "/events", "/export", "/jobs/j1/replay"] {
        for name in [
            "q", "from", "to", "tz", "at", "event", "tab", "after", "before", "by", "interval",
            "step", "show", "all", "cols", "live", "form", "content",
        ] {
            for value in odd.iter().filter(|value| value.is_ascii()) {
                let address = format!("{path}?{name}={}", value.replace([' ', '"'], "%22"));
                let reply = visitor.get(&address);
                assert!(
                    reply.status < 500,
                    "{address}: {} {}",
                    reply.status,
                    reply.text()
                );
            }
        }
    }
    for path in [
        "/jobs/%ff",
        "/agents/%00",
        "/jobs/..%2f..",
        "/guide/%F0",
        "/events/-1/record",
        "/events/1/content/%ff",
        "/assets/x/../app.css",
    ] {
        let reply = visitor.get(path);
        assert!(
            (400..500).contains(&reply.status),
            "{path}: {}",
            reply.status
        );
    }
}

#[test]
fn what_is_not_there_has_a_page_for_people_and_a_problem_for_programs() {
    let (_dir, node, mut visitor) = desk();
    let page = visitor.get("/nosuch");
    assert_eq!(page.status, 404);
    assert!(page.text().contains("There is nothing here"));
    node.send(&Call::get("/nosuch")).problem(404, "not_found");
    let page = visitor.get("/jobs/nosuch");
    assert_eq!(page.status, 404);
    let id = page.header("x-request-id").unwrap().to_owned();
    assert!(page.text().contains(&id), "{}", page.text());
}

#[test]
fn assets_are_packed_and_kept_for_ever_under_their_hash() {
    let (_dir, node, mut visitor) = desk();
    let page = visitor.page("/events");
    let style = between(&page, "rel=\"stylesheet\" href=\"", "\"");
    // Nobody has to be signed in for the sign-in page's looks.
    let plain = node.send(&Call::get(style));
    assert_eq!(plain.status, 200);
    assert_eq!(
        plain.header("content-type"),
        Some("text/css; charset=utf-8")
    );
    let kept = plain.header("cache-control").unwrap();
    assert!(
        kept.contains("immutable") && kept.contains("max-age=31536000"),
        "{kept}"
    );
    let packed = node.send(&Call::get(style).header("accept-encoding", "gzip"));
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() * 2 < plain.body.len());
    let hash = between(style, "/assets/", "/");
    let other = style.replace(hash, "0000000000000000");
    assert_eq!(node.send(&Call::get(&other)).status, 404);
    for bad in [
        "/assets/../keys.json",
        "/assets/x/%2e%2e/keys.json",
        &format!("/assets/{hash}/nosuch.css"),
    ] {
        assert_eq!(node.send(&Call::get(bad)).status, 404, "{bad}");
    }
    assert_eq!(node.send(&Call::get("/favicon.ico")).status, 200);
}

#[test]
fn the_first_load_is_light() {
    let (_dir, node, mut visitor) = desk();
    for path in PAGES {
        let page = visitor.page(path);
        let mut bytes = 0;
        let packed = |path: &str, visitor: &mut Visitor| {
            visitor
                .send(Call::get(path).header("accept-encoding", "gzip"))
                .body
                .len()
        };
        bytes += packed(path, &mut visitor);
        let mut files = std::collections::BTreeSet::from(["/assets/".to_owned()]);
        files.clear();
        for (at, _) in page.match_indices("\"/assets/") {
            files.insert(page[at + 1..].split('"').next().unwrap().to_owned());
        }
        let script = files
            .iter()
            .find(|file| file.ends_with("js/app.js"))
            .unwrap()
            .clone();
        let modules = String::from_utf8(node.send(&Call::get(&script)).body).unwrap();
        for (at, _) in modules.match_indices("\"./") {
            let module = modules[at + 3..].split('"').next().unwrap();
            files.insert(script.replace("app.js", module));
        }
        for file in &files {
            bytes += packed(file, &mut visitor);
        }
        assert!(files.len() > 8, "{files:?}");
        assert!(bytes <= 150_000, "{path}: {bytes} bytes");
    }
}
