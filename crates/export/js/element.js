// <indelible-proof>: a proof that a page shows and the reader's browser checks.
//
//   <indelible-proof key="VKEY"><script type="application/json">BUNDLE</script></indelible-proof>
//   <indelible-proof key="VKEY" src="URL"></indelible-proof>
//
// `witnesses` are keys of witnesses that the page trusts; `open`, `replay` and `report` are addresses for its buttons;
// `theme` is `light` or `dark`. The attribute `state` says what came of it.
//
// A click on a button or link is told as `indelible-action` first, which a page that does it otherwise cancels.

import { Refused, must } from "./bytes.js";
import { parseBundle, verifyBundle } from "./bundle.js";
import { drawCard } from "./card.js";
import { cardStyle } from "./card_style.js";
import { parseRecord } from "./claim.js";
import { parseKey } from "./note.js";

/** Longest bundle that is fetched: a content of a few MiB, twice, escaped. */
const MOST_BYTES = 32 << 20;
const PENDING_TRIES = 20;
const PENDING_PAUSE_MS = 1_000;
/** Where the reader's own pins are, by the name of the log. */
const PINS = "indelible-pins";
/** When a bundle of an address last held, for as long as the page lives. */
const HELD = new Map();

/** No answer from an address. */
class Unreachable extends Error {}
/** The event is recorded and no checkpoint covers it yet. */
class Pending extends Error {}

function pins() {
  try {
    return JSON.parse(localStorage.getItem(PINS) ?? "{}") ?? {};
  } catch {
    return {};
  }
}

/** Whether this page may keep a pin: in a closed frame it may not. */
function mayPin() {
  try {
    return localStorage !== null;
  } catch {
    return false;
  }
}

function pin(name, key) {
  try {
    localStorage.setItem(PINS, JSON.stringify({ ...pins(), [name]: { key, at: Date.now() } }));
  } catch {
    // A page that may keep nothing asks again next time.
  }
}

async function fetched(address) {
  let answer = null;
  try {
    answer = await fetch(address, { credentials: "omit", cache: "no-store", redirect: "error" });
  } catch {
    throw new Unreachable();
  }
  if (answer.status === 409) throw new Pending();
  if (!answer.ok) throw new Unreachable(answer.status === 404 || answer.status === 410 ? "The address shows no proof any more" : `The address answers ${answer.status}`);
  return wholeText(answer);
}

async function wholeText(answer) {
  const reader = answer.body.getReader();
  const parts = [];
  let bytes = 0;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      bytes += part.value.length;
      must(bytes <= MOST_BYTES, "The proof is too long");
      parts.push(part.value);
    }
  } catch (error) {
    throw error instanceof Refused ? error : new Unreachable();
  }
  return new Blob(parts).text();
}

export class IndelibleProof extends HTMLElement {
  static observedAttributes = ["key", "src", "witnesses", "open", "replay", "report"];

  #root = this.attachShadow({ mode: "open" });
  #given = null;
  #context = null;
  #run = 0;
  #timer = 0;
  #tries = 0;
  #text = null;
  #view = null;
  #changes = new MutationObserver(() => this.#start());

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [cardStyle()];
  }

  connectedCallback() {
    this.#changes.observe(this, { childList: true, characterData: true, subtree: true });
    this.#start();
  }

  disconnectedCallback() {
    this.#changes.disconnect();
    clearTimeout(this.#timer);
    this.#run += 1;
  }

  attributeChangedCallback(_name, before, after) {
    if (this.isConnected && before !== after) this.#start();
  }

  /** A bundle as text or as an object, instead of one inside the element. */
  set bundle(bundle) {
    this.#given = bundle === null || typeof bundle === "string" ? bundle : JSON.stringify(bundle);
    if (this.isConnected) this.#start();
  }

  /** Where the event stands in its job: `{ step, of, sources }`. Told by the page, not proven. */
  set context(context) {
    this.#context = context;
    if (this.#view) this.#draw({ ...this.#view, context });
  }

  /** Checks soon: several changes at once, as when the element is read from a page, are one. */
  #start() {
    clearTimeout(this.#timer);
    this.#tries = 0;
    this.#timer = setTimeout(() => this.#check());
  }

  /** What there is to check; null if the page has not given anything yet. */
  async #source() {
    const inline = this.#given ?? this.querySelector('script[type="application/json"]')?.textContent ?? null;
    if (inline !== null) return inline;
    const address = this.getAttribute("src");
    return address === null ? null : fetched(new URL(address, document.baseURI));
  }

  async #check() {
    this.#run += 1;
    const run = this.#run;
    let view = null;
    try {
      const text = await this.#source();
      if (text === null) return;
      this.#text = text;
      view = await this.#judge(text);
      if (view.state !== "failed") HELD.set(this.getAttribute("src"), { at: Date.now(), text });
    } catch (error) {
      view = await this.#without(error);
    }
    // Another one has begun meanwhile.
    if (run === this.#run) this.#draw({ context: this.#context, ...view });
  }

  async #judge(text) {
    const receipt = receiptOf(text);
    if (receipt) return { state: "pending", record: null, receipt };
    const bundle = parseBundle(text);
    const own = this.getAttribute("key")?.trim() || null;
    const kept = own === null ? pins()[bundle.key.split("+")[0]] : undefined;
    const pinned = own ?? (typeof kept?.key === "string" ? kept.key : null);
    const witnesses = this.getAttribute("witnesses")?.split(/\s+/u).filter(Boolean) ?? [];
    const result = await verifyBundle(bundle, { pinned, witnesses });
    return { state: result.state, bundle, result, record: recordOf(bundle), pin: kept ?? null };
  }

  /** What is shown when there is nothing to check. */
  async #without(error) {
    if (error instanceof Pending) {
      this.#tries += 1;
      if (this.#tries < PENDING_TRIES) this.#timer = setTimeout(() => this.#check(), PENDING_PAUSE_MS);
      return { state: "pending", record: null };
    }
    if (error instanceof Unreachable) {
      const held = HELD.get(this.getAttribute("src"));
      const known = held && (await this.#judge(held.text));
      return { state: "offline", record: known?.record ?? null, bundle: known?.bundle, verifiedAt: held?.at, why: error.message || undefined };
    }
    return { state: "failed", record: null, why: error instanceof Refused ? error.message : "This is no proof" };
  }

  #draw(view) {
    this.#view = view;
    const focused = this.#root.activeElement?.dataset.action;
    this.#root.replaceChildren(drawCard(view, this.#actions(view)));
    if (focused) this.#root.querySelector(`[data-action="${focused}"]`)?.focus();
    if (this.getAttribute("state") === view.state) return;
    this.setAttribute("state", view.state);
    this.dispatchEvent(new CustomEvent("indelible-state", { detail: { state: view.state }, bubbles: true, composed: true }));
  }

  #actions(view) {
    const link = (name, label) => {
      const address = this.#address(name);
      return address && { name, label, href: address };
    };
    const first = {
      unpinned: mayPin() && { name: "pin", label: "Pin key", primary: true, run: () => this.#pin(view.bundle.key) },
      offline: { name: "again", label: "Try again", run: () => this.#start() },
      failed: link("report", "Report"),
    };
    const proof = this.#text !== null && { name: "proof", label: "Proof", run: () => this.#download() };
    const actions = [Object.hasOwn(first, view.state) ? first[view.state] : link("replay", "Replay"), link("open", "Open"), proof];
    return actions.filter(Boolean).map((action) => this.#told(action));
  }

  /** An action that the page may take over. */
  #told(action) {
    const { name, href } = action;
    const mayGoOn = () => this.dispatchEvent(new CustomEvent("indelible-action", { detail: { name, href, text: this.#text }, bubbles: true, composed: true, cancelable: true }));
    const run = href ? (event) => void (mayGoOn() || event.preventDefault()) : () => void (mayGoOn() && action.run());
    return { ...action, run };
  }

  /** An address that a button may lead to: nothing that runs in this page. */
  #address(name) {
    const given = this.getAttribute(name);
    if (given === null) return null;
    try {
      const address = new URL(given, document.baseURI);
      return ["https:", "http:", "mailto:"].includes(address.protocol) ? address.href : null;
    } catch {
      return null;
    }
  }

  #pin(key) {
    pin(parseKey(key).name, key);
    this.#start();
  }

  #download() {
    const address = URL.createObjectURL(new Blob([this.#text], { type: "application/json" }));
    const link = document.createElement("a");
    link.href = address;
    link.download = `event-${this.#view?.bundle?.seq ?? "proof"}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }
}

/** A receipt of a write, which has no proof yet; null if the text is something else. */
function receiptOf(text) {
  try {
    const { status, seq, leaf_hash: leafHash, proof } = JSON.parse(text);
    const isOne = ["recorded", "duplicate"].includes(status) && Number.isSafeInteger(seq) && typeof leafHash === "string";
    return isOne && proof === undefined ? { seq, leafHash } : null;
  } catch {
    return null;
  }
}

function recordOf(bundle) {
  try {
    return bundle.record === null ? null : parseRecord(bundle.record);
  } catch {
    return null;
  }
}

if (!customElements.get("indelible-proof")) customElements.define("indelible-proof", IndelibleProof);
