// What pages weigh and how long they take, with a million events. Weights have a bound; times are told, not judged.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { places } from "./places.mjs";
import { close, visitor } from "./world.mjs";

after(close);

// Bytes on the wire with nothing kept from before.
const MOST_BYTES = 150_000;
const ROUNDS = 7;

const middle = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

test("pages are light, and this long in coming", async (t) => {
  for (const name of ["observe", "observe-week", "events", "events-filter", "event-summary", "jobs", "job", "agents", "agent", "integrity", "export", "guide", "settings"]) {
    const visit = await visitor();
    const session = await visit.context.newCDPSession(visit.page);
    await session.send("Network.enable");
    let bytes = 0;
    session.on("Network.loadingFinished", (event) => { bytes += event.encodedDataLength; });
    await visit.go(places[name]);
    await visit.page.waitForLoadState("networkidle");
    const cold = bytes;
    const times = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await visit.go(places[name]);
      times.push(await visit.page.evaluate(() => {
        const [load] = performance.getEntriesByType("navigation");
        return { first: load.responseStart - load.requestStart, complete: load.loadEventEnd - load.startTime };
      }));
    }
    const [first, complete] = ["first", "complete"].map((part) => middle(times.map((time) => time[part])).toFixed(1));
    t.diagnostic(`${name}: ${Math.round(cold / 1000)} kB cold, first byte ${first} ms, complete ${complete} ms`);
    assert.ok(cold <= MOST_BYTES, `${name}: ${cold} bytes`);
    await visit.close();
  }
});

test("a filter is painted this long after its click", async (t) => {
  const visit = await visitor();
  await visit.go("/events");
  const times = [];
  for (let round = 0; round < ROUNDS * 2; round += 1) {
    await visit.page.waitForLoadState("networkidle");
    times.push(await visit.page.evaluate(() => new Promise((resolve) => {
      const choice = [...document.querySelectorAll(".choice-row a")].find((link) => link.closest(".choice-row").textContent.includes("shell"));
      const start = performance.now();
      const painted = () => requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
      document.addEventListener("htmx:after:swap", painted, { once: true });
      choice.click();
    })));
  }
  t.diagnostic(`a facet chosen or left: ${middle(times).toFixed(1)} ms until it is painted`);
  assert.deepEqual(visit.faults, []);
  await visit.close();
});
