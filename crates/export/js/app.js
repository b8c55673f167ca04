// The card inside an assistant: a view of MCP Apps (SEP-1865), which its host shows in a frame and talks to by messages.
//
// The host gives the result of a tool. The card is drawn from the bundle in it, and from nothing that a model says.

import { IndelibleProof } from "./element.js";

const PROTOCOL = "2026-01-26";
const card = document.querySelector("indelible-proof");
const waiting = new Map();

let last = 0;
let capabilities = {};

function post(message) {
  window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
}

function request(method, params) {
  last += 1;
  const id = last;
  post({ id, method, params });
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

const notify = (method, params) => post({ method, params });

/** Shows the event of a tool's result; a result without one is for the conversation alone. */
function show(result) {
  const told = result?.structuredContent;
  if (typeof told?.bundle !== "string") return;
  card.hidden = false;
  if (typeof told.link === "string") card.setAttribute("open", told.link);
  card.context = told.context ?? null;
  card.bundle = told.bundle;
}

function look(context) {
  if (context?.theme === "light" || context?.theme === "dark") card.setAttribute("theme", context.theme);
}

const RECEIVED = {
  "ui/notifications/tool-result": show,
  "ui/notifications/host-context-changed": look,
};

window.addEventListener("message", ({ source, data }) => {
  if (source !== window.parent || data?.jsonrpc !== "2.0") return;
  if (data.method !== undefined) {
    if (data.method === "ui/resource-teardown") post({ id: data.id, result: {} });
    else if (Object.hasOwn(RECEIVED, data.method)) RECEIVED[data.method](data.params);
    return;
  }
  const call = waiting.get(data.id);
  waiting.delete(data.id);
  if (data.error) call?.reject(new Error(data.error.message));
  else call?.resolve(data.result);
});

// A frame may neither open windows nor save files by itself: the host is asked.
card.addEventListener("indelible-action", (event) => {
  const { name, href, text } = event.detail;
  if (href && capabilities.openLinks) {
    event.preventDefault();
    request("ui/open-link", { url: href }).catch(() => {});
  } else if (name === "proof" && capabilities.downloadFile) {
    event.preventDefault();
    const resource = { uri: "file:///proof.json", mimeType: "application/json", text };
    request("ui/download-file", { contents: [{ type: "resource", resource }] }).catch(() => {});
  }
});

async function begin() {
  const hello = { appInfo: { name: "indelible", version: "1" }, appCapabilities: {}, protocolVersion: PROTOCOL };
  const { hostCapabilities, hostContext } = await request("ui/initialize", hello);
  capabilities = hostCapabilities ?? {};
  look(hostContext);
  notify("ui/notifications/initialized", {});
  const size = new ResizeObserver(() => {
    const { width, height } = document.documentElement.getBoundingClientRect();
    notify("ui/notifications/size-changed", { width: Math.ceil(width), height: Math.ceil(height) });
  });
  size.observe(document.documentElement);
}

if (card instanceof IndelibleProof) begin().catch(() => {});
