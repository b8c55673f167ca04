//! The steps that jobs are made of, with contents such as the surfaces record.

use serde_json::{Value, json};

use super::{Job, SECOND_US};

impl Job<'_> {
    /// A call of the agent's model.
    pub(super) fn model(&mut self, prompt: &str, answer: &str) {
        let model = self.agent.model;
        let input_tokens = 3_000 + self.random.below(14_000);
        let cached = input_tokens * (40 + self.random.below(40)) / 100;
        let output_tokens = 60 + self.random.below(700);
        let mut usage = json!({
            "provider": model.provider, "model": model.name,
            "input_tokens": input_tokens, "output_tokens": output_tokens, "cache_read_tokens": cached,
        });
        if let (Some((fresh, read, out)), Some(usage)) = (model.price, usage.as_object_mut()) {
            let cost = (input_tokens - cached) * fresh + cached * read + output_tokens * out;
            usage.insert("cost_nanousd".to_owned(), cost.into());
            usage.insert("prices".to_owned(), "sample".into());
        }
        let took_us = SECOND_US + output_tokens * 12_000;
        let (input, output) = dialect(model.action, model.name, prompt, answer);
        let mut call = json!({
            "resource": {"type": "model", "id": model.name}, "usage": usage,
            "result": "success", "status": 200, "input": input, "output": output,
        });
        if self.random.below(150) == 0
            && let Some(call) = call.as_object_mut()
        {
            call.insert("result".to_owned(), "error".into());
            call.insert("status".to_owned(), 529.into());
            call.insert(
                "output".to_owned(),
                json!({"error": {"type": "overloaded_error", "message": "Overloaded"}}),
            );
            call.remove("usage");
        }
        self.record("llm", model.action, took_us, call);
        self.think(4);
    }

    /// A call of a tool.
    pub(super) fn tool(&mut self, name: &str, arguments: &Value, answer: &Value) {
        let took_us = 80_000 + self.random.below(900_000);
        let call = json!({
            "resource": {"type": "tool", "id": name}, "result": "success",
            "input": arguments, "output": {"content": [{"type": "text", "text": answer.to_string()}], "isError": false},
        });
        self.record("mcp", "tools/call", took_us, call);
        self.think(3);
    }

    /// A call that a rule did not let through.
    pub(super) fn denied_tool(&mut self, name: &str, arguments: &Value, rule: &str) {
        let text = format!("denied by rule {rule}");
        let call = json!({
            "resource": {"type": "tool", "id": name}, "result": "failure",
            "approval": {"decision": "denied", "approver": "auto", "rule": rule, "reason": "above the limit"},
            "input": arguments, "output": {"content": [{"type": "text", "text": text}], "isError": true},
        });
        self.record("mcp", "tools/call", 2_000, call);
        self.think(3);
    }

    /// A command; a `recording` of its terminal is an asciicast.
    pub(super) fn command(&mut self, line: &str, status: i64, took_us: u64, stdout: &str) {
        let argv: Vec<&str> = line.split(' ').collect();
        let program = argv.first().copied().unwrap_or_default();
        let mut content = json!({
            "argv": argv, "cwd": "/srv/claims", "env": {"LANG": "C.UTF-8", "CI": "true"},
            "stdout": stdout, "stderr": "",
        });
        if took_us > 20 * SECOND_US
            && let Some(content) = content.as_object_mut()
        {
            content.insert("recording".to_owned(), cast(line, stdout, took_us).into());
        }
        let result = if status == 0 { "success" } else { "failure" };
        let call = json!({
            "resource": {"type": "command", "id": program, "name": line}, "result": result, "status": status,
            "approval": {"decision": "allowed", "approver": "auto", "rule": "ci-commands"}, "content": content,
        });
        self.record("shell", "shell.exec", took_us, call);
        self.think(5);
    }

    /// A request to another host.
    pub(super) fn connect(&mut self, host: &str, port: u16, status: i64) {
        let took_us = 200_000 + self.random.below(3_000_000);
        let (sent, received) = (
            400 + self.random.below(4_000),
            2_000 + self.random.below(900_000),
        );
        let call = json!({
            "resource": {"type": "host", "id": host}, "status": status,
            "result": if status < 400 { "success" } else { "failure" },
            "meta": {"bytes_sent": sent, "bytes_received": received, "port": port},
        });
        self.record(
            "forward-proxy",
            &format!("CONNECT {host}:{port}"),
            took_us,
            call,
        );
        self.think(2);
    }

    /// A request that was looked into.
    pub(super) fn request(
        &mut self,
        method: &str,
        host: &str,
        path: &str,
        body: &Value,
        status: i64,
        answer: &Value,
    ) {
        let took_us = 120_000 + self.random.below(700_000);
        let call = json!({
            "resource": {"type": "host", "id": host, "name": format!("{host}{path}")}, "status": status,
            "result": if status < 400 { "success" } else { "failure" },
            "meta": {"path": path, "port": 443},
            "input": {"method": method, "url": format!("https://{host}{path}"),
                "headers": {"authorization": "[REDACTED:github-token:a91c03d7]", "content-type": "application/json"}, "body": body},
            "output": {"status": status, "headers": {"content-type": "application/json"}, "body": answer},
        });
        self.record("forward-proxy", &format!("{method} {host}"), took_us, call);
        self.think(2);
    }

    /// A request to the cluster.
    pub(super) fn cluster(
        &mut self,
        action: &str,
        kind: &str,
        name: &str,
        status: i64,
        body: Value,
    ) {
        let took_us = 20_000 + self.random.below(300_000);
        let mut call = json!({
            "resource": {"type": kind, "id": name}, "status": status,
            "result": if status < 400 { "success" } else if status < 500 { "failure" } else { "error" },
        });
        if !body.is_null()
            && let Some(call) = call.as_object_mut()
        {
            call.insert("input".to_owned(), body);
        }
        self.record("kubernetes", action, took_us, call);
        self.think(2);
    }

    /// A call of the cloud.
    pub(super) fn cloud(&mut self, action: &str, resource: &str, status: i64) {
        let took_us = 30_000 + self.random.below(200_000);
        let result = match status {
            0..400 => "success",
            400..500 => "failure",
            _ => "error",
        };
        let kind = action.split(':').next().unwrap_or_default();
        let call = json!({
            "resource": {"type": kind, "id": resource}, "status": status, "result": result,
            "input": {"Key": resource, "Region": "eu-central-1"},
        });
        self.record("aws", action, took_us, call);
        self.think(2);
    }

    /// Somebody decides after a while; then the call that waited is made.
    pub(super) fn approved(
        &mut self,
        who: (&str, &str),
        rule: &str,
        reason: &str,
        waited_us: u64,
    ) -> Value {
        self.at_us += waited_us;
        let actor = json!({"type": "user", "id": who.0, "name": who.1});
        let decision = json!({
            "resource": {"type": "rule", "id": rule}, "result": "success",
            "approval": {"decision": "allowed", "approver": who.0, "rule": rule, "reason": reason, "waited_us": waited_us},
        });
        self.record_as(&actor, "approvals", "app", "approval.allowed", 0, decision);
        json!({"decision": "allowed", "approver": who.0, "rule": rule, "reason": reason, "waited_us": waited_us})
    }

    /// An action that was begun, and whose end nobody recorded.
    pub(super) fn begun(&mut self, source: &str, action: &str, kind: &str, name: &str) {
        let call = format!("{}-{}", self.id, self.events.len());
        let begun = json!({
            "resource": {"type": kind, "id": name}, "producer": {"phase": "intent", "call": call},
        });
        self.record(source, action, 0, begun);
    }
}

/// What a call says in the provider's own form.
fn dialect(action: &str, model: &str, prompt: &str, answer: &str) -> (Value, Value) {
    const SYSTEM: &str = "You are an agent of Halden. Say what you do before you do it.";
    match action {
        "responses.create" => (
            json!({"model": model, "instructions": SYSTEM, "input": [{"role": "user", "content": prompt}]}),
            json!({"model": model, "status": "completed", "output": [
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": answer}]}]}),
        ),
        "messages.create" => (
            json!({"model": model, "max_tokens": 4_096, "system": SYSTEM, "messages": [{"role": "user", "content": prompt}]}),
            json!({"model": model, "role": "assistant", "stop_reason": "end_turn", "content": [{"type": "text", "text": answer}]}),
        ),
        _ => (
            json!({"model": model, "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt}]}),
            json!({"model": model, "choices": [{"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": answer}}]}),
        ),
    }
}

/// A terminal session as asciicast v3: times are since the event before.
fn cast(line: &str, stdout: &str, took_us: u64) -> String {
    let mut text =
        json!({"version": 3, "term": {"cols": 100, "rows": 28}, "command": line}).to_string();
    let lines: Vec<&str> = stdout.lines().collect();
    let step_ms = took_us / 1_000 / (lines.len() as u64 + 1);
    let mut output = |text_out: &str, after_ms: u64| {
        text.push('\n');
        let after = format!("{}.{:03}", after_ms / 1_000, after_ms % 1_000);
        let quoted = Value::from(text_out).to_string();
        text.push_str(&["[", &after, ", \"o\", ", &quoted, "]"].concat());
    };
    output(
        &format!(
            "\u{1b}[2magent@ci-runner\u{1b}[0m \u{1b}[34m/srv/claims\u{1b}[0m $ \u{1b}[1m{line}\u{1b}[0m\r\n"
        ),
        200,
    );
    for line in lines {
        let line = line
            .replace(" ok", " \u{1b}[32mok\u{1b}[0m")
            .replace(" FAILED", " \u{1b}[31mFAILED\u{1b}[0m")
            .replace("Compiling", "\u{1b}[32;1mCompiling\u{1b}[0m");
        output(&format!("{line}\r\n"), step_ms);
    }
    text.push('\n');
    text
}
