// Compares what the clients saw with what the trail says, action by action.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const lines = (path) => readFileSync(path, "utf8").trim().split("\n").map((line) => JSON.parse(line));
const happened = lines(process.env.HAPPENED);
const events = lines(process.env.TRAIL);
const outcomes = events.filter(({ action, producer }) =>
  /^(tools\/call|resources\/read|prompts\/get|sampling\/|elicitation\/)/.test(action) && producer.phase === "outcome");
const intents = new Map(events.filter(({ producer }) => producer.phase === "intent").map((event) => [event.producer.call, event]));

/// Members that a client of the other language adds or leaves out are no difference of the record.
function same(one, other) {
  try {
    assert.deepEqual(one, other);
    return true;
  } catch {
    return false;
  }
}

function fits(event, { job, action, resource, input, output, result }) {
  if (event.job !== job || event.action !== action || event.resource.id !== resource || event.result !== result) return false;
  const intent = intents.get(event.producer.call);
  assert(intent, `an outcome without an intent: ${JSON.stringify(event)}`);
  if (input !== null && action !== "resources/read" && !same(intent.contents.input, input)) return false;
  if (input !== null && action === "resources/read" && intent.contents.input.uri !== input.uri) return false;
  if (output?.texts) return same(event.contents.output.content.map(({ text }) => text), output.texts);
  return output === null || same(event.contents.output, output);
}

for (const one of happened) {
  const at = outcomes.findIndex((event) => fits(event, one));
  assert(at >= 0, `not in the trail: ${JSON.stringify(one)}`);
  outcomes.splice(at, 1);
}
// What a round of the stateless era asks is part of its action.
assert.deepEqual(outcomes.filter(({ action }) => !action.startsWith("elicitation/")), [], "in the trail, but it did not happen");
const open = [...intents.values()].filter(({ producer }) =>
  !events.some((event) => event.producer.phase === "outcome" && event.producer.call === producer.call));
assert.deepEqual(open, [], "every action has an end");
for (const era of ["stdio", "http"]) {
  const rounds = events.filter(({ job, action }) => job === `python-${era}-new` && action === "input_required");
  assert.equal(rounds.length, 1, `${era}: a call of two rounds`);
}
const cancelled = events.filter(({ meta }) => meta?.cancelled);
assert(cancelled.length >= 2, "the calls that were given up");
const progress = events.find(({ job, meta }) => job === "http" && meta?.progress > 1);
assert(progress, "progress is counted");
console.log(`${happened.length} actions happened, and the trail has them, and no others`);
