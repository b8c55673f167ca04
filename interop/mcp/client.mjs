// The official TypeScript client, with the official servers, over every transport.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { call, everything, filesystem, happened, here } from "./world.mjs";

const require = createRequire(`${here}x.cjs`);
const sdk = async (name) => import(pathToFileURL(require.resolve(`@modelcontextprotocol/sdk/${name}`)));
const { Client } = await sdk("client/index.js");
const { StdioClientTransport } = await sdk("client/stdio.js");
const { StreamableHTTPClientTransport } = await sdk("client/streamableHttp.js");
const { SSEClientTransport } = await sdk("client/sse.js");
const { CreateMessageRequestSchema, ElicitRequestSchema } = await sdk("types.js");

const SECRET = "ghp_PlantedSecretPlantedSecretPlanted123";
const { INDELIBLE, GATEWAY, FILES } = process.env;

/// The server, in front of which there is `indelible mcp`.
function wrapped(job, ...command) {
  return new StdioClientTransport({
    command: INDELIBLE,
    args: ["mcp", "--job", job, "--", "node", ...command],
    env: { ...process.env },
    stderr: "ignore",
  });
}

async function connected(transport) {
  const capabilities = { sampling: {}, elicitation: {} };
  const client = new Client({ name: "interop", version: "1.0" }, { capabilities });
  client.setRequestHandler(CreateMessageRequestSchema, async () => ({
    role: "assistant", model: "none", content: { type: "text", text: "sampled" },
  }));
  client.setRequestHandler(ElicitRequestSchema, async () => ({ action: "decline" }));
  await client.connect(transport);
  return client;
}

/// Everything that the server for tests of clients can do.
async function useEverything(job, transport) {
  const client = await connected(transport);
  const server = "mcp-servers/everything";
  const { tools } = await client.listTools();
  assert(tools.length > 5);
  await call(client, job, server, "echo", { message: "hello" });
  await call(client, job, server, "get-sum", { a: 2, b: 40 });
  await call(client, job, server, "get-sum", { a: "no number" });
  await call(client, job, server, "get-tiny-image", {});
  await call(client, job, server, "no-such-tool", {});
  await call(client, job, server, "get-structured-content", { location: "New York" });
  let progress = 0;
  const watched = { onprogress: () => (progress += 1) };
  await call(client, job, server, "trigger-long-running-operation", { duration: 1, steps: 4 }, watched);
  assert(progress > 1);
  if (tools.some(({ name }) => name === "trigger-sampling-request")) {
    await call(client, job, server, "trigger-sampling-request", { prompt: "p", maxTokens: 5 });
    happened(job, "sampling/createMessage", server, null, null, "success");
  }
  if (tools.some(({ name }) => name === "trigger-elicitation-request")) {
    await call(client, job, server, "trigger-elicitation-request", {});
    happened(job, "elicitation/create", server, null, null, "success");
  }
  // Concurrent calls, which the server answers in an order of its own.
  const many = Array.from({ length: 20 }, (_, n) => call(client, job, server, "echo", { message: `m${n}` }));
  await Promise.all(many);
  const slow = { duration: 30, steps: 2 };
  await call(client, job, server, "trigger-long-running-operation", slow, { timeout: 300 });
  const { resources } = await client.listResources();
  for (const { uri } of resources.slice(0, 2)) {
    const output = await client.readResource({ uri });
    happened(job, "resources/read", uri, { uri }, output, "success");
  }
  const { prompts } = await client.listPrompts();
  const { name } = prompts.find((prompt) => !prompt.arguments?.length);
  happened(job, "prompts/get", `${server}/${name}`, null, await client.getPrompt({ name }), "success");
  if (transport.terminateSession) await transport.terminateSession();
  await client.close();
}

await useEverything("stdio", wrapped("stdio", everything));
const headers = (job) => ({ requestInit: { headers: { "X-Indelible-Job": job } } });
await useEverything("http", new StreamableHTTPClientTransport(new URL(`${GATEWAY}/everything`), headers("http")));
await useEverything("sse", new SSEClientTransport(new URL(`${GATEWAY}/-job/sse/oldest/sse`)));

const files = await connected(wrapped("files", filesystem, FILES));
const server = "secure-filesystem-server";
await call(files, "files", server, "write_file", { path: `${FILES}/a.txt`, content: "written" });
assert.equal(readFileSync(`${FILES}/a.txt`, "utf8"), "written");
await call(files, "files", server, "read_text_file", { path: `${FILES}/a.txt` });
await call(files, "files", server, "list_directory", { path: FILES });
await call(files, "files", server, "read_text_file", { path: "/etc/passwd" });
await files.callTool({ name: "write_file", arguments: { path: `${FILES}/s.txt`, content: SECRET } });
happened("files", "tools/call", `${server}/write_file`, null, null, "success");
await files.close();
