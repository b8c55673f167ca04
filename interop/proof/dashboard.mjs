// What the dashboard proves in a reader's browser: the open event, the log as a whole, an export from the wizard.
//
// Usage: INDELIBLE_KEY=KEY node dashboard.mjs TOOLS URL VKEY OUT
// TOOLS has node_modules; OUT gets screenshots.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { verifyPackage } from "../../crates/export/js/verifier.js";

const [tools, url, vkey, out] = process.argv.slice(2);
const require = createRequire(join(tools, "/"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const RULES = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] };

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });

/** A page of somebody who is signed in; it fails the test when it breaks its policy or throws. */
async function signIn(options) {
  const context = await browser.newContext({ viewport: { width: 1_440, height: 1_000 }, acceptDownloads: true, bypassCSP: false, ...options });
  const tab = await context.newPage();
  tab.troubles = [];
  tab.on("pageerror", (error) => tab.troubles.push(String(error)));
  tab.on("console", (line) => line.type() === "error" && tab.troubles.push(line.text()));
  await tab.goto(`${url}/sign-in`);
  await tab.fill("input[name=key]", process.env.INDELIBLE_KEY);
  await Promise.all([tab.waitForURL(`${url}/`), tab.click("main button, form button")]);
  return tab;
}

async function settled(tab, selector, state) {
  await tab.waitForFunction(([at, wanted]) => document.querySelector(at)?.dataset.state === wanted, [selector, state]);
}

async function picture(tab, name) {
  await tab.screenshot({ path: join(out, `${name}.png`), fullPage: true });
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${name} is ${wide} pixels too wide`);
}

async function accessible(tab, name) {
  await tab.evaluate(`${axe}; 0`);
  const { violations } = await tab.evaluate((rules) => globalThis.axe.run("main", rules), RULES);
  assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes[0].html, nodes[0].target, nodes[0].failureSummary]), [], name);
}

const PROOF = "/events?event=1&tab=proof";

/** The open event and the log, before and after the key is pinned. */
async function proofs(tab, look) {
  await tab.goto(url + PROOF);
  await settled(tab, "[data-prove]", "unpinned");
  await tab.goto(`${url}/integrity`);
  await settled(tab, "[data-browser-check]", "good");
  await tab.getByText("and remembers it").waitFor();
  await tab.click("[data-verify]");
  await settled(tab, "[data-browser-check]", "checking");
  await settled(tab, "[data-browser-check]", "good");
  assert.deepEqual(await tab.locator("[data-browser-check] .checks .medium").allInnerTexts(), ["Signature", "Consistency", "Tree", "Records"]);
  await tab.click("[data-pin]");
  await settled(tab, "[data-browser-check]", "good");
  await tab.getByText("pinned in this browser").first().waitFor();
  await picture(tab, `integrity-${look}`);
  await accessible(tab, "integrity");
  await tab.goto(url + PROOF);
  await settled(tab, "[data-prove]", "verified");
  await tab.getByText("the one that you pinned in this browser").waitFor();
  await picture(tab, `event-${look}`);
}

/** A server that hands out something else is found out. */
async function lies(tab) {
  await tab.route("**/v1/events/1/proof", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, body: (await answer.text()).replace("release-captain", "release-captaim") });
  });
  await tab.goto(url + PROOF);
  await settled(tab, "[data-prove]", "failed");
  await picture(tab, "event-damaged");
  await tab.unroute("**/v1/events/1/proof");
  // The true proof of another event.
  await tab.route("**/v1/events/1/proof", async (route) => route.fulfill({ response: await route.fetch({ url: `${url}/v1/events/2/proof` }) }));
  await tab.goto(url + PROOF);
  await settled(tab, "[data-prove]", "failed");
  await tab.unroute("**/v1/events/1/proof");

  // Another tree than the one that this browser saw, and a tile that is not that of the log.
  await tab.goto(`${url}/integrity`);
  await settled(tab, "[data-browser-check]", "good");
  await tab.evaluate(() => {
    const seen = JSON.parse(localStorage.getItem("indelible-seen"));
    for (const name of Object.keys(seen)) seen[name].root = btoa("x".repeat(32));
    localStorage.setItem("indelible-seen", JSON.stringify(seen));
  });
  await tab.route("**/v1/log/tile/0/**", async (route) => {
    const answer = await route.fetch();
    const body = await answer.body();
    body[0] ^= 1;
    await route.fulfill({ response: answer, body });
  });
  await tab.reload();
  await settled(tab, "[data-browser-check]", "failed");
  await tab.click("[data-verify]");
  await tab.getByText("root computed from the tiles").waitFor();
  const failed = tab.locator("[data-browser-check] .checks .failed .medium");
  await settled(tab, "[data-browser-check]", "failed");
  assert.deepEqual(await failed.allInnerTexts(), ["Consistency", "Tree"]);
  await tab.getByRole("heading", { name: "The log does not verify in this browser" }).waitFor();
  await picture(tab, "integrity-damaged");
}

/** A link that a person makes shows the card to whoever has it, and nothing once it is ended. */
async function links(tab) {
  await tab.goto(url + PROOF);
  await tab.getByRole("link", { name: "Share the proof" }).click();
  await tab.getByRole("button", { name: "Make a link" }).click();
  const address = await tab.locator("#made-share").inputValue();
  await picture(tab, "share");
  await accessible(tab, "share");
  const guest = await (await browser.newContext({ viewport: { width: 390, height: 844 } })).newPage();
  await guest.goto(new URL(address, url).href);
  await guest.getByText("All adds up, but who signed is not known").waitFor();
  await picture(guest, "shared-phone");
  await accessible(guest, "shared");
  await tab.getByRole("button", { name: "End" }).click();
  await tab.getByText("There is none.").waitFor();
  await guest.reload();
  await guest.locator("indelible-proof[state=offline], indelible-proof[state=failed]").waitFor();
}

/** From the wizard to a package that verifies. */
async function exports(tab, look) {
  await tab.goto(`${url}/export?q=job:release-9`);
  const count = await tab.locator(".exact strong").innerText();
  await picture(tab, `export-${look}`);
  await accessible(tab, "export");
  await tab.getByRole("button", { name: "Generate evidence package" }).click();
  await tab.waitForURL(`${url}/export/made`);
  const link = tab.getByRole("link", { name: /Download/u }).first();
  await link.waitFor();
  await picture(tab, `exports-${look}`);
  await accessible(tab, "exports");
  const [download] = await Promise.all([tab.waitForEvent("download"), link.click()]);
  const result = await verifyPackage(new Blob([readFileSync(await download.path())]), { pinned: vkey });
  return { count, result };
}

const tab = await signIn({ colorScheme: "light" });
await proofs(tab, "light");
const { count, result } = await exports(tab, "light");
assert.ok(result.isGood, JSON.stringify(result.faults));
assert.equal(String(result.counts.records), count);
const kept = await tab.locator("#made li").count();
await tab.locator("#made form button").first().click();
await tab.waitForFunction((left) => document.querySelectorAll("#made li").length === left, kept - 1);
await links(tab);
assert.deepEqual(tab.troubles, []);
await lies(tab);
for (const [look, options] of [["dark", { colorScheme: "dark" }], ["phone", { colorScheme: "light", viewport: { width: 390, height: 844 } }]]) {
  const other = await signIn(options);
  await proofs(other, look);
  await exports(other, look);
  assert.deepEqual(other.troubles, []);
}
await browser.close();
console.log("the dashboard in a browser: proofs, the whole log and exports checked there, and every lie found out");
