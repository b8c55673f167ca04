// Every page in both themes, on a phone, and without scripts: no fault, nothing that axe knows, nothing past the edge.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { hostilePlaces, places } from "./places.mjs";
import { close, overflow, picture, violations, visitor } from "./world.mjs";

after(close);

const looks = {
  light: {},
  dark: { theme: "dark" },
  phone: { width: 390, height: 844 },
  "phone-dark": { width: 390, height: 844, theme: "dark" },
  plain: { scripts: false },
};

for (const [look, options] of Object.entries(looks)) {
  test(`pages, ${look}`, async (t) => {
    const visit = await visitor(options);
    for (const [name, address] of Object.entries({ ...places, ...hostilePlaces })) {
      await t.test(name, async () => {
        visit.faults.length = 0;
        const answer = await visit.go(address);
        assert.equal(answer.status(), name === "missing" ? 404 : 200);
        assert.match(answer.headers()["content-security-policy"], /^default-src 'none'; script-src 'self'/);
        await visit.page.waitForLoadState("networkidle");
        await picture(visit.page, `${name}-${look}`);
        assert.deepEqual(await overflow(visit.page), []);
        // axe runs on timers, which a page without scripts does not have.
        if (look !== "plain" && (!name.startsWith("long") || look === "light")) assert.deepEqual(await violations(visit.page), []);
        assert.equal(await visit.page.evaluate(() => window.pwned), undefined);
        const foreign = await visit.page.evaluate(() => document.querySelectorAll("main script, main iframe, img[onerror], svg[onload], a[href^='javascript' i]").length);
        assert.equal(foreign, 0);
        assert.deepEqual(visit.faults, []);
      });
    }
    await visit.close();
  });
}

test("the theme follows the system unless the reader chose", async () => {
  const visit = await visitor({ theme: "dark" });
  const ground = () => visit.page.evaluate(() => getComputedStyle(document.body).backgroundColor + getComputedStyle(document.documentElement).backgroundColor);
  await visit.go("/guide");
  const dark = await ground();
  await visit.page.click(".me summary");
  await visit.page.click(".me button[value=light]");
  await visit.page.waitForLoadState("load");
  const light = await ground();
  assert.notEqual(light, dark);
  await visit.go("/jobs?from=-1h");
  assert.equal(await ground(), light);
  await visit.close();
});

test("the sign-in page", async (t) => {
  for (const [look, options] of Object.entries(looks)) {
    await t.test(look, async () => {
      const visit = await visitor({ ...options, withKey: null });
      await visit.go("/events?q=source:shell");
      assert.equal(visit.at(), "/sign-in?next=%2Fevents%3Fq%3Dsource%3Ashell");
      await picture(visit.page, `sign-in-${look}`);
      if (look !== "plain") assert.deepEqual(await violations(visit.page), []);
      assert.deepEqual(await overflow(visit.page), []);
      assert.deepEqual(visit.faults, []);
      const box = await visit.page.locator("form").boundingBox();
      const width = options.width ?? 1440;
      assert.ok(Math.abs(box.x + box.width / 2 - width / 2) < 12, "it stands in the middle");
      await visit.close();
    });
  }
});
