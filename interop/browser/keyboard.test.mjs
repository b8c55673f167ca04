// Everything without a mouse.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { close, picture, visitor } from "./world.mjs";
import { job } from "./places.mjs";

after(close);

const focused = (page) => page.evaluate(() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const ring = getComputedStyle(element.closest("tr, .radio-card, .filter, li") ?? element);
  const row = getComputedStyle(element, "::after");
  const hasRing = [style, ring, row].some((at) => (at.outlineStyle !== "none" && parseFloat(at.outlineWidth) > 0) || at.boxShadow !== "none");
  // Marks of charts are outlined by a stroke; the parts of a date are the browser's own.
  const hasStroke = [...element.querySelectorAll("rect")].some((rect) => getComputedStyle(rect).stroke !== "none");
  const isSeen = hasRing || hasStroke || element.matches("input[type^=date]");
  const name = element.getAttribute("aria-label") || element.textContent.trim() || element.getAttribute("title") || element.getAttribute("name") || "";
  return { tag: element.tagName, name: name.slice(0, 60), isSeen, id: element.id };
});

test("the first stop leads past the navigation", async () => {
  const visit = await visitor();
  await visit.go("/events");
  await visit.page.keyboard.press("Tab");
  assert.equal((await focused(visit.page)).name, "Skip to the content");
  await visit.page.keyboard.press("Enter");
  assert.equal((await focused(visit.page)).id, "main");
  await visit.close();
});

test("every stop has a name and can be seen", async (t) => {
  const visit = await visitor();
  for (const address of ["/", "/events?event=500011", "/jobs?from=-2d", `/jobs/${job}`, `/jobs/${job}/replay?step=3`, "/agents", "/integrity", "/export", "/guide/reading", "/settings"]) {
    await t.test(address, async () => {
      await visit.go(address);
      const stops = new Set();
      for (let count = 0; count < 90; count += 1) {
        await visit.page.keyboard.press("Tab");
        const stop = await focused(visit.page);
        if (stop.tag === "BODY") break;
        assert.ok(stop.name, `${address}: stop ${count} (${stop.tag}) has no name`);
        assert.ok(stop.isSeen, `${address}: stop ${count} (${stop.tag} ${stop.name}) cannot be seen`);
        stops.add(`${stop.tag} ${stop.name}`);
      }
      assert.ok(stops.size > 12, `${stops.size} stops`);
    });
  }
  await visit.close();
});

test("from a spike to the exact event and its proof", async () => {
  const visit = await visitor();
  const { page } = visit;
  const press = async (key) => { await page.keyboard.press(key); await page.waitForLoadState("networkidle"); };
  await visit.go("/events?event=1&tab=proof");
  // The server's own word stands there first; a key of the server's own is not yet trusted.
  await page.locator("#drawer .verdict", { hasText: "Key not pinned" }).waitFor();
  await visit.go("/integrity");
  await page.locator("[data-pin]").first().focus();
  await press("Enter");
  await visit.go("/");
  await page.locator("[data-chart] a.bar").last().focus();
  assert.equal(await page.locator(".tip").count(), 1);
  await press("Enter");
  await page.waitForURL(/\/events\?.*from=/);
  await press("/");
  assert.equal((await focused(page)).id, "filter");
  await page.keyboard.type("source:shell result:failure");
  await press("Enter");
  await page.waitForURL(/q=source/);
  await page.waitForSelector(".chip", { state: "attached" });
  await press("Escape");
  await press("j");
  await press("j");
  await press("k");
  const row = await page.evaluate(() => document.activeElement.closest("tr").dataset.seq);
  assert.equal(row, await page.locator("tr.event").first().getAttribute("data-seq"));
  await press("Enter");
  await page.waitForURL(new RegExp(`event=${row}`));
  await page.waitForSelector(`#drawer[data-seq="${row}"]`);
  assert.equal(await page.evaluate(() => document.activeElement.closest("tr")?.dataset.seq), row, "the focus stays on its row");
  await press("]");
  const second = await page.locator("tr.event").nth(1).getAttribute("data-seq");
  await page.waitForSelector(`#drawer[data-seq="${second}"]`);
  await press("[");
  await page.waitForSelector(`#drawer[data-seq="${row}"]`);
  await press("p");
  await page.waitForURL(/tab=proof/);
  await page.locator("#drawer .verdict", { hasText: /Verified(?! by this server)/ }).waitFor();
  await press("y");
  await page.waitForSelector(".toast");
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(copied, page.url());
  await press("Escape");
  await page.waitForURL((address) => !address.searchParams.has("event"));
  assert.equal(await page.evaluate(() => document.activeElement.closest("tr")?.dataset.seq), row, "closing gives the focus back");
  assert.deepEqual(visit.faults, []);
  await visit.close();
});

test("menus, the key map and pages", async () => {
  const visit = await visitor();
  const { page } = visit;
  await visit.go("/events");
  await page.keyboard.press("t");
  assert.equal((await focused(page)).name, "Last hour");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForURL(/from=-24h/);
  await page.keyboard.press("?");
  await page.waitForSelector("#keymap[open]");
  await picture(page, "keys-light");
  for (let count = 0; count < 6; count += 1) await page.keyboard.press("Tab");
  assert.ok(await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest("#keymap") !== null), "the dialog keeps the focus");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#keymap[open]").count(), 0);
  for (const [key, path] of [["j", "/jobs"], ["a", "/agents"], ["i", "/integrity"], ["o", "/"], ["e", "/events"]]) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await page.waitForURL((address) => address.pathname === path);
    await page.waitForLoadState("networkidle");
  }
  assert.deepEqual(visit.faults, []);
  await visit.close();
});

test("single keys can be turned off", async () => {
  const visit = await visitor();
  const { page } = visit;
  await visit.go("/events");
  await page.click(".me summary");
  await page.click(".me button[name=keys]");
  await page.waitForLoadState("load");
  await page.keyboard.press("?");
  await page.keyboard.press("t");
  assert.equal(await page.locator("#keymap[open], #period-menu[open]").count(), 0);
  await visit.close();
});

test("a facet is included and excluded", async () => {
  const visit = await visitor();
  const { page } = visit;
  await visit.go("/events");
  const shell = page.locator(".choice-row", { hasText: "shell" }).first().locator("[data-facet]");
  await shell.focus();
  await page.keyboard.press("x");
  await page.waitForURL(/q=source%3Ashell/);
  await page.locator(".choice-row", { hasText: "aws" }).first().locator("[data-facet]").focus();
  await page.keyboard.press("X");
  await page.waitForURL(/-source%3Aaws/);
  assert.deepEqual(visit.faults, []);
  await visit.close();
});
