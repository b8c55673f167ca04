// A trail of a million events: thirty days of work that nobody did, the same for the same seed but for its end, and then
// the hostile ones. Usage: node trail.mjs URL KEY [COUNT]
import { hostile } from "./hostile.mjs";

const SEED = 0x1ed6_e11bn;
const DAY_US = 86_400_000_000n;
const DAYS = 30n;
const BATCH = 1_000;
const CONNECTIONS = 4;

const agents = ["claims-triage", "invoice-reader", "kyc-checker", "support-desk", "release-captain", "oncall-aide", "dep-updater", "data-steward"];
const people = [["jana", "Jana Okafor"], ["mira", "Mira Sørensen"], ["tomas", "Tomás Ibarra"]];
const projects = ["claims", "finance", "platform", "support"];
const models = [["openai", "gpt-5", 1_250n, 10_000n], ["anthropic", "claude-sonnet-4-5", 3_000n, 15_000n], ["local", "llama-3.3-70b", null, null]];
const sources = ["llm", "mcp", "shell", "kubernetes", "forward-proxy", "aws", "sandbox", "app"];

// Numbers below a bound, by a linear congruential generator: the spread matters, not the quality.
export class Random {
  constructor(seed) { this.state = seed; }
  below(bound) {
    this.state = BigInt.asUintN(64, this.state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n);
    return Number((this.state >> 33n) % BigInt(bound));
  }
  pick(from) { return from[this.below(from.length)]; }
}

export const time = (us) => `${new Date(Number(us / 1_000_000n) * 1000).toISOString().slice(0, 19)}.${String(us % 1_000_000n).padStart(6, "0")}Z`;

function step(random, source) {
  switch (source) {
    case "llm": {
      const [provider, model, fresh, out] = random.pick(models);
      const [input, output] = [1_000 + random.below(20_000), 50 + random.below(900)];
      const usage = { provider, model, input_tokens: input, output_tokens: output, cache_read_tokens: Math.floor(input / 2) };
      if (fresh !== null) usage.cost_nanousd = Number(fresh) * input + Number(out) * output;
      return { action: "responses.create", resource: { type: "model", id: model }, status: 200, usage };
    }
    case "mcp": return { action: "tools/call", resource: { type: "tool", id: random.pick(["github/create_pull_request", "claims/pay_out", "erp/post_invoice", "search/query"]) } };
    case "shell": return { action: "shell.exec", resource: { type: "command", id: "cargo", name: "cargo test --workspace --locked" }, status: 0 };
    case "kubernetes": return { action: random.pick(["GET pods", "PATCH deployments"]), resource: { type: "pod", id: `prod-eu/claims-${random.below(400)}` }, status: 200 };
    case "forward-proxy": return { action: "CONNECT registry.example:443", resource: { type: "host", id: "registry.example" }, status: 200 };
    case "aws": return { action: "s3:GetObject", resource: { type: "s3", id: `halden-invoices/${random.below(90_000)}.pdf` }, status: 200 };
    case "sandbox": return { action: "sandbox.exec", resource: { type: "container", id: `box-${random.below(40)}` } };
    default: return { action: random.pick(["claim.decided", "ticket.answered", "report.written"]), resource: { type: "claim", id: String(random.below(100_000)) } };
  }
}

// The lines of events first..first + count, which depend on nothing before them.
export function lines(first, count, total, endUs) {
  const random = new Random(SEED + BigInt(first));
  const startUs = endUs - DAYS * DAY_US;
  const out = [];
  for (let index = first; index < first + count; index += 1) {
    const job = Math.floor(index / 20);
    const kind = new Random(SEED ^ BigInt(job));
    const agent = kind.pick(agents);
    const [asker, name] = kind.pick(people);
    const place = index % 20;
    const source = place === 0 ? "app" : random.pick(sources);
    const event = {
      id: `e-${index}`,
      time: time(startUs + (DAYS * DAY_US * BigInt(index)) / BigInt(total)),
      project: kind.pick(projects),
      job: `job-${String(job).padStart(6, "0")}`,
      actor: { type: "agent", id: agent, role: "worker" },
      initiator: { type: "user", id: asker, name },
      source,
      result: "success",
      duration_us: 1_000 + random.below(4_000_000),
      producer: { id: `gateway-${index % 4}`, seq: Math.floor(index / 4) + (index % 4 === 3 && index > total / 2 ? 7 : 0) },
      ...(place === 0 ? { action: "job.started", resource: { type: "job", id: `job-${job}` }, description: `Work of ${agent}, part ${job}` } : step(random, source)),
    };
    const luck = random.below(200);
    if (luck < 6) Object.assign(event, { result: "failure", status: 403 });
    else if (luck < 8) Object.assign(event, { result: "error", status: 500 });
    else if (luck < 14) event.approval = { decision: luck === 8 ? "denied" : "allowed", approver: luck < 12 ? "auto" : "mira", rule: "ci-commands" };
    if (random.below(4) === 0) {
      event.input = { question: `What is next after ${index}?`, tags: ["a", "b"] };
      event.output = { answer: "The next step.", done: false };
    }
    out.push(JSON.stringify(event));
  }
  return `${out.join("\n")}\n`;
}

export async function post(url, key, body) {
  const answer = await fetch(`${url}/v1/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/x-ndjson" },
    body,
  });
  const said = await answer.json();
  if (answer.status !== 200 || said.rejected > 0) throw new Error(`events were not recorded: ${JSON.stringify(said).slice(0, 2_000)}`);
  return said;
}

// Records the whole trail.
export async function record(url, key, total) {
  const endUs = BigInt(Date.now()) * 1_000n;
  let next = 0;
  const send = async () => {
    while (next < total) {
      const first = next;
      const count = Math.min(BATCH, total - first);
      next += count;
      await post(url, key, lines(first, count, total, endUs));
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, send));
  await post(url, key, hostile((index) => time(endUs + BigInt(index) * 1_000_000n)));
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const [url, key, count] = process.argv.slice(2);
  await record(url, key, Number(count ?? 1_000_000));
}
