// The page that checks a package: from a file, without a network.

import { element, hostile } from "./dom.js";
import { verifyPackage } from "./package.js";
import { grouped } from "./words.js";

/** Gaps that are listed; the others are in the package. */
const SHOWN_GAPS = 20;

const form = document.querySelector("form");
const file = document.querySelector("#package");
const key = document.querySelector("#key");
const verdict = document.querySelector("#verdict");
const details = document.querySelector("#details");
const drop = document.querySelector("#drop");

let run = 0;

async function check() {
  run += 1;
  const own = run;
  const [chosen] = file.files;
  details.replaceChildren();
  if (!chosen) return say("", "Choose a package", "Its whole ZIP file, not one of the files inside.");
  say("busy", "Checking…", `${chosen.name}, ${grouped(chosen.size)} bytes`);
  const started = performance.now();
  let report = null;
  try {
    report = await verifyPackage(chosen, { pinned: key.value.trim() || null, progress: (done, total) => progress(own, done, total) });
  } catch (error) {
    // A fault of this page, or a file that changed while it was read.
    if (own === run) say("bad", "Not checked", `This page failed: ${error.message}`);
    return;
  }
  if (own === run) show(chosen.name, report, performance.now() - started);
}

/** Says how far it is, and lets the page be drawn. */
async function progress(own, done, total) {
  if (own === run) verdict.querySelector(".second").textContent = `${grouped(done)} of ${grouped(total)} records`;
  await new Promise((resume) => setTimeout(resume));
}

function say(state, headline, second) {
  verdict.className = state;
  verdict.replaceChildren(element("div", { class: "headline" }, headline), element("div", { class: "second" }, hostile(second)));
}

function show(name, report, ms) {
  const took = `${Math.max(1, Math.round(ms))} ms`;
  if (!report.isGood) {
    const [first, ...others] = report.faults;
    const more = others.length > 0 ? `, and ${grouped(others.length)} more ${others.length === 1 ? "fault" : "faults"}` : "";
    say("bad", "Does not verify", `${[placeOf(first), first.what].filter(Boolean).join(": ")}${more}. ${name} (${took})`);
  } else if (report.isPinned) {
    say("ok", "Verified", `${name}: nothing was changed (${took})`);
  } else {
    say("warn", "Key not pinned", `${name}: all adds up, but who signed is not known. Paste the key that you were given on another way (${took})`);
  }
  details.replaceChildren(...[faults(report), facts(report), gaps(report)].filter(Boolean));
}

/** The file and the line of a fault; nothing for one of the archive. */
const placeOf = ({ file: name, line }) => [name, line === null ? null : `line ${line}`].filter(Boolean).join(", ");

function faults({ faults: found, isCut }) {
  if (found.length === 0) return null;
  const items = found.map((fault) => {
    const place = placeOf(fault);
    return element("li", {}, place === "" ? null : element("code", {}, place), " ", hostile(fault.what), fault.detail && element("div", { class: "second" }, hostile(fault.detail)));
  });
  if (isCut) items.push(element("li", {}, "So much is wrong that the rest was not looked at."));
  return element("section", {}, element("h2", {}, "What is wrong"), element("ul", { class: "faults" }, ...items));
}

function facts({ manifest, counts, checkpoint, key: signer, exportRecord }) {
  const rows = [];
  const row = (name, ...value) => rows.push(element("dt", {}, name), element("dd", {}, ...value));
  if (manifest) {
    const { q, from, to, at } = manifest.query;
    row("Asked for", q === "" ? "everything" : element("code", {}, hostile(q)));
    if (from !== null || to !== null) row("Happened", hostile(from ?? "any time"), " up to ", hostile(to ?? "now"));
    row("In the log as of", `${grouped(at)} events`);
    if (manifest.purpose) row("For", hostile(manifest.purpose));
    row("Made by", hostile(manifest.exporter));
  }
  if (exportRecord) row("Made", hostile(exportRecord.recordedAt), `, on record as event ${grouped(exportRecord.seq)} of the log`);
  if (counts) {
    row("Files", `${grouped(counts.files)} with the SHA-256 of the manifest`);
    row("Records", `${grouped(counts.records)} hashed, each found in the tree`);
    row("Contents", counts.withheld > 0 ? `${grouped(counts.withheld)} are not in the package` : `${grouped(counts.contents)} hashed`);
    if (counts.erased > 0) row("Erased", `${grouped(counts.erased)}, on record`);
  }
  if (checkpoint) row("Signed", `${grouped(checkpoint.size)} events, by the log ${checkpoint.origin}`);
  if (signer) row("Key", element("code", {}, hostile(signer.text)));
  if (rows.length === 0) return null;
  const left = "Whether every record is what was asked for is not checked here: that takes the filter language, and indelible verify does it.";
  return element("section", {}, element("h2", {}, "What was checked"), element("dl", {}, ...rows), element("p", { class: "second" }, left));
}

function gaps({ manifest }) {
  const all = manifest?.gaps ?? [];
  if (all.length === 0) return null;
  const items = all.slice(0, SHOWN_GAPS).map((gap) => {
    if (gap.scattered) return element("li", {}, "Producer ", hostile(gap.producer), " numbers its events with holes: its numbers say nothing.");
    if (gap.more_events) return element("li", {}, `${grouped(gap.more_events)} numbered events of further producers were not looked at.`);
    const around = [gap.after && ["after ", hostile(gap.after.time)], gap.before && ["before ", hostile(gap.before.time)]].filter(Boolean);
    return element("li", {}, "Producer ", element("code", {}, hostile(gap.producer)), `, numbers ${grouped(gap.from)} to ${grouped(gap.to)} never arrived: `, ...around.flatMap((part, i) => (i > 0 ? [", ", ...part] : part)));
  });
  if (all.length > SHOWN_GAPS) items.push(element("li", {}, `${grouped(all.length - SHOWN_GAPS)} more, in gaps.json`));
  return element("section", {}, element("h2", {}, "Gaps"), element("p", { class: "second" }, "A gap can be explained, never filled."), element("ul", {}, ...items));
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  check();
});
file.addEventListener("change", check);
key.addEventListener("change", () => file.files.length > 0 && check());
for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", name === "dragenter" || name === "dragover");
    if (name === "drop" && event.dataTransfer.files.length > 0) {
      file.files = event.dataTransfer.files;
      check();
    }
  });
}
if (file.files.length > 0) check();
