// The proof card: the verdict first, then what happened, the checks, and what can be done. Drawn from the record's own
// bytes and the results of the checks.

import { hex } from "./bytes.js";
import { element, glyph, hostile } from "./dom.js";
import { AGAIN, CLOCK, CROSS, DOWNLOAD, KEY, LOCK, OPEN_RING, PLAY, SOURCES, TICK, VERDICTS, WARNING } from "./glyphs.js";
import { approvalOf, clockOf, cost, countOf, dayOf, duration, grouped, nameOf, whatHappened, when } from "./words.js";

const HEADLINES = {
  witnessed: "Verified and witnessed",
  verified: "Verified, not witnessed",
  pending: "Recorded, proof pending",
  failed: "Does not verify",
  unpinned: "Key not pinned",
  offline: "Not checked",
};

const FAILURES = {
  record: "The record is not what was logged",
  content: "The content is not what was logged",
  signature: "The log has not signed this",
  inclusion: "The record is not in the signed tree",
  pinned: "Another log has signed this",
};

/** In the order in which they are shown. */
const CHECKS = { record: "Record hash", content: "Content hash", inclusion: "Inclusion", signature: "Log signature", witnesses: "Witnesses", pinned: "Key pinned" };

/** What the verdict rests on, in a line. */
export function reason(view) {
  const { state, result } = view;
  switch (state) {
    case "witnessed":
      return `${result.checks.witnesses.seen} of ${result.checks.witnesses.asked} witnesses saw the same log`;
    case "verified":
      if (view.bundle?.record === null) return "The leaf is in the log; its record is not in this proof";
      return "Only the log itself vouches for this yet";
    case "pending":
      return "A signed checkpoint covers it within 1 s";
    case "unpinned":
      return "All adds up, but who signed is not known";
    case "offline":
      return view.verifiedAt ? `${view.why ?? "No connection"}. Verified here at ${clockOf(view.verifiedAt)}` : (view.why ?? "No connection");
    default: {
      const failed = Object.keys(CHECKS).find((name) => result?.checks[name]?.state === "bad");
      return FAILURES[failed] ?? view.why ?? "This is no proof";
    }
  }
}

/** The whole card. `view`: `state`, and what of `record`, `bundle`, `result`, `context`, `pin`, `why` is known. */
export function drawCard(view, actions) {
  const label = `Proof: ${HEADLINES[view.state]}`;
  return element("article", { class: `card ${view.state}`, "aria-label": label }, head(view), what(view), checks(view), foot(actions));
}

function head(view) {
  const second = element("div", { class: "second" }, reason(view));
  const text = element("div", {}, element("div", { class: "headline" }, HEADLINES[view.state]), second);
  return element("header", { role: "status" }, glyph(VERDICTS[view.state], 24), text);
}

function sourceGlyph(source) {
  const isKnown = Object.hasOwn(SOURCES, source);
  const coloured = ["llm", "mcp", "shell", "kubernetes", "forward-proxy", "aws", "sandbox"].includes(source);
  return glyph(SOURCES[isKnown ? source : "app"], 14, coloured ? `s-${source}` : "s-other");
}

function what(view) {
  const { record, bundle } = view;
  if (!record) {
    const isErased = bundle?.record === null;
    return isErased ? element("div", { class: "what" }, element("p", {}, "The record is not in this proof: it was erased, or left out. What it was hashed to is in the log.")) : null;
  }
  const { action, resource } = whatHappened(record);
  const first = element("p", {}, sourceGlyph(String(record.source)), " ", element("span", { class: "sr" }, hostile(record.source), " "), hostile(action, "action"), " ", resource !== null && hostile(resource, "resource"));
  const who = element("p", {}, strong(nameOf(record.actor) ?? "unknown"));
  const asked = nameOf(record.initiator);
  if (asked !== null) who.append(", asked by ", strong(asked));
  const took = duration(record.duration_us);
  const time = element("span", { title: String(record.time) }, when(record.time));
  const last = element("p", {}, time, took === null ? "" : ` · ${took}`, ` · ${cost(record.usage)}`);
  return element("div", { class: "what" }, first, who, allowed(record), last, steps(view));
}

function allowed(record) {
  const approval = approvalOf(record);
  if (approval === null) return null;
  const by = approval.by === "auto" ? " automatically" : approval.by !== null && [" by ", strong(approval.by)];
  const rule = approval.rule !== null && [", rule ", hostile(approval.rule)];
  return element("p", {}, approval.word, ...[by, rule].flat().filter(Boolean));
}

const strong = (text) => element("b", {}, hostile(text));

/** Earlier steps of the job, as whoever gave the bundle tells them. */
function steps({ context }) {
  if (!Number.isSafeInteger(context?.step) || !Number.isSafeInteger(context?.of)) return null;
  const sources = Array.isArray(context.sources) ? context.sources.slice(-5) : [];
  const glyphs = sources.map((source, i) => (i === sources.length - 1 ? element("span", { class: "here" }, sourceGlyph(String(source))) : sourceGlyph(String(source))));
  return element("div", { class: "steps" }, ...glyphs, element("span", {}, `step ${grouped(context.step)} of ${grouped(context.of)} in this job`));
}

function checks(view) {
  const rows = Object.keys(CHECKS).map((name) => row(view, name));
  return element("ul", {}, ...rows.filter(Boolean));
}

const line = (className, mark, name, value, said) => {
  const spoken = said && element("span", { class: "sr" }, `, ${said}`);
  return element("li", { class: className }, glyph(mark, 16), element("span", {}, CHECKS[name], spoken), element("span", { class: "value" }, value));
};

function row(view, name) {
  if (view.state === "offline") return name === "content" ? null : line("wait", OPEN_RING, name, "not checked");
  if (view.state === "pending") return name === "content" ? null : line("wait", CLOCK, name, name === "pinned" && view.pin ? pinned(view) : "waiting");
  const check = view.result?.checks[name];
  if (!check || (name === "content" && check.state === "none")) return null;
  switch (check.state) {
    case "bad":
      return badRow(name, check);
    case "unpinned":
      return line("unpinned", WARNING, name, "no, it came with the proof");
    case "withheld":
      return line("wait", LOCK, name, "withheld");
    case "erased":
      return line("wait", OPEN_RING, name, "not in this proof");
    case "none":
      return line("wait", OPEN_RING, name, check.asked > 0 ? `0 of ${check.asked} so far` : "none known");
    default:
      return line("ok", TICK, name, good(view, name, check), "holds");
  }
}

function good(view, name, check) {
  const bytes = (text) => countOf(new TextEncoder().encode(text).length, "byte", "bytes");
  switch (name) {
    case "record":
      return bytes(view.bundle.record);
    case "content":
      return bytes(view.bundle.content);
    case "inclusion":
      return `leaf ${grouped(view.bundle.seq)}`;
    case "signature":
      return hostile(view.bundle.key.split("+")[1]);
    case "witnesses":
      return `${check.seen} of ${check.asked}`;
    default:
      return pinned(view);
  }
}

const pinned = (view) => (view.pin?.at ? dayOf(view.pin.at) : "by this page");

function badRow(name, check) {
  const shown = element("li", { class: "bad" }, glyph(CROSS, 16), element("span", {}, CHECKS[name], element("span", { class: "sr" }, ", does not hold")), element("span", { class: "value" }, check.computed ? "differs" : "does not hold"));
  const why = check.computed
    ? element("dl", { class: "hashes" }, element("dt", {}, "computed"), element("dd", { class: "computed" }, inGroups(check.computed)), element("dt", {}, "in the log"), element("dd", {}, inGroups(check.logged)))
    : hostile(check.why ?? "");
  shown.append(element("div", { class: "why" }, why));
  return shown;
}

/** A hash as a whole, for people who compare: two may differ in a single place. */
const inGroups = (bytes) => hex(bytes).match(/.{4}/gu).join(" ");

const MARKS = { replay: PLAY, proof: DOWNLOAD, pin: KEY, again: AGAIN };

/** Buttons and links: `{ name, label, href?, run, primary? }`. */
function foot(actions) {
  if (actions.length === 0) return null;
  const made = actions.map(({ name, label, href, run, primary }) => {
    const mark = MARKS[name] && glyph(MARKS[name], 14);
    const attributes = { class: primary ? "primary" : null, "data-action": name };
    const button = href
      ? element("a", { ...attributes, href, target: "_blank", rel: "noopener" }, mark, label)
      : element("button", { ...attributes, type: "button" }, mark, label);
    button.addEventListener("click", run);
    return button;
  });
  return element("footer", {}, ...made);
}
