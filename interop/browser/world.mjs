// A browser on the server under test, and what is looked at on every page.
import { chromium } from "playwright-core";
import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";

export const url = process.env.URL;
export const key = fs.readFileSync(process.env.KEY_FILE, "utf8").trim();
const artifacts = process.env.ARTIFACTS;
const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: flags });
export const close = () => browser.close();

// Headers of every answer are looked at too, so that a page that loads something from elsewhere is noticed.
export async function visitor({ theme = "light", width = 1440, height = 900, scripts = true, withKey = key } = {}) {
  const context = await browser.newContext({
    viewport: { width, height }, colorScheme: theme, javaScriptEnabled: scripts, timezoneId: "Europe/Berlin", reducedMotion: "reduce",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => {
    const isExpected = /Failed to load resource.*(401|403|404|400)/.test(message.text());
    if (["error", "warning"].includes(message.type()) && !isExpected) faults.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("dialog", (dialog) => { faults.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith("data:")) faults.push(`request to ${request.url()}`);
  });
  page.on("response", (response) => { if (response.status() >= 500) faults.push(`${response.status()} ${response.url()}`); });
  if (withKey) {
    const answer = await context.request.post(`${url}/sign-in`, { form: { key: withKey, zone: "Europe/Berlin" }, maxRedirects: 0 });
    if (answer.status() !== 303) throw new Error(`sign-in: ${answer.status()}`);
  }
  return {
    page, context, faults,
    go: (address) => page.goto(url + address, { waitUntil: "load" }),
    at: () => page.url().slice(url.length),
    close: () => context.close(),
  };
}

// The page as it is now, for people who look at the artifacts.
export async function picture(page, name) {
  if (artifacts) await page.screenshot({ path: path.join(artifacts, `${name}.png`) });
}

// Violations of what axe knows, as one line each.
export async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"],
  }));
  return found.violations.flatMap((rule) => rule.nodes.slice(0, 5).map((node) => `${rule.id}: ${node.target.join(" ")}: ${node.any.concat(node.all, node.none).map((check) => check.message).join("; ")}`));
}

// What runs past the window's edge.
export const overflow = (page) => page.evaluate(() => {
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide <= 0) return [];
  const scrolls = (element) => { for (let at = element.parentElement; at; at = at.parentElement) if (/auto|scroll|hidden|clip/.test(getComputedStyle(at).overflowX)) return true; return false; };
  const past = [...document.querySelectorAll("body *")].filter((element) => element.getBoundingClientRect().right > innerWidth + 1 && !element.closest("details:not([open])") && !scrolls(element));
  return past.slice(0, 5).map((element) => `${wide} px: ${element.tagName.toLowerCase()}.${element.getAttribute("class") ?? ""}`);
});

export async function post(events, { withKey = key } = {}) {
  const answer = await fetch(`${url}/v1/events?ack=integrated`, {
    method: "POST", headers: { authorization: `Bearer ${withKey}`, "content-type": "application/json" }, body: JSON.stringify(events),
  });
  if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`);
  return answer.json();
}

export async function api(address, options = {}) {
  const answer = await fetch(url + address, { ...options, headers: { authorization: `Bearer ${key}`, "content-type": "application/json" } });
  if (!answer.ok) throw new Error(`${address}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}
