// The card inside an assistant: our view in a frame, and the host's side of MCP Apps as its authors wrote it.
//
// Usage: INDELIBLE_KEY=KEY node view.mjs TOOLS URL OUT
// TOOLS has node_modules; OUT gets screenshots.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join, normalize } from "node:path";

const [tools, url, out] = process.argv.slice(2);
const require = createRequire(join(tools, "/"));
const { chromium } = require("playwright-core");
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** The result of a method of the server. */
async function call(method, params) {
  const headers = { authorization: `Bearer ${process.env.INDELIBLE_KEY}`, "content-type": "application/json", accept: "application/json, text/event-stream" };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  return (await (await fetch(`${url}/mcp`, { method: "POST", headers, body })).json()).result;
}

const view = (await call("resources/read", { uri: "ui://indelible/proof.html" })).contents[0].text;
const shown = await call("tools/call", { name: "show_proof", arguments: { seq: "shown" } });
const found = await call("tools/call", { name: "search_audit", arguments: { q: "job:release-9" } });
const damaged = structuredClone(shown);
damaged.structuredContent.bundle = damaged.structuredContent.bundle.replace("release-captain", "release-captaim");
assert.notEqual(damaged.structuredContent.bundle, shown.structuredContent.bundle);

// What a host without declared domains allows (SEP-1865): nothing but what the page has in itself.
const CSP = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'none'";
const IMPORTS = {
  "@modelcontextprotocol/client": "/modules/@modelcontextprotocol/client/dist/index.mjs",
  "@modelcontextprotocol/client/_shims": "/modules/@modelcontextprotocol/client/dist/shimsBrowser.mjs",
  "@modelcontextprotocol/core": "/modules/@modelcontextprotocol/core/dist/index.mjs",
  "@modelcontextprotocol/core/internal": "/modules/@modelcontextprotocol/core/dist/internal.mjs",
  "zod/v4": "/modules/zod/v4/index.js",
  eventsource: "/modules/eventsource/dist/index.js",
  "eventsource-parser": "/modules/eventsource-parser/dist/index.js",
  "eventsource-parser/stream": "/modules/eventsource-parser/dist/stream.js",
  "pkce-challenge": "/modules/pkce-challenge/dist/index.browser.js",
};
const HOST = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Host</title>
<script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script></head>
<body><iframe title="view" sandbox="allow-scripts" style="width: 380px; height: 20px; border: 0"></iframe>
<script type="module">
import { AppBridge, PostMessageTransport } from "/modules/@modelcontextprotocol/ext-apps/dist/src/app-bridge.js";
const frame = document.querySelector("iframe");
window.told = [];
window.start = async (theme) => {
  const bridge = new AppBridge(null, { name: "host", version: "1" }, { openLinks: {}, downloadFile: {} }, { hostContext: { theme } });
  bridge.onopenlink = async ({ url }) => { told.push(["link", url]); return {}; };
  bridge.ondownloadfile = async ({ contents }) => { told.push(["file", contents[0].resource.text]); return {}; };
  bridge.onsizechange = ({ height }) => { frame.style.height = height + "px"; };
  const ready = new Promise((resolve) => { bridge.oninitialized = resolve; });
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.src = "/view";
  await ready;
  window.bridge = bridge;
};
window.give = (result) => bridge.sendToolResult(result);
window.loaded = true;
</script></body></html>`;

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://host");
  const answer = (type, body, headers = {}) => response.writeHead(200, { "content-type": type, ...headers }).end(body);
  if (pathname === "/") return answer("text/html", HOST);
  if (pathname === "/view") return answer("text/html", view, { "content-security-policy": CSP });
  if (pathname.startsWith("/modules/")) {
    return answer("text/javascript", readFileSync(join(tools, "node_modules", normalize(pathname.slice("/modules".length)))));
  }
  return response.writeHead(404).end();
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const site = `http://127.0.0.1:${server.address().port}`;

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
for (const theme of ["light", "dark"]) {
  const tab = await browser.newPage({ viewport: { width: 420, height: 900 }, colorScheme: theme });
  const troubles = [];
  tab.on("pageerror", (error) => troubles.push(String(error)));
  tab.on("console", (line) => line.type() === "error" && !line.text().includes("404") && troubles.push(line.text()));
  await tab.goto(site);
  await tab.waitForFunction(() => window.loaded);
  await tab.evaluate((name) => window.start(name), theme);
  const card = tab.frameLocator("iframe").locator("indelible-proof");
  const give = (result) => tab.evaluate((value) => window.give(value), result);

  // A list of events is for the conversation; the card has nothing to show.
  await give(found);
  assert.ok(await card.isHidden());
  await give(shown);
  await card.getByText("All adds up, but who signed is not known").waitFor();
  assert.ok(await card.getByText("step 1 of 4").first().isVisible(), await card.innerText());
  await card.getByRole("link", { name: /Open/u }).click();
  await card.getByRole("button", { name: "Proof", exact: true }).click();
  await tab.waitForFunction(() => window.told.length === 2);
  const told = await tab.evaluate(() => window.told);
  assert.deepEqual(told, [["link", shown.structuredContent.link], ["file", shown.structuredContent.bundle]]);
  const height = await tab.locator("iframe").evaluate((frame) => frame.clientHeight);
  assert.ok(height > 200, `the frame is ${height} pixels high`);
  await tab.screenshot({ path: join(out, `assistant-${theme}.png`) });
  // A result that was changed on its way is found out by the card itself, whatever the text says.
  await give(damaged);
  await card.getByText("The record is not what was logged").waitFor();
  await tab.screenshot({ path: join(out, `assistant-${theme}-damaged.png`) });
  assert.deepEqual(troubles, []);
  await tab.close();
}
await browser.close();
server.close();
console.log("the card in a host of MCP Apps: shown, checked, opened, downloaded, and found out when damaged");
