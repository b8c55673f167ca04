//! The dashboard, as browsers without scripts see it.

mod everywhere;
mod forms;
mod hostile;
mod looking;
mod roles;
mod sign_in;

use serde_json::{Value, json};

use crate::{
    running::{Running, event},
    visitor::Visitor,
};

/// Every page that has no name in its path.
const PAGES: [&str; 9] = [
    "/",
    "/events",
    "/jobs",
    "/agents",
    "/integrity",
    "/export",
    "/guide",
    "/guide/recorded",
    "/settings",
];

/// Text that wants to be more than text: markup, an end of every context, and characters that hide or reorder others.
const HOSTILE: &str =
    "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u{202e}\u{200b}\u{0}&amp;";

/// A person with a role; the text of their key.
#[track_caller]
fn person(node: &Running, role: &str, project: Option<&str>) -> String {
    let body = json!({ "name": role, "role": role, "project": project });
    let made = node.make_key(&node.admin, &body);
    made["key"].as_str().unwrap().to_owned()
}

/// A signed-in admin of a trail with a few events.
fn desk() -> (tempfile::TempDir, Running, Visitor) {
    let (dir, node) = Running::fresh();
    node.integrate(&json!([
        of_job("job.started", 0),
        of_job("tools/call", 1),
        of_job("messages.create", 2),
        event("lonely"),
    ]));
    let visitor = Visitor::signed_in(&node, &node.admin);
    (dir, node, visitor)
}

/// An event of the job `j1` with a content.
fn of_job(action: &str, second: u32) -> Value {
    json!({
        "time": format!("2026-05-01T10:00:{second:02}Z"),
        "actor": { "id": "agent-7" }, "job": "j1", "project": "p", "source": "llm", "action": action,
        "resource": { "type": "model", "id": "m-1" }, "result": "success", "duration_us": 1_500,
        "input": { "tune": "a xylophone" },
        "usage": { "provider": "p", "model": "m-1", "input_tokens": 10, "output_tokens": 5, "cost_nanousd": 70 },
    })
}
