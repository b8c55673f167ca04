// The exporter of OpenTelemetry for JavaScript, which sends JSON as Claude Code's does, with the events that Claude Code
// documents; and the trail that they become.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";

const [url, keyFile] = process.argv.slice(2);
const key = readFileSync(keyFile, "utf8").trim();
const headers = { authorization: `Bearer ${key}` };
const session = "js-session";

const exporter = new OTLPLogExporter({ url: `${url}/v1/logs`, headers });
const provider = new LoggerProvider({
  resource: resourceFromAttributes({ "service.name": "claude-code", "service.version": "2.1.269" }),
  processors: [new BatchLogRecordProcessor({ exporter })],
});
const logger = provider.getLogger("com.anthropic.claude_code.events", "2.1.269");
let sequence = 0;
function emit(name, attributes) {
  logger.emit({
    severityNumber: SeverityNumber.INFO,
    body: `claude_code.${name}`,
    attributes: {
      "session.id": session,
      "user.email": "ada@example.org",
      "prompt.id": "prompt-1",
      "event.name": name,
      "event.timestamp": new Date().toISOString(),
      "event.sequence": sequence++,
      ...attributes,
    },
  });
}
emit("user_prompt", { prompt: "Fix the build", prompt_length: 13 });
emit("api_request", {
  model: "claude-sonnet-5", input_tokens: 3, output_tokens: 170, cache_read_tokens: 12000, cache_creation_tokens: 400,
  cost_usd: 0.0123, cost_usd_micros: 12300, duration_ms: 2100, request_id: "req_js",
});
emit("tool_decision", { tool_name: "Bash", tool_use_id: "toolu_js", decision: "accept", source: "user_temporary" });
sequence += 2; // two that never come
emit("tool_result", { tool_name: "Bash", tool_use_id: "toolu_js", success: "true", duration_ms: 40, tool_parameters: '{"bash_command":"make"}' });
await provider.shutdown();

async function get(path) {
  const answer = await fetch(url + path, { headers });
  assert.equal(answer.status, 200, path);
  return answer.json();
}
const { data } = await get(`/v1/events?order=asc&q=${encodeURIComponent(`source:otlp job:${session}`)}`);
assert.deepEqual(data.map((record) => record.action), ["prompt", "messages.create", "permission.decision", "tools/call"]);
assert.deepEqual(data.map((record) => record.producer.seq), [0, 1, 2, 5]);
const usage = data[1].usage;
assert.deepEqual(
  [usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens, usage.cost_nanousd],
  [12403, 170, 12000, 400, 12300000],
);
assert.equal(data[2].approval.approver, "ada@example.org");
assert.equal(data[3].producer.call, "toolu_js");
const calls = await get(`/v1/jobs/${session}/calls`);
assert.deepEqual(calls.missing, [{ producer: "claude-code/js-session", from: 3, to: 4 }]);
assert.equal(calls.data.find((call) => call.call === "toolu_js").decision.rule, "user_temporary");
console.log(`js: ${data.length} log records, two that never came are missed`);
