// The proof of the open event, checked here: the server hands out bytes, and this browser believes none of them.

import { duration, glyph, grouped, line } from "./marks.js";
import { pinned } from "./pins.js";
import { parseBundle, verifyBundle } from "./verifier.js";

const VERDICTS = {
  witnessed: ["witnessed", "v-witnessed", "Verified and witnessed", "Witnesses saw the same log"],
  verified: ["", "v-verified", "Verified, not witnessed", "Not a byte has changed since it was recorded"],
  unpinned: ["unpinned", "v-unpinned", "Key not pinned", "All adds up, but who signed is not known"],
  failed: ["failed", "v-failed", "Does not verify", "The record is not what was logged"],
};
const NAMES = { record: "Record hash", content: "Content hash", inclusion: "Inclusion", signature: "Log signature", witnesses: "Witnesses", pinned: "Key pinned" };

/** What the note's own lines say: whoever has no key for a cosignature cannot tell whether it is one. */
function seenBy({ seen, others }) {
  const known = seen > 0 ? `${seen} saw the same log` : "";
  const unknown = others > 0 ? `${others} ${others === 1 ? "signature" : "signatures"} of keys that this browser does not know` : "";
  return [known, unknown].filter(Boolean).join(", and ") || "nobody else has signed this checkpoint";
}

function about(name, check, bundle, checkpoint) {
  if (check.state === "bad") return check.why;
  switch (name) {
    case "record":
      return check.state === "erased" ? "erased, its place is proven" : "computed from its bytes: the same as in the log";
    case "content":
      return { ok: "computed from its bytes: the same as in the log", withheld: "withheld from your role", erased: "erased, its place is proven", none: "there is none" }[check.state];
    case "inclusion":
      return `leaf ${grouped(bundle.seq)} leads to the root of ${grouped(checkpoint.size)}`;
    case "signature":
      return `by ${checkpoint.origin}`;
    case "witnesses":
      return seenBy(check);
    default:
      return check.state === "ok" ? "the one that you pinned in this browser" : "no, it came with the proof: pin it under Integrity";
  }
}

function show(place, { state, checks, checkpoint }, bundle, took) {
  const [className, mark, headline, said] = VERDICTS[state];
  const verdict = place.querySelector(".verdict");
  verdict.className = `verdict ${className}`;
  verdict.querySelector("svg").replaceWith(glyph(mark, "g verdict-mark"));
  verdict.querySelector(".lead").textContent = headline;
  verdict.querySelector(".small").textContent = said;
  const lines = Object.keys(NAMES).map((name) => line(checks[name].state, NAMES[name], about(name, checks[name], bundle, checkpoint)));
  place.querySelector(".checks").replaceChildren(...lines);
  place.querySelector("[data-prove-note]").textContent = `Checked in this browser in ${duration(took)}, from bytes that the server handed out.`;
  place.dataset.state = state;
}

async function prove(place) {
  if (place.dataset.state) return;
  place.dataset.state = "checking";
  let text = null;
  try {
    const answer = await fetch(place.dataset.prove, { headers: { accept: "application/json" } });
    if (answer.ok) text = await answer.text();
  } catch {
    // Told by what stays on the page: the server's own checks.
  }
  if (text === null) {
    delete place.dataset.state;
    return;
  }
  const started = performance.now();
  try {
    const bundle = parseBundle(text);
    const result = await verifyBundle(bundle, { pinned: pinned(place.dataset.key) });
    // A bundle that holds, but is of another event, proves nothing about this one.
    if (String(bundle.seq) !== place.dataset.seq) throw new Error("the proof is of another event");
    show(place, result, bundle, performance.now() - started);
  } catch (error) {
    const bad = { state: "bad", why: error.message };
    const checks = Object.fromEntries(Object.keys(NAMES).map((name) => [name, bad]));
    show(place, { state: "failed", checks, checkpoint: null }, null, performance.now() - started);
  }
}

const look = () => document.querySelectorAll("[data-prove]").forEach(prove);
document.addEventListener("htmx:after:swap", look);
look();
