// Events that say the same unfriendly text in every member that has text: markup, an end of every context, and characters
// that hide or reorder others; and one with a value of five megabytes.

export const TEXT = `</script><script>window.pwned=1</script>"'><img src=x onerror="window.pwned=2"><svg onload="window.pwned=3">\u202eevil\u202c\u200b\u2066&amp;{{7*7}}\${7*7}`;
export const LONG_BYTES = 5_000_000;

const sources = ["llm", "mcp", "shell", "kubernetes", "forward-proxy", "aws", "sandbox", "app"];

export function hostile(time) {
  const cast = [
    JSON.stringify({ version: 3, term: { cols: 80, rows: 24 }, title: TEXT }),
    JSON.stringify([0.1, "o", `${TEXT}\u001b]8;;javascript:window.pwned=4\u0007link\u001b]8;;\u0007`]),
    JSON.stringify([0.2, "o", "\u001b[31mred\u001b[0m\r\n"]),
  ].join("\n");
  const content = {
    input: { messages: [{ role: TEXT, content: TEXT }], url: `javascript:window.pwned=5`, method: TEXT, headers: { [TEXT]: TEXT }, body: TEXT },
    output: { choices: [{ message: { role: TEXT, content: TEXT } }], content: [{ type: "text", text: TEXT }] },
    argv: ["sh", "-c", TEXT], cwd: TEXT, env: { [TEXT]: TEXT }, stdout: `\u001b[1m${TEXT}`, stderr: TEXT, recording: cast, [TEXT]: TEXT,
  };
  const events = sources.map((source, index) => ({
    id: `hostile-${index}`, time: time(index), project: TEXT, job: TEXT, trace: TEXT, span: TEXT, source,
    actor: { type: "agent", id: TEXT, name: TEXT, role: TEXT, ip: TEXT },
    initiator: { type: "user", id: TEXT, name: TEXT },
    action: index === 0 ? "job.started" : TEXT,
    resource: { type: TEXT, id: TEXT, name: TEXT }, result: "error", status: 500, duration_us: 25_000_000,
    approval: { decision: "denied", approver: TEXT, rule: TEXT, reason: TEXT, waited_us: 1_000 },
    usage: { provider: TEXT, model: TEXT, input_tokens: 5, output_tokens: 7 },
    producer: { id: TEXT, seq: index * 2, phase: "outcome", call: TEXT },
    description: TEXT, meta: { [TEXT]: TEXT }, content,
  }));
  events.push({
    id: "long", time: time(sources.length), job: TEXT, source: "shell", action: "shell.exec", actor: { id: TEXT }, description: "wide ".repeat(8_000),
    resource: { type: "command", id: "x".repeat(3_000) }, content: { argv: ["yes"], stdout: "<b>y</b>\n".repeat(LONG_BYTES / 9) },
  });
  return `${events.map((event) => JSON.stringify(event)).join("\n")}\n`;
}
