// The log as a whole, checked here: signature, growth since the last visit, the tree from its tiles, and some records.

import { duration, glyph, grouped, line } from "./marks.js";
import { lastSeen, pin, pinned, see } from "./pins.js";
import { EMPTY_ROOT, fromBase64, nodeHash, openCheckpoint, parseBundle, parseKey, verifyBundle, verifyConsistency } from "./verifier.js";

const TILE = 256n;
const HASH_BYTES = 32;
/** Leaves whose hashes are read one by one; of a larger tree the hashes of 256 leaves each. */
const MOST_LEAVES = 1n << 20n;
/** Requests at a time. */
const AT_ONCE = 6;
/** Records that are drawn by chance. */
const RECORDS = 16;

const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));
const same = (a, b) => toBase64(a) === toBase64(b);

async function answer(path) {
  const got = await fetch(path);
  if (!got.ok) throw new Error(`${path}: the server answered ${got.status}`);
  return got;
}

/** The path of a tile (C2SP tlog-tiles): three digits at a time. */
function tilePath(level, index, width) {
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, "0");
  const parts = digits.match(/\d{3}/gu).map((part, at, all) => (at < all.length - 1 ? `x${part}` : part));
  return `/v1/log/tile/${level}/${parts.join("/")}${width === TILE ? "" : `.p/${width}`}`;
}

/** Reads all hashes of a level below `count`, a tile after the other. */
async function* hashesOf(level, count) {
  const tiles = [];
  for (let first = 0n; first < count; first += TILE) {
    const width = count - first < TILE ? count - first : TILE;
    tiles.push([first / TILE, width]);
  }
  const ahead = [];
  const next = () => {
    const tile = tiles.shift();
    if (tile) ahead.push(answer(tilePath(level, ...tile)).then(async (got) => [new Uint8Array(await got.arrayBuffer()), tile[1]]));
  };
  for (let at = 0; at < AT_ONCE; at += 1) next();
  while (ahead.length > 0) {
    const [bytes, width] = await ahead.shift();
    next();
    if (BigInt(bytes.length) !== width * BigInt(HASH_BYTES)) throw new Error("a tile is not as wide as it should be");
    for (let at = 0; at < bytes.length; at += HASH_BYTES) yield bytes.subarray(at, at + HASH_BYTES);
  }
}

/** The root of the first `size` leaves (RFC 6962, section 2.1), from tiles, and how many hashes were read. */
async function rootOf(size) {
  const stack = [];
  let read = 0;
  const push = (height, hash) => {
    let [h, right] = [height, hash];
    while (stack.length > 0 && stack.at(-1)[0] === h) {
      right = nodeHash(stack.pop()[1], right);
      h += 1;
    }
    stack.push([h, right]);
    read += 1;
  };
  const below = size % TILE;
  if (size <= MOST_LEAVES) {
    for await (const hash of hashesOf(0, size)) push(0, hash);
  } else {
    for await (const hash of hashesOf(1, size / TILE)) push(8, hash);
    if (below > 0n) {
      const bytes = new Uint8Array(await (await answer(tilePath(0, size / TILE, below))).arrayBuffer());
      for (let at = 0; at < bytes.length; at += HASH_BYTES) push(0, bytes.subarray(at, at + HASH_BYTES));
    }
  }
  if (stack.length === 0) return { root: EMPTY_ROOT, read };
  let root = stack.pop()[1];
  while (stack.length > 0) root = nodeHash(stack.pop()[1], root);
  return { root, read };
}

const CHECKS = {
  async Signature(found) {
    const key = parseKey(found.pinned ?? found.key);
    found.checkpoint = await openCheckpoint(await (await answer("/v1/log/checkpoint")).text(), key);
    return `by ${key.name}, key ${key.id}${found.pinned ? ", pinned in this browser" : ", not pinned"}`;
  },
  async Consistency(found) {
    const { size, root } = found.checkpoint;
    const seen = lastSeen(found.key);
    if (seen === null) {
      see(found.key, size, toBase64(root));
      return "this browser sees the log for the first time, and remembers it";
    }
    const from = BigInt(seen.size);
    const then = fromBase64(seen.root, "the root that was seen");
    if (from > size) throw new Error(`this browser saw ${grouped(from)} events, now there are ${grouped(size)}`);
    let proof = [];
    if (from < size) {
      const told = await (await answer(`/v1/log/consistency?from=${from}&to=${size}`)).json();
      proof = told.proof.map((hash) => fromBase64(hash, "a hash of the proof"));
    }
    verifyConsistency(from, size, then, root, proof);
    see(found.key, size, toBase64(root));
    const on = new Date(seen.at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    return `with size ${grouped(from)}, which this browser saw on ${on}`;
  },
  async Tree(found) {
    const { size, root } = found.checkpoint;
    const computed = await rootOf(size);
    if (!same(computed.root, root)) throw new Error(`root computed from the tiles: ${toBase64(computed.root)}`);
    return `${grouped(computed.read)} hashes read, root computed from them: the same`;
  },
  async Records(found) {
    const { size } = found.checkpoint;
    const drawn = new Set();
    const most = size < BigInt(RECORDS) ? Number(size) : RECORDS;
    while (drawn.size < most) drawn.add(BigInt(Math.floor(Math.random() * Number(size))));
    for (const seq of drawn) {
      const bundle = parseBundle(await (await answer(`/v1/events/${seq}/proof`)).text());
      const { checks } = await verifyBundle(bundle, { pinned: found.pinned ?? found.key });
      const bad = Object.values(checks).find(({ state }) => state === "bad");
      if (bad || bundle.seq !== seq) throw new Error(`#${grouped(seq)}: ${bad?.why ?? "the proof is of another event"}`);
    }
    return `${drawn.size} drawn by chance, each hash computed from its bytes`;
  },
};

/** The server's word on top of the page does not stand against what this browser found. */
function doubt() {
  const head = document.querySelector("[data-integrity]");
  if (!head) return;
  const mark = head.querySelector("svg");
  mark.parentElement.className = "bad";
  mark.replaceWith(glyph("v-failed", "g headline-mark"));
  head.querySelector("h2").textContent = "The log does not verify in this browser";
  head.querySelector("p").textContent = "A check below failed. Keep the data directory as it is, and compare the log's root with what others have seen.";
}

/** Runs checks one after the other; what follows on a failed one is not checked. */
async function run(place, names) {
  const list = place.querySelector(".checks");
  const status = place.querySelector("[data-browser-status]");
  const key = place.dataset.key;
  const found = { key, pinned: pinned(key) };
  const started = performance.now();
  list.replaceChildren();
  place.hidden = false;
  place.dataset.state = "checking";
  status.textContent = "checking…";
  let isGood = true;
  for (const name of names) {
    const began = performance.now();
    try {
      list.append(line("ok", name, await CHECKS[name](found), performance.now() - began));
    } catch (error) {
      list.append(line("bad", name, error.message, performance.now() - began));
      isGood = false;
      if (name === "Signature") break;
    }
  }
  place.dataset.state = isGood ? "good" : "failed";
  status.textContent = `${isGood ? "all checks passed" : "a check failed"}, ${duration(performance.now() - started)}`;
  if (!isGood) doubt();
  const button = place.querySelector("[data-pin]");
  button.hidden = !isGood || found.pinned !== null;
}

function arrive() {
  const place = document.querySelector("[data-browser-check]");
  if (!place || place.dataset.state) return;
  const button = document.querySelector("[data-verify]");
  button.lastChild.textContent = "Verify in this browser";
  run(place, ["Signature", "Consistency"]);
}

document.addEventListener("click", (event) => {
  const place = document.querySelector("[data-browser-check]");
  if (!place) return;
  if (event.target.closest("[data-pin]")) {
    pin(place.dataset.key);
    run(place, Object.keys(CHECKS));
  } else if (event.target.closest("[data-verify]") && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    event.stopPropagation();
    run(place, Object.keys(CHECKS));
  }
}, true);
document.addEventListener("htmx:after:swap", arrive);
arrive();
