// The proof card and the page that checks packages, in a real browser.
//
// Usage: INDELIBLE_KEY=KEY node browser.mjs TOOLS URL VKEY PACKAGE OUT BUNDLE...
// TOOLS has node_modules; OUT gets screenshots; bundles are files, the first with a content.

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { pack, repair, unpack, withLines } from "../../crates/export/js/test/tamper.mjs";
import { text, utf8 } from "../../crates/export/js/bytes.js";

const [tools, url, vkey, packagePath, out, ...bundlePaths] = process.argv.slice(2);
const require = createRequire(join(tools, "/"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const RULES = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] };

const [bundle, hostile] = bundlePaths.map((path) => JSON.parse(readFileSync(path, "utf8")));

/** The bundle with a signature of a witness, and the witness's key. */
function cosigned(given) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const typed = Buffer.concat([Buffer.from([4]), publicKey.export({ format: "der", type: "spki" }).subarray(-32)]);
  const name = "witness.example/w1";
  const id = createHash("sha256").update(`${name}\n`).update(typed).digest().subarray(0, 4);
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(1_700_000_000n);
  const signed = given.checkpoint.slice(0, given.checkpoint.lastIndexOf("\n\n") + 1);
  const signature = sign(null, Buffer.from(`cosignature/v1\ntime 1700000000\n${signed}`), privateKey);
  const checkpoint = `${given.checkpoint}— ${name} ${Buffer.concat([id, time, signature]).toString("base64")}\n`;
  const witness = `${name}+${id.toString("hex")}+${typed.toString("base64")}`;
  return [{ ...given, checkpoint, tlog_proof: given.tlog_proof.replace(given.checkpoint, checkpoint) }, witness];
}

const [witnessed, witness] = cosigned(bundle);
const tampered = { ...bundle, record: bundle.record.replace(/"actor":\{"id":"[^"]/u, (match) => `${match}x`) };
assert.notEqual(tampered.record, bundle.record);

const inline = (value) => `<script type="application/json">${JSON.stringify(value).replaceAll("<", "\\u003c")}</script>`;
const LINKS = 'open="https://trail.example/events/1" replay="https://trail.example/replay" report="mailto:audit@trail.example"';

/** Every state, how it comes about, and what the card has to say. */
const CARDS = [
  ["witnessed", `key="${vkey}" witnesses="${witness}"`, inline(witnessed), ["Verified and witnessed", "1 of 1 witnesses saw the same log"]],
  ["verified", `key="${vkey}"`, inline(bundle), ["Verified, not witnessed", "Only the log itself vouches for this yet"]],
  ["pending", `key="${vkey}" src="/pending.json"`, "", ["Recorded, proof pending", "waiting"]],
  ["failed", `key="${vkey}"`, inline(tampered), ["Does not verify", "The record is not what was logged", "computed", "in the log"]],
  ["unpinned", "", inline(bundle), ["Key not pinned", "All adds up, but who signed is not known", "no, it came with the proof"]],
  ["offline", `key="${vkey}" src="/away.json"`, "", ["Not checked", "No connection", "not checked"]],
];

const css = (theme) => `body { margin: 0; font: 13px sans-serif; background: ${theme === "dark" ? "#0d0e12" : "#f7f7f5"}; }
main { display: grid; grid-template-columns: repeat(2, 340px); gap: 16px; padding: 24px; }`;
const page = (theme, cards) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Cards</title><link rel="stylesheet" href="/${theme}.css">
<script type="module" src="${url}/embed/proof.js"></script></head><body><main><h1 hidden>Cards</h1>${cards}</main></body></html>`;
const grid = (theme) => CARDS.map(([name, attributes, inside]) => `<indelible-proof id="${name}" theme="${theme}" ${attributes} ${LINKS}>${inside}</indelible-proof>`).join("\n");

/** A page of somebody else, with a strict policy: no inline style, no script but that of the server. */
const POLICY = `default-src 'none'; script-src ${url}; style-src 'self'; connect-src 'self' ${url}`;
let isAway = false;
let isCovered = false;
const host = createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://host");
  const answer = (type, body, status = 200) => {
    response.writeHead(status, { "content-type": type, "content-security-policy": POLICY });
    response.end(body);
  };
  const theme = pathname.match(/^\/(light|dark)\.css$/u)?.[1];
  if (theme) return answer("text/css", css(theme));
  switch (pathname) {
    case "/light":
    case "/dark":
      return answer("text/html", page(pathname.slice(1), grid(pathname.slice(1))));
    case "/hostile":
      return answer("text/html", page("light", `<indelible-proof id="hostile" key="${vkey}" open="javascript:alert(1)">${inline(hostile)}</indelible-proof>`));
    case "/pins":
      return answer("text/html", page("light", `<indelible-proof id="pins">${inline(bundle)}</indelible-proof>`));
    case "/empty":
      return answer("text/html", page("light", ""));
    case "/source":
      return answer("text/html", page("light", `<indelible-proof id="source" key="${vkey}" src="/bundle.json"></indelible-proof>`));
    case "/pending.json":
      return isCovered ? answer("application/json", JSON.stringify(bundle)) : answer("application/problem+json", "{}", 409);
    case "/bundle.json":
      return isAway ? request.socket.destroy() : answer("application/json", JSON.stringify(bundle));
    case "/gone.json":
      return answer("application/problem+json", "{}", 404);
    case "/favicon.ico":
      return answer("image/x-icon", "");
    default:
      return request.socket.destroy();
  }
});
await new Promise((resolve) => host.listen(0, "127.0.0.1", resolve));
const site = `http://127.0.0.1:${host.address().port}`;

/** An answer of the server to somebody with a key. */
async function api(method, path, body) {
  const headers = { authorization: `Bearer ${process.env.INDELIBLE_KEY}`, "content-type": "application/json" };
  const answer = await fetch(url + path, { method, headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.status === 204 ? null : answer.json();
}

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });

/** A new page that fails the test when it breaks its policy or throws. */
async function open(options = {}, before = null) {
  const context = await browser.newContext({ viewport: { width: 760, height: 1_300 }, acceptDownloads: true, ...options });
  const tab = await context.newPage();
  const troubles = [];
  tab.on("pageerror", (error) => troubles.push(`threw ${error}`));
  tab.on("dialog", (dialog) => {
    troubles.push(`a dialog ${dialog.message()}`);
    dialog.dismiss();
  });
  tab.on("console", (message) => /Content Security Policy/u.test(message.text()) && troubles.push(message.text()));
  if (before) await tab.addInitScript(before);
  return { tab, troubles, close: () => context.close() };
}

const state = (tab, id, wanted) => tab.waitForSelector(`#${id}[state="${wanted}"]`, { timeout: 20_000 });
const said = (tab, id) => tab.evaluate((name) => document.querySelector(`#${name}`).shadowRoot.textContent, id);

async function assertAccessible(tab, what) {
  await tab.evaluate(axe);
  const { violations } = await tab.evaluate((rules) => globalThis.axe.run(document, rules), RULES);
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(", ")}`), [], what);
}

const tests = {
  async "every state in both themes, with a strict policy"() {
    for (const theme of ["light", "dark"]) {
      const { tab, troubles, close } = await open();
      await tab.goto(`${site}/${theme}`);
      for (const [name, , , words] of CARDS) {
        await state(tab, name, name);
        const card = await said(tab, name);
        for (const word of words) assert.ok(card.includes(word), `${name}: ${word} in ${card}`);
      }
      assert.ok(!(await said(tab, "unpinned")).includes("Verified"));
      const ground = (id) => tab.evaluate((name) => getComputedStyle(document.querySelector(`#${name}`).shadowRoot.querySelector("header")).backgroundColor, id);
      const grounds = await Promise.all(CARDS.map(([name]) => ground(name)));
      assert.equal(grounds.filter((colour) => colour === grounds[0]).length, 1, "a green ground is for one state only");
      await assertAccessible(tab, theme);
      await tab.screenshot({ path: join(out, `cards-${theme}.png`), fullPage: true });
      assert.deepEqual(troubles, []);
      await close();
    }
  },

  async "the theme follows the system, and the card fits a narrow column"() {
    const { tab, close } = await open({ colorScheme: "dark", viewport: { width: 390, height: 800 } });
    await tab.goto(`${site}/source`);
    await state(tab, "source", "verified");
    const look = await tab.evaluate(() => {
      const card = document.querySelector("#source");
      return { width: card.getBoundingClientRect().width, colour: getComputedStyle(card).color };
    });
    assert.ok(look.width >= 320 && look.width <= 360, String(look.width));
    assert.equal(look.colour, "rgb(235, 237, 240)");
    await close();
  },

  async "without the browser's cryptography it is the same, and fast"() {
    for (const [what, before] of [["with", null], ["without", () => Object.defineProperty(globalThis, "crypto", { value: undefined })]]) {
      const { tab, close } = await open({}, before);
      await tab.goto(`${site}/light`);
      for (const name of ["witnessed", "verified", "failed", "unpinned"]) await state(tab, name, name);
      const times = await tab.evaluate(async (given) => {
        const card = document.querySelector("#verified");
        const found = [];
        for (let i = 0; i < 30; i += 1) {
          card.setAttribute("state", "");
          const held = new Promise((resolve) => new MutationObserver(resolve).observe(card, { attributes: true, attributeFilter: ["state"] }));
          const begin = performance.now();
          card.bundle = given;
          await held;
          found.push(performance.now() - begin);
        }
        return found.sort((a, b) => a - b);
      }, JSON.stringify(bundle));
      console.log(`   verified and drawn ${what} WebCrypto: median ${times[15].toFixed(1)} ms, longest ${times[29].toFixed(1)} ms`);
      await close();
    }
  },

  async "a pin is kept, and another key is not taken for it"() {
    const { tab, troubles, close } = await open();
    await tab.goto(`${site}/pins`);
    await state(tab, "pins", "unpinned");
    await tab.keyboard.press("Tab");
    await tab.keyboard.press("Enter");
    await state(tab, "pins", "verified");
    await tab.reload();
    await state(tab, "pins", "verified");
    assert.ok(/Key pinned.*20\d\d/u.test(await said(tab, "pins")));
    await tab.evaluate(() => {
      const pins = JSON.parse(localStorage.getItem("indelible-pins"));
      for (const pin of Object.values(pins)) pin.key = "audit.example/log1+640a250f+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
      localStorage.setItem("indelible-pins", JSON.stringify(pins));
    });
    await tab.reload();
    await state(tab, "pins", "failed");
    assert.deepEqual(troubles, []);
    await close();
  },

  async "what an event says stays text"() {
    const { tab, troubles, close } = await open();
    await tab.goto(`${site}/hostile`);
    await state(tab, "hostile", "verified");
    const card = await said(tab, "hostile");
    assert.ok(card.includes("<img src=x onerror=alert(1)>") && card.includes("U+202E"), card);
    const inside = await tab.evaluate(() => {
      const root = document.querySelector("#hostile").shadowRoot;
      return { images: root.querySelectorAll("img, script, [style]").length, links: [...root.querySelectorAll("a")].map((a) => a.href) };
    });
    assert.deepEqual(inside, { images: 0, links: [] });
    assert.deepEqual(troubles, []);
    await close();
  },

  async "a proof can be downloaded, and a bundle be given by a script"() {
    const { tab, close } = await open();
    await tab.goto(`${site}/source`);
    await state(tab, "source", "verified");
    const [download] = await Promise.all([tab.waitForEvent("download"), tab.click("#source >> text=Proof")]);
    assert.deepEqual(JSON.parse(readFileSync(await download.path(), "utf8")), bundle);
    await tab.evaluate(([good, key]) => {
      const made = document.createElement("indelible-proof");
      made.id = "made";
      made.setAttribute("key", key);
      made.bundle = good;
      made.context = { step: 188, of: 214, sources: ["llm", "aws", "<b>", "app", "kubernetes"] };
      document.querySelector("main").append(made);
    }, [bundle, vkey]);
    await state(tab, "made", "verified");
    assert.ok((await said(tab, "made")).includes("step 188 of 214 in this job"));
    for (const bad of ["", "[]", "{", "{}", JSON.stringify({ ...bundle, extra: 1 }), JSON.stringify({ ...bundle, proof: "x" })]) {
      await tab.evaluate((given) => { document.querySelector("#made").bundle = given; }, bad);
      await state(tab, "made", "failed");
      await tab.evaluate((given) => { document.querySelector("#made").bundle = given; }, bundle);
      await state(tab, "made", "verified");
    }
    await tab.evaluate(() => { document.querySelector("#made").bundle = { status: "recorded", seq: 5, leaf_hash: "x" }; });
    await state(tab, "made", "pending");
    await close();
  },

  async "away and back, pending and covered, gone"() {
    const { tab, close } = await open();
    await tab.goto(`${site}/source`);
    await state(tab, "source", "verified");
    isAway = true;
    await tab.evaluate(() => document.querySelector("#source").setAttribute("src", "/bundle.json?"));
    await state(tab, "source", "offline");
    await tab.evaluate(() => document.querySelector("#source").setAttribute("src", "/bundle.json"));
    await tab.waitForFunction(() => /Verified here at/u.test(document.querySelector("#source").shadowRoot.textContent));
    assert.ok((await said(tab, "source")).includes("not checked"));
    isAway = false;
    await tab.click("#source >> text=Try again");
    await state(tab, "source", "verified");
    await tab.evaluate(() => document.querySelector("#source").setAttribute("src", "/pending.json"));
    await state(tab, "source", "pending");
    isCovered = true;
    await state(tab, "source", "verified");
    await tab.evaluate(() => document.querySelector("#source").setAttribute("src", "/gone.json"));
    await state(tab, "source", "offline");
    assert.ok((await said(tab, "source")).includes("shows no proof any more"));
    isCovered = false;
    await close();
  },

  async "a link works on pages of the origins that may, until it is revoked"() {
    const shared = await api("POST", `/v1/events/${bundle.index}/shares`, { contents: true });
    await api("PUT", "/v1/embedding", { origins: ["https://another.example"] });
    const { tab, close } = await open();
    await tab.goto(`${site}/empty`);
    const show = (id) => tab.evaluate(([name, key, src]) => {
      const card = document.createElement("indelible-proof");
      card.id = name;
      card.setAttribute("key", key);
      card.setAttribute("src", src);
      document.querySelector("main").append(card);
    }, [id, vkey, url + shared.url]);
    await show("refused");
    // A browser tells a page nothing of an answer that it may not see.
    await state(tab, "refused", "offline");
    await api("PUT", "/v1/embedding", { origins: [site] });
    await show("allowed");
    await state(tab, "allowed", "verified");
    assert.ok((await said(tab, "allowed")).includes("Content hash"));
    await api("DELETE", `/v1/shares/${shared.id}`);
    await show("revoked");
    await tab.waitForSelector("#revoked[state]");
    assert.ok(!["verified", "witnessed"].includes(await tab.getAttribute("#revoked", "state")));
    await close();
  },

  async "a package is checked from a file, without a network"() {
    const original = readFileSync(packagePath);
    const files = await unpack(original);
    const path = join(out, "verify.html");
    writeFileSync(path, files["verify.html"]);
    const { tab, troubles, close } = await open({ offline: true });
    const asked = [];
    tab.on("request", (request) => asked.push(request.url()));
    await tab.goto(pathToFileURL(path).href);
    const judge = async (bytes, key) => {
      await tab.fill("#key", key);
      await tab.setInputFiles("#package", { name: "audit.zip", mimeType: "application/zip", buffer: Buffer.from(bytes) });
      await tab.waitForFunction(() => /^(ok|bad|warn)$/u.test(document.querySelector("#verdict").className), null, { timeout: 60_000 });
      const verdict = await tab.locator("[role=status]").evaluate((shown) => [shown.className, shown.textContent]);
      const faults = await tab.locator(".faults li").allTextContents();
      await tab.setInputFiles("#package", []);
      return [...verdict, faults.join(" | ")];
    };
    const [good, words] = await judge(original, vkey);
    assert.equal(good, "ok", words);
    assert.ok(words.includes("nothing was changed"));
    await tab.screenshot({ path: join(out, "verify.png"), fullPage: true });
    await assertAccessible(tab, "verify.html");
    assert.equal((await judge(original, ""))[0], "warn");
    assert.equal((await judge(pack(files, true), vkey))[0], "ok");
    assert.equal((await judge(original, "audit.example/log1+640a250f+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"))[0], "bad");
    for (const [name, bytes] of Object.entries(files)) {
      const changed = Uint8Array.from(bytes);
      changed[Math.floor(changed.length / 2)] ^= 1;
      const [verdict, told] = await judge(pack({ ...files, [name]: changed }), vkey);
      assert.equal(verdict, "bad", `${name}: ${told}`);
    }
    const drop = (lines) => lines.filter((_, i) => i !== 2);
    const dropped = repair(withLines(withLines(files, "records.jsonl", drop), "proofs.jsonl", drop));
    const [verdict, , faults] = await judge(pack(dropped), vkey);
    assert.equal(verdict, "bad");
    assert.ok(faults.includes("the log recorded an export with manifest"), faults);
    await tab.screenshot({ path: join(out, "verify-bad.png"), fullPage: true });
    assert.equal((await judge(utf8("no package"), vkey))[0], "bad");
    assert.deepEqual(asked.filter((address) => !address.startsWith("file:")), []);
    assert.deepEqual(troubles, []);
    assert.ok(text(files["README.html"]).includes("verify.html"));
    await close();
  },

  async "the page fits a phone, in dark too, and the one that is served is the same"() {
    const { tab, troubles, close } = await open({ colorScheme: "dark", viewport: { width: 390, height: 800 } });
    await tab.goto(`${url}/embed/verify.html`);
    await tab.setInputFiles("#package", packagePath);
    await tab.waitForSelector("#verdict.warn", { timeout: 60_000 });
    const wide = await tab.evaluate(() => document.documentElement.scrollWidth);
    assert.equal(wide, 390);
    await assertAccessible(tab, "on a phone");
    await tab.screenshot({ path: join(out, "verify-phone.png"), fullPage: true });
    assert.deepEqual(troubles, []);
    await close();
  },
};

let failed = 0;
for (const [name, run] of Object.entries(tests)) {
  try {
    await run();
    console.log(`ok ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}\n${error.stack}`);
  }
}
await browser.close();
host.close();
process.exit(failed === 0 ? 0 : 1);
