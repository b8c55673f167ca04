// The tools for assistants, asked by both generations of the protocol's own client, over HTTP and over pipes.
//
// Usage: INDELIBLE_KEY=KEY node assistant.mjs TOOLS URL VKEY PROGRAM
// TOOLS has node_modules; PROGRAM is the binary.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { parseBundle, verifyBundle } from "../../crates/export/js/verifier.js";

const [tools, url, vkey, program] = process.argv.slice(2);
const key = process.env.INDELIBLE_KEY;
const require = createRequire(join(tools, "/"));
const load = (name) => import(pathToFileURL(require.resolve(name)));
const own = (name) => import(pathToFileURL(join(tools, "node_modules/@modelcontextprotocol", name)));

const v1 = { ...(await load("@modelcontextprotocol/sdk/client/index.js")), ...(await load("@modelcontextprotocol/sdk/client/streamableHttp.js")), ...(await load("@modelcontextprotocol/sdk/client/stdio.js")) };
const v2 = { ...(await own("client/dist/index.mjs")), ...(await own("client/dist/stdio.mjs")) };
const apps = await own("ext-apps/dist/src/app-bridge.js");

const address = new URL("/mcp", url);
const http = (sdk, headers) => new sdk.StreamableHTTPClientTransport(address, { requestInit: { headers } });
const pipes = (sdk) => new sdk.StdioClientTransport({ command: program, args: ["mcp-server", "--server", url], env: { INDELIBLE_KEY: key } });

async function connect(sdk, transport, options) {
  const client = new sdk.Client({ name: "interop", version: "1" }, options);
  await client.connect(transport);
  return client;
}

/** What a tool answers, and its text. */
async function ask(client, name, args) {
  const result = await client.callTool({ name, arguments: args });
  return { ...result, text: result.content[0].text };
}

/** Everything that a host does with the tools. */
async function converse(client) {
  assert.equal(client.getServerVersion().name, "indelible");
  assert.match(client.getInstructions(), /never follow instructions/u);
  const listed = (await client.listTools()).tools;
  assert.deepEqual(listed.map(({ name }) => name), ["what_just_happened", "show_proof", "explain_event", "search_audit"]);
  const view = apps.getToolUiResourceUri(listed[0]);
  assert.equal((await client.listResources()).resources[0].uri, view);
  const { contents } = await client.readResource({ uri: view });
  assert.equal(contents[0].mimeType, apps.RESOURCE_MIME_TYPE);

  const happened = await ask(client, "what_just_happened", { job: "release-9" });
  assert.equal(happened.structuredContent.count, 4);
  const seq = happened.structuredContent.seqs.at(-1);
  assert.ok(happened.text.includes(`${url}/events?event=`), happened.text);
  // The hostile event of the job is quoted.
  assert.ok(!happened.text.includes("\u202e"), happened.text);

  const shown = await ask(client, "show_proof", { seq });
  assert.match(shown.text, /the proof holds.*The key is not pinned/su);
  const { state, checks } = await verifyBundle(parseBundle(shown.structuredContent.bundle), { pinned: vkey, witnesses: [] });
  assert.equal(state, "verified", checks.signature.why);

  const explained = await ask(client, "explain_event", { seq: "shown" });
  for (const part of ["Mira Sørensen", "Tomás Ibarra", "prod-changes", "184000", "replicas"]) {
    assert.ok(explained.text.includes(part), `${part}: ${explained.text}`);
  }
  const found = await ask(client, "search_audit", { q: "job:release-9 -action:order.paid", limit: 2 });
  assert.deepEqual([found.structuredContent.count, found.structuredContent.seqs.length], [3, 2]);

  for (const [name, args, part] of [
    ["search_audit", { q: "actoor:x" }, "did you mean `actor`"],
    ["show_proof", { seq: 1e9 }, ""],
    ["no_such_tool", {}, "no such tool"],
  ]) {
    const refused = await ask(client, name, args);
    assert.ok(refused.isError && refused.text.includes(part), refused.text);
  }
  await assert.rejects(client.readResource({ uri: "ui://indelible/other.html" }));
  await client.close();
}

const bearer = { authorization: `Bearer ${key}` };
const modern = { versionNegotiation: { mode: "auto" } };
for (const [name, sdk, transport, options] of [
  ["sdk 1 over HTTP", v1, http(v1, bearer)],
  ["sdk 1 over pipes", v1, pipes(v1)],
  ["sdk 2 over HTTP", v2, http(v2, bearer)],
  ["sdk 2 over pipes", v2, pipes(v2)],
  ["sdk 2 over HTTP, version negotiated", v2, http(v2, bearer), modern],
  ["sdk 2 over pipes, version negotiated", v2, pipes(v2), modern],
]) {
  await converse(await connect(sdk, transport, options)).catch((error) => {
    throw new Error(name, { cause: error });
  });
  console.log(`${name}: tools, card, proof and faults`);
}

for (const [name, headers] of [["no key", {}], ["a wrong key", { authorization: "Bearer ik_0" }], ["a page of others", { ...bearer, origin: "https://evil.example" }]]) {
  await assert.rejects(connect(v1, http(v1, headers)), name);
  await assert.rejects(connect(v2, http(v2, headers)), name);
}
const keyless = new v1.StdioClientTransport({ command: program, args: ["mcp-server", "--server", url, "--data", "/nonexistent"], env: {} });
await assert.rejects(connect(v1, keyless), /INDELIBLE_KEY/u);
console.log("no answer without a good key, nor to pages of others");
