// What people come for, with scripts and without.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { close, api, picture, post, visitor, key, url } from "./world.mjs";
import { job } from "./places.mjs";

after(close);

test("without scripts: in, a filter, an event, its content, a view, and out", async () => {
  const visit = await visitor({ scripts: false, withKey: null });
  const { page } = visit;
  await visit.go("/events?q=result:error");
  await page.fill("input[name=key]", key);
  await page.click("button[type=submit]");
  await page.waitForSelector(".list-foot");
  assert.equal(visit.at(), "/events?q=result:error");
  assert.equal(await page.locator("tr.event").count(), 50);
  await page.fill("#filter", "result:error source:shell");
  await page.keyboard.press("Enter");
  await page.waitForURL(/source%3Ashell/);
  assert.equal(await page.locator(".chip").count(), 2);
  await page.locator("tr.event a").first().click();
  await page.waitForURL(/event=\d+/);
  await page.click("#drawer .tabs a:has-text('Content')");
  await page.waitForURL(/tab=content/);
  await page.click("a[rel=next]");
  await page.waitForURL(/after=/);
  await page.fill("#filter", "sorce:shell");
  await page.keyboard.press("Enter");
  await page.waitForSelector("[role=alert]");
  assert.equal(await page.textContent("[role=alert] mark"), "sorce");
  assert.equal(await page.inputValue("#filter"), "sorce:shell");
  await page.click("[role=alert] a");
  await page.waitForURL(/q=source%3Ashell/);
  await page.click("summary:has-text('Save')");
  await page.fill("#view-name", "Shell");
  await page.click("button:has-text('Save')");
  await page.click("summary:has-text('Save')");
  await page.click(".saved a:has-text('Shell')");
  await page.waitForURL(/q=source%3Ashell/);
  await page.click("summary:has-text('Save')");
  await page.click(".saved button");
  await page.click(".me summary");
  await page.click(".me button:has-text('Sign out')");
  assert.equal(visit.at(), "/sign-in");
  await visit.go("/events");
  assert.match(visit.at(), /^\/sign-in\?next=/);
  assert.deepEqual(visit.faults, []);
  await visit.close();
});

test("links swap the page in place, and back goes back", async () => {
  const visit = await visitor();
  const { page } = visit;
  await visit.go("/events");
  await page.evaluate(() => { window.mark = 1; });
  await page.click("#side a[href^='/jobs']");
  await page.waitForURL(/\/jobs/);
  await page.waitForSelector(".jobs-table");
  assert.equal(await page.evaluate(() => window.mark), 1, "the document is the same");
  assert.match(await page.title(), /^Jobs/);
  await page.goBack();
  await page.waitForSelector(".event-table");
  assert.equal(visit.at(), "/events");
  assert.deepEqual(visit.faults, []);
  await visit.close();
});

test("a span drawn on the chart is the page's time", async () => {
  const visit = await visitor();
  const { page } = visit;
  await visit.go("/events");
  const bars = page.locator("[data-chart] a.bar");
  const [first, last] = [await bars.nth(4).boundingBox(), await bars.nth(8).boundingBox()];
  await page.mouse.move(first.x + 3, first.y + 8);
  await page.mouse.down();
  await page.mouse.move(last.x + 3, last.y + 8, { steps: 5 });
  await page.mouse.up();
  await page.waitForURL(/from=.*to=/);
  const query = new URL(page.url()).searchParams;
  const days = (Date.parse(query.get("to")) - Date.parse(query.get("from"))) / 86_400_000;
  assert.equal(days, 5, "whole bars");
  await visit.close();
});

test("the tail shows what comes, and counts it while the reader looks further down", async () => {
  const visit = await visitor();
  const { page } = visit;
  const run = Date.now().toString(36);
  await visit.go(`/events?q=action:live.${run}.*`);
  await page.click("[data-live]");
  await page.waitForURL(/live=1/);
  await page.waitForSelector(".live-state:has-text('waiting')");
  const send = (count, name) => post(Array.from({ length: count }, (_, index) => ({ actor: { id: "live" }, action: `live.${run}.${name}.${index}<i>` })));
  await send(40, "first");
  await page.waitForSelector("tr.event >> text=first.39<i>");
  assert.equal(await page.locator("tr.event").first().locator("code.what").textContent(), `live.${run}.first.39<i>`);
  await page.locator("[data-rows]").evaluate((rows) => rows.scrollTo(0, 400));
  await send(3, "second");
  await page.waitForSelector(".live-more button:has-text('3 new events')");
  assert.equal(await page.locator("tr.event >> text=second.").count(), 0);
  await picture(page, "live-light");
  await page.click(".live-more button");
  await page.waitForSelector("tr.event >> text=second.2<i>");
  assert.deepEqual(visit.faults, []);
  await visit.close();
});

test("a new trail waits for its first event, and turns live with it", async () => {
  const made = await api("/v1/trails", { method: "POST", body: JSON.stringify({ name: `first-${Date.now().toString(36)}` }) });
  const visit = await visitor({ withKey: made.key });
  const { page } = visit;
  await visit.go("/");
  await page.waitForSelector("#waiting");
  await picture(page, "first-run-light");
  await post([{ actor: { id: "a" }, action: "hello" }], { withKey: made.key });
  await page.waitForSelector(".figures");
  assert.equal(await page.locator("#waiting").count(), 0);
  assert.deepEqual(visit.faults, []);
  await visit.close();
});

test("a replay is stepped through and a terminal is played, not run", async () => {
  const visit = await visitor();
  const { page } = visit;
  await visit.go(`/jobs/${job}`);
  await page.click("[data-replay]");
  await page.waitForURL(/\/replay/);
  const here = await page.locator(".steps [aria-current], .steps .current").first().textContent();
  await page.keyboard.press("]");
  await page.waitForURL(/step=2/);
  assert.notEqual(await page.locator(".steps [aria-current], .steps .current").first().textContent(), here);
  const { hostilePlaces } = await import("./places.mjs");
  await visit.go(hostilePlaces["hostile-replay"]);
  await page.waitForSelector(".ap-player, .ap-wrapper");
  await page.waitForLoadState("networkidle");
  await picture(page, "replay-terminal-light");
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  assert.equal(await page.locator(".ap-player a[href^='javascript' i]").count(), 0);
  assert.deepEqual(visit.faults, []);
  await visit.close();
});

test("a lesson is acknowledged", async () => {
  const made = await api("/v1/keys", { method: "POST", body: JSON.stringify({ name: "Tomás Ibarra", role: "viewer" }) });
  const visit = await visitor({ withKey: made.key });
  const { page } = visit;
  await visit.go("/guide/recorded");
  await page.check("input[name=q0][value='0']");
  await page.check("input[name=q1][value='0']");
  await page.click(".quiz button");
  await page.waitForSelector(".asked.again");
  await page.check("input[name=q0][value='1']");
  await page.check("input[name=q1][value='0']");
  await page.click(".quiz button");
  await page.waitForURL(/done=1/);
  const event = (await api("/v1/events?action=guide.acknowledged&limit=1")).data[0];
  assert.equal(event.meta.lesson, "recorded");
  assert.equal(event.actor.name, "Tomás Ibarra");
  assert.deepEqual(visit.faults, []);
  await visit.close();
});

test("somebody is added, signs in with the link once, and is removed", async () => {
  const visit = await visitor();
  const { page } = visit;
  await visit.go("/settings");
  if (!(await page.isVisible("#person-name"))) await page.click("summary:has-text('Add somebody')");
  await page.fill("#person-name", "Jana Okafor");
  await page.selectOption("#person-role", "viewer");
  await page.click("form:has(#person-name) button");
  await page.waitForSelector("text=copy this now");
  const link = await page.evaluate(() => document.querySelector("main").outerHTML.match(/[^"']*\/sign-in\?link=[^"'&]+/)[0]);
  const other = await visitor({ withKey: null });
  await other.page.goto(new URL(link, url).href);
  assert.equal(other.at(), "/");
  assert.equal(await other.page.locator("a[href='/export']").count(), 0);
  await visit.go("/settings");
  await page.locator("tr", { hasText: "Jana Okafor" }).locator("summary, button:has-text('Remove')").first().click();
  await page.locator("tr", { hasText: "Jana Okafor" }).locator("form[action='/settings/revoke'] button").click();
  await page.waitForSelector("tr:has-text('Jana Okafor')", { state: "detached" });
  await other.go("/events");
  assert.match(other.at(), /^\/sign-in/);
  assert.deepEqual([...visit.faults, ...other.faults], []);
  await other.close();
  await visit.close();
});
