// The tree of RFC 6962 with SHA-256, and its proofs. Positions and sizes are BigInt.

import { equal, must } from "./bytes.js";
import { sha256, sha256Pair } from "./sha256.js";

const LEAF = new Uint8Array([0]);
const NODE = 1;

export const EMPTY_ROOT = sha256();

export function leafHash(leaf) {
  return sha256(LEAF, leaf);
}

export function nodeHash(left, right) {
  must(left.length === 32 && right.length === 32, "a hash has 32 bytes");
  return sha256Pair(NODE, left, right);
}

const WRONG_LENGTH = "the proof does not have the hashes that it needs";

/** Walks from a leaf to the root; `step(isLeft, level, place)` takes the next hash of the proof. */
function climb(index, size, step) {
  let place = index;
  let last = size - 1n;
  for (let level = 0; last > 0n; level += 1, place >>= 1n, last >>= 1n) {
    // At the right edge a node without a neighbour moves up as it is.
    if (place & 1n) step(true, level, place);
    else if (place < last) step(false, level, place);
  }
}

/** Throws unless the leaf with a hash is in the tree of so many leaves with a root (RFC 9162, section 2.1.3.2). */
export function verifyInclusion(leaf, index, size, root, proof) {
  must(index < size, "there is no such event in the tree");
  let hash = leaf;
  let used = 0;
  climb(index, size, (isLeft) => {
    must(used < proof.length, WRONG_LENGTH);
    const sibling = proof[used];
    hash = isLeft ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
    used += 1;
  });
  must(used === proof.length, WRONG_LENGTH);
  must(equal(hash, root), "the proof leads to another root");
}

/** Proofs of many leaves of one tree: what a proof has in common with the one before is compared, not hashed again. */
export class Inclusions {
  #size;
  #root;
  /** The nodes of the last proof: level, place, hash, and what of the proof was left there. */
  #last = new Map();
  #lastProof = [];

  constructor(size, root) {
    this.#size = size;
    this.#root = root;
  }

  /** Throws unless a leaf is in the tree. The proof is of base64 texts, `decode` reads one. */
  verify(leaf, index, proof, decode) {
    must(index < this.#size, "there is no such event in the tree");
    const nodes = new Map();
    let hash = leaf;
    let used = 0;
    let isKnown = false;
    climb(index, this.#size, (isLeft, level, place) => {
      if (isKnown) return;
      const known = this.#last.get(`${level}/${place}`);
      if (known && equal(known.hash, hash) && this.#restIsSame(proof, used, known.used)) {
        isKnown = true;
        for (const [name, node] of this.#last) {
          if (node.used >= known.used) nodes.set(name, { hash: node.hash, used: node.used - known.used + used });
        }
        return;
      }
      must(used < proof.length, WRONG_LENGTH);
      nodes.set(`${level}/${place}`, { hash, used });
      const sibling = decode(proof[used]);
      hash = isLeft ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
      used += 1;
    });
    if (!isKnown) {
      must(used === proof.length, WRONG_LENGTH);
      must(equal(hash, this.#root), "the proof leads to another root");
    }
    this.#last = nodes;
    this.#lastProof = proof;
  }

  #restIsSame(proof, from, lastFrom) {
    const last = this.#lastProof;
    if (proof.length - from !== last.length - lastFrom) return false;
    for (let i = 0; from + i < proof.length; i += 1) {
      if (proof[from + i] !== last[lastFrom + i]) return false;
    }
    return true;
  }
}

/** Throws unless the tree of `from` leaves is the beginning of that of `to` (RFC 9162, section 2.1.4.2). */
export function verifyConsistency(from, to, fromRoot, toRoot, proof) {
  must(from > 0n && from <= to, "there is no such consistency proof");
  if (from === to) {
    must(proof.length === 0, WRONG_LENGTH);
    must(equal(fromRoot, toRoot), "trees of one size have different roots");
    return;
  }
  // The old tree's last full subtree: the whole of it if its size is a power of two, else the first hash.
  const isWhole = (from & (from - 1n)) === 0n;
  const rest = isWhole ? [fromRoot, ...proof] : [...proof];
  must(rest.length > 0, WRONG_LENGTH);
  let place = from - 1n;
  let last = to - 1n;
  while (place & 1n) {
    place >>= 1n;
    last >>= 1n;
  }
  let old = rest[0];
  let now = rest[0];
  for (const hash of rest.slice(1)) {
    must(last > 0n, WRONG_LENGTH);
    if (place & 1n || place === last) {
      old = nodeHash(hash, old);
      now = nodeHash(hash, now);
      while (!(place & 1n) && place > 0n) {
        place >>= 1n;
        last >>= 1n;
      }
    } else {
      now = nodeHash(now, hash);
    }
    place >>= 1n;
    last >>= 1n;
  }
  must(last === 0n, WRONG_LENGTH);
  must(equal(old, fromRoot) && equal(now, toRoot), "the proof leads to another root");
}
