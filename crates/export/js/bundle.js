// Proof bundles (format.md, section 5): every check with its own result, so that a page can show what holds and what not.

import { decimal, fromBase64, must, toBase64 } from "./bytes.js";
import { checkContent, checkRecord, hasContent, hashOf, parseLeaf } from "./claim.js";
import { verifyInclusion } from "./merkle.js";
import { openCheckpoint, parseKey, tlogProof } from "./note.js";

const MEMBERS = ["index", "record", "content", "salt_record", "salt_content", "leaf", "proof", "checkpoint", "key", "tlog_proof"];

/** A bundle from its text. The position is read from the text, as it may be larger than a number of this language. */
export function parseBundle(text) {
  let bundle = null;
  try {
    bundle = JSON.parse(text);
  } catch {
    // Told below.
  }
  must(bundle !== null && typeof bundle === "object" && !Array.isArray(bundle), "the bundle is not JSON");
  const names = Object.keys(bundle);
  must(MEMBERS.every((name) => names.includes(name)), "the bundle lacks a member");
  must(names.every((name) => MEMBERS.includes(name) || name === "content_withheld"), "the bundle has a member that is not known");
  const digits = /^\s*\{\s*"index"\s*:\s*(\d+)\s*,/u.exec(text)?.[1] ?? String(bundle.index);
  must(Array.isArray(bundle.proof) && bundle.proof.every((hash) => typeof hash === "string"), "the proof is not a list of hashes");
  for (const name of ["leaf", "checkpoint", "key", "tlog_proof"]) must(typeof bundle[name] === "string", `${name} is not a text`);
  for (const name of ["record", "content", "salt_record", "salt_content"]) {
    must(bundle[name] === null || typeof bundle[name] === "string", `${name} is not a text`);
  }
  return { ...bundle, seq: decimal(digits, "index") };
}

/** The outcome of one check: `ok`, `bad` (with `why`), `none` (nothing to check), `unpinned`, `withheld` or `erased`. */
const outcome = (state, more = {}) => ({ state, ...more });

async function attempt(check) {
  try {
    return outcome("ok", (await check()) ?? {});
  } catch (error) {
    return outcome("bad", { why: error.message, computed: error.computed, logged: error.logged });
  }
}

/**
 * Checks a bundle. `pinned`: the log's key, if the reader was given one on another way; `witnesses`: keys of witnesses
 * that the reader trusts.
 *
 * `state` is `failed`, `unpinned`, `verified` or `witnessed`; `checks` has every check by name.
 */
export async function verifyBundle(bundle, { pinned = null, witnesses = [] } = {}) {
  const checks = {};
  const parsed = await attempt(() => ({ leaf: parseLeaf(bundle.leaf) }));
  const leaf = parsed.leaf;
  const ofLeaf = (check) => (leaf ? attempt(() => check(leaf)) : outcome("bad", { why: parsed.why }));
  checks.record = bundle.record === null ? outcome("erased") : await ofLeaf((l) => void checkRecord(bundle, l));
  checks.content = await contentOf(bundle, leaf, ofLeaf);
  const key = await attempt(() => ({ key: parseKey(pinned ?? bundle.key) }));
  const known = await Promise.all(witnesses.map((witness) => attempt(() => ({ key: parseKey(witness) }))));
  const good = known.filter(({ state }) => state === "ok").map((parsedKey) => parsedKey.key);
  checks.signature = key.key
    ? await attempt(async () => ({ checkpoint: await openCheckpoint(bundle.checkpoint, key.key, good) }))
    : key;
  const checkpoint = checks.signature.checkpoint;
  checks.inclusion = checkpoint
    ? await ofLeaf((l) => {
        const proof = bundle.proof.map((hash) => fromBase64(hash, "a hash of the proof"));
        verifyInclusion(hashOf(l), bundle.seq, checkpoint.size, checkpoint.root, proof);
        must(tlogProof(bundle.seq, bundle.proof, bundle.checkpoint) === bundle.tlog_proof, "tlog_proof says something else");
      })
    : outcome("bad", { why: "there is no signed root to lead to" });
  const seen = checkpoint?.witnesses.length ?? 0;
  checks.witnesses = outcome(seen > 0 ? "ok" : "none", { seen, asked: witnesses.length, others: checkpoint?.others ?? 0 });
  checks.pinned = pinned === null ? outcome("unpinned") : bundle.key === pinned ? outcome("ok") : outcome("bad", { why: "the bundle names another key than yours" });
  return { state: stateOf(checks), checks, checkpoint };
}

async function contentOf(bundle, leaf, ofLeaf) {
  if (bundle.content !== null) return ofLeaf((l) => void checkContent(bundle, l));
  if (!leaf || !hasContent(leaf)) return outcome("none");
  return outcome(bundle.content_withheld === true ? "withheld" : "erased");
}

function stateOf(checks) {
  const states = Object.values(checks).map(({ state }) => state);
  if (states.includes("bad")) return "failed";
  if (checks.pinned.state !== "ok") return "unpinned";
  return checks.witnesses.seen > 0 && checks.witnesses.seen === checks.witnesses.asked ? "witnessed" : "verified";
}

/** The first 16 and the last 4 hex digits of a hash, for people who compare. */
export function shortHash(bytes) {
  return bytes ? `${toBase64(bytes).slice(0, 12)}…` : "";
}
