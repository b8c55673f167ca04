//! Payloads as the agents' documentation has them.

use event::{DedupKey, Limits, Submitter};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::redact::Redactor;

fn about() -> About {
    About {
        agent: None,
        scope: Scope::default(),
        is_named: false,
        now: Micros(1_000_000),
    }
}

/// The event of a payload, and that a server takes it.
fn event(payload: &[u8], about: &About) -> (Json, Report) {
    let redactor = Redactor::new(None, &[], &[7; 32]).unwrap();
    let with = redactor.with(&[]);
    let report = report(payload, about, &with);
    let line = report.draft.event("e-1", &with);
    let by = Submitter::default();
    event::prepare(&line, &by, &DedupKey::new(&[0; 32]), &Limits::default()).unwrap();
    (serde_json::from_slice(&line).unwrap(), report)
}

fn of(payload: &Json) -> Json {
    event(payload.to_string().as_bytes(), &about()).0
}

fn claude(name: &str, more: &Json) -> Json {
    let mut payload = json!({
        "session_id": "00893aaf-19fa-41d2-8238-13269b9b3ca0",
        "transcript_path": "/home/u/.claude/projects/p/00893aaf.jsonl",
        "cwd": "/srv/p", "permission_mode": "default", "prompt_id": "8f7d", "hook_event_name": name
    });
    let members = more.as_object().unwrap().clone();
    payload.as_object_mut().unwrap().extend(members);
    payload
}

#[test]
fn a_tool_call_of_claude_code_is_an_intent_and_an_outcome() {
    let input = json!({"command": "npm test", "description": "Run tests", "timeout": 120_000});
    let call = json!({"tool_name": "Bash", "tool_input": input, "tool_use_id": "toolu_01ABC"});
    let mut intent = of(&claude("PreToolUse", &call));
    let digest = intent["meta"]["call_digest"].take();
    let mut asks = call.clone();
    asks.as_object_mut().unwrap().remove("tool_use_id");
    assert_eq!(
        of(&claude("PermissionRequest", &asks))["producer"]["call"],
        digest,
        "a request for permission is found by what it has in common with the call"
    );
    assert_eq!(
        intent.without_nulls(),
        json!({
            "id": "e-1", "time": "1970-01-01T00:00:01.000000Z",
            "job": "00893aaf-19fa-41d2-8238-13269b9b3ca0", "trace": "8f7d", "span": "toolu_01ABC",
            "actor": {"type": "agent", "id": "claude-code"},
            "source": "hook", "action": "tools/call", "resource": {"type": "tool", "id": "Bash"},
            "producer": {"phase": "intent", "call": "toolu_01ABC"},
            "meta": {"client": "claude-code", "hook_event": "PreToolUse", "turn": "8f7d", "cwd": "/srv/p", "permission_mode": "default"},
            "content": {
                "input": input,
                "hook": {"session_id": null, "transcript_path": "/home/u/.claude/projects/p/00893aaf.jsonl"}
            }
        })
        .without_nulls()
    );
    let mut done = call.clone();
    done["tool_response"] =
        json!({"stdout": "ok", "stderr": "", "interrupted": false, "isImage": false});
    done["duration_ms"] = json!(1234.5);
    let outcome = of(&claude("PostToolUse", &done));
    assert_eq!(
        outcome["producer"],
        json!({"phase": "outcome", "call": "toolu_01ABC"})
    );
    assert_eq!(
        (&outcome["result"], &outcome["duration_us"]),
        (&json!("success"), &json!(1_234_500))
    );
    assert_eq!(outcome["content"]["output"]["stdout"], "ok");
    let mut failed = call;
    failed["error"] = json!("Command exited with non-zero status code 1");
    failed["is_interrupt"] = json!(false);
    let outcome = of(&claude("PostToolUseFailure", &failed));
    assert_eq!(outcome["result"], "failure");
    assert_eq!(outcome["content"]["output"]["error"], failed["error"]);
    failed["is_interrupt"] = json!(true);
    assert_eq!(
        of(&claude("PostToolUseFailure", &failed))["result"],
        "error"
    );
}

#[test]
fn mcp_tools_are_named_as_the_mcp_surface_names_them() {
    let call = json!({"tool_name": "mcp__github__create_issue", "tool_input": {"title": "x"}, "tool_use_id": "toolu_2"});
    let event = of(&claude("PreToolUse", &call));
    assert_eq!(
        event["resource"],
        json!({"type": "tool", "id": "github/create_issue"})
    );
    let failed = json!({"tool_name": "mcp__github__create_issue", "tool_use_id": "toolu_2", "tool_response": {"content": [], "isError": true}});
    assert_eq!(of(&claude("PostToolUse", &failed))["result"], "failure");
}

#[test]
fn who_was_asked_and_who_said_no() {
    let call = json!({"tool_name": "Bash", "tool_input": {"command": "rm -rf /"}, "permission_suggestions": [{"type": "toolAlwaysAllow"}]});
    let asked = of(&claude("PermissionRequest", &call));
    assert_eq!(asked["action"], "permission.request");
    assert_eq!(asked.get("approval"), None, "nobody has decided yet");
    assert_eq!(
        asked["content"]["hook"]["permission_suggestions"][0]["type"],
        "toolAlwaysAllow"
    );
    let denied = json!({"tool_name": "Bash", "tool_input": {}, "tool_use_id": "toolu_3", "permission_mode": "auto", "reason": "destructive"});
    let denied = of(&claude("PermissionDenied", &denied));
    assert_eq!(
        denied["approval"],
        json!({"decision": "denied", "approver": "auto", "rule": "mode:auto", "reason": "destructive"})
    );
    assert_eq!(
        (&denied["result"], &denied["producer"]["call"]),
        (&json!("failure"), &json!("toolu_3"))
    );
}

#[test]
fn what_is_said_is_input_and_output() {
    let prompt = of(&claude("UserPromptSubmit", &json!({"prompt": "Fix it"})));
    assert_eq!(
        (&prompt["action"], &prompt["content"]["input"]),
        (&json!("prompt"), &json!("Fix it"))
    );
    let stop = of(&claude(
        "Stop",
        &json!({"stop_hook_active": false, "last_assistant_message": "Done."}),
    ));
    assert_eq!(
        (&stop["action"], &stop["content"]["output"]),
        (&json!("turn.end"), &json!("Done."))
    );
    let end = of(&claude("SessionEnd", &json!({"reason": "logout"})));
    assert_eq!(
        (&end["action"], &end["meta"]["reason"]),
        (&json!("session.end"), &json!("logout"))
    );
    let sub =
        json!({"agent_id": "def456", "agent_type": "Explore", "last_assistant_message": "Found 3"});
    let sub = of(&claude("SubagentStop", &sub));
    assert_eq!(
        (&sub["action"], &sub["parent"]),
        (&json!("subagent.end"), &json!("def456"))
    );
    assert_eq!(sub["meta"]["agent_type"], "Explore");
    let new = of(&claude("SomethingNew", &json!({"what": [1, 2]})));
    assert_eq!(new["action"], "hook.SomethingNew");
    assert_eq!(new["content"]["hook"]["what"], json!([1, 2]));
}

#[test]
fn codex_is_known_by_its_turns() {
    let payload = json!({
        "session_id": "0199-aa", "turn_id": "0199-bb", "transcript_path": null, "cwd": "/srv", "hook_event_name": "PostToolUse",
        "model": "gpt-5.6-codex", "permission_mode": "default", "tool_name": "Bash", "tool_input": {"command": "false"},
        "tool_response": "{\"output\":\"\",\"metadata\":{\"exit_code\":1,\"duration_seconds\":0.1}}", "tool_use_id": "call_9"
    });
    let event = of(&payload);
    assert_eq!(event["actor"]["id"], "codex");
    assert_eq!(
        (&event["result"], &event["status"]),
        (&json!("failure"), &json!(1))
    );
    assert_eq!(
        (&event["trace"], &event["meta"]["model"]),
        (&json!("0199-bb"), &json!("gpt-5.6-codex"))
    );
    let notify = json!({
        "type": "agent-turn-complete", "thread-id": "0199-aa", "turn-id": "0199-bb", "cwd": "/srv",
        "input-messages": ["Rename foo"], "last-assistant-message": "Renamed."
    });
    let event = of(&notify);
    assert_eq!(
        (&event["actor"]["id"], &event["job"]),
        (&json!("codex"), &json!("0199-aa"))
    );
    assert_eq!(
        (&event["action"], &event["content"]["output"]),
        (&json!("turn.end"), &json!("Renamed."))
    );
}

fn cursor(name: &str, more: &Json) -> Json {
    let mut payload = json!({
        "conversation_id": "conv-1", "generation_id": "gen-1", "model": "gpt-5", "hook_event_name": name,
        "cursor_version": "3.24.0", "workspace_roots": ["/srv"], "user_email": "ada@example.org"
    });
    let members = more.as_object().unwrap().clone();
    payload.as_object_mut().unwrap().extend(members);
    payload
}

#[test]
fn cursor_says_who_asked_and_packs_json_into_strings() {
    let before = cursor(
        "beforeShellExecution",
        &json!({"command": "npm i", "cwd": "/srv"}),
    );
    let (intent, report) = event(before.to_string().as_bytes(), &about());
    assert_eq!((report.agent, report.gate), (Agent::Cursor, Gate::Tool));
    assert_eq!(
        intent["initiator"],
        json!({"type": "user", "id": "ada@example.org"})
    );
    assert_eq!(intent["resource"]["id"], "Shell");
    let after = cursor(
        "afterShellExecution",
        &json!({"command": "npm i", "output": "added", "duration": 4500.123}),
    );
    let outcome = of(&after);
    assert_eq!(intent["producer"]["call"], outcome["producer"]["call"]);
    assert_eq!(outcome["content"]["output"], "added");
    let other = of(&cursor(
        "beforeShellExecution",
        &json!({"command": "npm ci"}),
    ));
    assert_ne!(intent["producer"]["call"], other["producer"]["call"]);
    let mcp = cursor(
        "afterMCPExecution",
        &json!({"tool_name": "read_email", "mcp_server_name": "gmail", "tool_input": "{\"id\":1}", "result_json": "{\"isError\":true}"}),
    );
    let mcp = of(&mcp);
    assert_eq!(mcp["resource"]["id"], "gmail/read_email");
    assert_eq!(
        (&mcp["content"]["input"], &mcp["result"]),
        (&json!({"id": 1}), &json!("failure"))
    );
    let failed = cursor(
        "postToolUseFailure",
        &json!({"tool_name": "Shell", "tool_input": {"command": "x"}, "tool_use_id": "t1", "error_message": "Command timed out", "failure_type": "timeout"}),
    );
    assert_eq!(of(&failed)["result"], "error");
    let edit = of(&cursor(
        "afterFileEdit",
        &json!({"file_path": "/a", "edits": [{"old_string": "a", "new_string": "b"}]}),
    ));
    assert_eq!(
        (&edit["result"], &edit["content"]["input"]["file_path"]),
        (&json!("success"), &json!("/a"))
    );
}

#[test]
fn the_environment_names_run_and_agent() {
    let about = About {
        scope: Scope {
            actor: Actor::claimed("agent-7".to_owned()),
            job: Some("fix-7".to_owned()),
            ..Scope::default()
        },
        is_named: true,
        ..about()
    };
    let payload = claude("Stop", &json!({})).to_string();
    let (event, _) = event(payload.as_bytes(), &about);
    assert_eq!(
        (&event["job"], &event["actor"]["id"]),
        (&json!("fix-7"), &json!("agent-7"))
    );
    assert_eq!(event["content"]["hook"].get("session_id"), None);
}

#[test]
fn what_is_no_payload_is_kept_as_it_came() {
    let secret = "ghp_PlantedSecretPlantedSecretPlanted123";
    for payload in [
        "",
        "  ",
        "not json",
        "[1]",
        "{}",
        "{\"hook_event_name\":7}",
        "{\"hook_event_name\":\"\"}",
        "{\"a\":",
        &format!("{{\"hook_event_name\": \"Stop\", \"x\": {secret}"),
    ] {
        let (event, report) = event(payload.as_bytes(), &about());
        assert_eq!(event["action"], "hook.malformed", "{payload}");
        assert_eq!(
            (&event["result"], report.gate),
            (&json!("error"), Gate::Open)
        );
        assert!(!event.to_string().contains(secret));
        let kept = &event["content"]["hook"];
        assert_eq!(kept.is_null(), payload.is_empty(), "{payload}");
    }
    let mut marked = b"\xef\xbb\xbf".to_vec();
    marked.extend_from_slice(claude("Stop", &json!({})).to_string().as_bytes());
    assert_eq!(event(&marked, &about()).0["action"], "turn.end");
}

#[test]
fn secrets_are_nowhere_in_the_event() {
    let secret = "ghp_PlantedSecretPlantedSecretPlanted123";
    let call = json!({
        "tool_name": format!("T {secret}"), "tool_use_id": format!("id {secret}"), "cwd": format!("/x/{secret}"),
        "tool_input": {"command": format!("curl -H 'Authorization: token {secret}'"), "password": "hunter22"},
        "tool_response": format!("{{\"a\":\"{secret}\"}}"), "more": [secret]
    });
    for name in ["PreToolUse", "PostToolUse", "Unknown"] {
        let event = of(&claude(name, &call)).to_string();
        assert!(
            !event.contains("PlantedSecret") && !event.contains("hunter22"),
            "{event}"
        );
    }
}

/// For comparing with what leaves out what is null here.
trait WithoutNulls {
    fn without_nulls(self) -> Self;
}

impl WithoutNulls for Json {
    fn without_nulls(self) -> Self {
        match self {
            Self::Object(members) => members
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name, value.without_nulls()))
                .collect(),
            other => other,
        }
    }
}

proptest! {
    #[test]
    fn any_payload_becomes_an_event_and_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        event(&bytes, &about());
    }

    #[test]
    fn any_members_do(
        name in "(Pre|Post)ToolUse|afterMCPExecution|beforeReadFile|Stop|[a-zA-Z]{1,9}",
        members in proptest::collection::btree_map("tool_name|tool_input|tool_use_id|duration_ms|error|output|[a-z]{1,4}", ".{0,40}", 0..8),
    ) {
        let mut payload = json!(members);
        payload["hook_event_name"] = json!(name);
        let (event, report) = event(payload.to_string().as_bytes(), &about());
        // Nothing of what was said is dropped.
        for (name, text) in &members {
            let said = json!(text).to_string();
            let inner = said.trim_matches('"');
            prop_assert!(text.is_empty() || event.to_string().contains(inner), "{name} {said} {event}");
        }
        prop_assert_eq!(answer(report.agent, report.gate, None, true).status, 0);
    }
}
