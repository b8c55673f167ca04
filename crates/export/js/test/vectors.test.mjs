// The vectors of the formats, which every verifier has to pass.

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Refused, fromBase64, hex, toBase64, utf8 } from "../bytes.js";
import { commitContent, commitRecord, parseLeaf, placeOf } from "../claim.js";
import { isUsableKey, verify, verifyHere } from "../ed25519.js";
import { EMPTY_ROOT, Inclusions, leafHash, verifyConsistency, verifyInclusion } from "../merkle.js";
import { openCheckpoint, parseCheckpoint, parseKey, parseNote, tlogProof, verifyNote } from "../note.js";
import { Sha256, sha256 } from "../sha256.js";
import { sha512 } from "../sha512.js";

const file = readFileSync(new URL("../../../tlog/tests/vectors/tlog.json", import.meta.url), "utf8");
// Numbers of 64 bits would lose digits.
const vectors = JSON.parse(file.replace(/^(\s*"[a-z_]+": )(\d+)(,?)$/gmu, '$1"$2"$3'));
const { tree, signed_note: notes, leaves } = vectors;
const bytes = (digits) => Uint8Array.from(Buffer.from(digits, "hex"));

test("hashes are those of another implementation", () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 111, 112, 119, 120, 127, 128, 1_000, 70_000]) {
    const input = Uint8Array.from(randomBytes(length));
    assert.equal(hex(sha256(input)), createHash("sha256").update(input).digest("hex"));
    assert.equal(hex(sha512(input)), createHash("sha512").update(input).digest("hex"));
    const parts = new Sha256();
    for (let at = 0; at < length; at += 37) parts.update(input.subarray(at, at + 37));
    assert.deepEqual(parts.digest(), sha256(input));
  }
});

test("base64 has one form", () => {
  for (let length = 0; length < 70; length += 1) {
    const input = Uint8Array.from(randomBytes(length));
    assert.equal(toBase64(input), Buffer.from(input).toString("base64"));
    assert.deepEqual(fromBase64(toBase64(input)), input);
  }
  for (const bad of ["A", "AA", "AAA", "AA=A", "AB==", "AAB=", "====", "A===", "AA==AAAA", "AA-_", "AA A", "AAAA\n", "ＡAAA"]) {
    assert.throws(() => fromBase64(bad), Refused, bad);
  }
});

test("leaves and roots of the trees", () => {
  assert.equal(hex(EMPTY_ROOT), tree.small.roots[0].root);
  tree.small.leaves.forEach((leaf, i) => assert.equal(hex(leafHash(bytes(leaf))), tree.small.leaf_hashes[i]));
});

const inclusion = (given) =>
  verifyInclusion(bytes(given.leaf_hash), BigInt(given.index), BigInt(given.size), bytes(given.root), given.proof.map(bytes));

test("inclusion proofs", () => {
  assert.equal(tree.inclusion.length, 25);
  for (const given of tree.inclusion) inclusion(given);
  assert.equal(tree.inclusion_reject.length, 37);
  for (const given of tree.inclusion_reject) assert.throws(() => inclusion(given), Refused, given.why);
});

test("many inclusion proofs of one tree are judged like single ones", () => {
  const judge = (cases, seed) => {
    const checkers = new Map();
    let order = [...cases];
    for (let round = 0; round < 8; round += 1) {
      order = order.map((value, i) => [Math.sin(seed + round * 100 + i), value]).sort((a, b) => a[0] - b[0]).map(([, value]) => value);
      for (const given of order) {
        const name = `${given.size}/${given.root}`;
        if (!checkers.has(name)) checkers.set(name, new Inclusions(BigInt(given.size), bytes(given.root)));
        const check = () => checkers.get(name).verify(bytes(given.leaf_hash), BigInt(given.index), given.proof, bytes);
        if (tree.inclusion.includes(given)) check();
        else assert.throws(check, Refused, given.why);
      }
    }
  };
  const short = tree.inclusion_reject.filter((given) => given.leaf_hash.length === 64);
  judge([...tree.inclusion, ...short], 7);
});

const consistency = (given) =>
  verifyConsistency(BigInt(given.from), BigInt(given.to), bytes(given.from_root), bytes(given.to_root), given.proof.map(bytes));

test("consistency proofs", () => {
  assert.equal(tree.consistency.length, 47);
  for (const given of tree.consistency) consistency(given);
  assert.equal(tree.consistency_reject.length, 21);
  for (const given of tree.consistency_reject) assert.throws(() => consistency(given), Refused, given.why);
});

const open = async ({ input, input_hex: digits, keys }) => {
  let text = input;
  if (digits !== undefined) {
    // What is not UTF-8 cannot become a text of this language.
    try {
      text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes(digits));
    } catch {
      throw new Refused("not UTF-8");
    }
  }
  const note = parseNote(text);
  const signed = await verifyNote(note, keys.map(parseKey));
  return { note, names: signed.map(({ key }) => key.name) };
};

async function checkNotes() {
  assert.equal(notes.accept.length, 17);
  for (const given of notes.accept) {
    const { note, names } = await open(given);
    assert.equal(note.text, given.text, given.why);
    assert.deepEqual(names, given.verified, given.why);
  }
  assert.equal(notes.reject.length, 45);
  for (const given of notes.reject) await assert.rejects(open(given), Refused, given.why);
}

test("signed notes", checkNotes);

test("signed notes without the browser's cryptography", async () => {
  const own = Object.getOwnPropertyDescriptor(globalThis, "crypto");
  Object.defineProperty(globalThis, "crypto", { value: undefined, configurable: true });
  try {
    await checkNotes();
  } finally {
    Object.defineProperty(globalThis, "crypto", own);
  }
});

test("keys", () => {
  for (const { name, key_id: id, public_key: key, vkey } of [notes.log, notes.witness]) {
    const parsed = parseKey(vkey);
    assert.deepEqual([parsed.name, parsed.id, hex(parsed.key)], [name, id, key]);
  }
  assert.equal(notes.vkey_reject.length, 10);
  for (const { why, vkey } of notes.vkey_reject) assert.throws(() => parseKey(vkey), Refused, why);
});

test("checkpoints", async () => {
  assert.equal(notes.checkpoint_accept.length, 4);
  for (const { input, keys, origin, size, root } of notes.checkpoint_accept) {
    const opened = await openCheckpoint(input, parseKey(keys[0]));
    assert.deepEqual([opened.origin, opened.size, hex(opened.root)], [origin, BigInt(size), root]);
  }
  assert.equal(notes.checkpoint_reject.length, 26);
  for (const { why, input, keys, origin } of notes.checkpoint_reject) {
    const parsed = keys.map(parseKey);
    const log = parsed.find(({ name }) => name === origin) ?? parsed[0];
    const others = parsed.filter((key) => key !== log);
    await assert.rejects(openCheckpoint(input, log, others), Refused, why);
  }
  const cosigned = await openCheckpoint(notes.cosigned, parseKey(notes.log.vkey), [parseKey(notes.witness.vkey)]);
  assert.deepEqual(cosigned.witnesses, [notes.witness.vkey]);
  assert.throws(() => parseCheckpoint("o\n0\n"), Refused);
});

test("the proof as text", () => {
  const { text, index } = notes.tlog_proof;
  const [head, checkpoint] = [text.slice(0, text.indexOf("\n\n")), text.slice(text.indexOf("\n\n") + 2)];
  assert.equal(tlogProof(BigInt(index), head.split("\n").slice(2), checkpoint), text);
});

test("records, contents and leaves", () => {
  for (const given of leaves.records) {
    const leaf = parseLeaf(toBase64(bytes(given.leaf)));
    assert.equal(leaf.recordedAt, BigInt(given.recorded_at_us));
    assert.equal(hex(commitRecord(bytes(given.salt_r), given.record)), given.C_r);
    assert.equal(hex(commitContent(bytes(given.salt_c), given.content)), given.C_c);
    assert.deepEqual([hex(leaf.record), hex(leaf.content)], [given.C_r, given.C_c]);
    assert.equal(hex(leafHash(leaf.bytes)), given.leaf_hash);
    assert.deepEqual(placeOf(given.record), { seq: BigInt(given.seq), recordedAt: BigInt(given.recorded_at_us) });
  }
  for (const bad of ["{}", '{"v":2,"id":"a","seq":1,"recorded_at":"2026-01-01T00:00:00.000000Z"', '{"v":1,"seq":1,"id":"a"']) {
    assert.throws(() => placeOf(bad), Refused, bad);
  }
  assert.throws(() => parseLeaf(toBase64(new Uint8Array(73))), Refused);
  assert.throws(() => parseLeaf(toBase64(new Uint8Array(74))), Refused);
});

test("both checks of signatures agree, on true and on changed ones", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = Uint8Array.from(publicKey.export({ format: "der", type: "spki" }).subarray(-32));
  assert.ok(isUsableKey(key));
  for (const length of [0, 1, 200]) {
    const message = Uint8Array.from(randomBytes(length));
    const good = Uint8Array.from(sign(null, message, privateKey));
    assert.ok((await verify(key, message, good)) && verifyHere(key, message, good));
    for (let at = 0; at < 64; at += 7) {
      const bad = Uint8Array.from(good);
      bad[at] ^= 1 << (at % 8);
      assert.ok(!(await verify(key, message, bad)) && !verifyHere(key, message, bad), `byte ${at}`);
    }
    // The same S, one order of the group higher, is another text of the same signature.
    const malleable = Uint8Array.from(good);
    let carry = 0n;
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    for (let i = 0; i < 32; i += 1) {
      carry += BigInt(malleable[32 + i]) + ((order >> BigInt(8 * i)) & 255n);
      malleable[32 + i] = Number(carry & 255n);
      carry >>= 8n;
    }
    assert.ok(!(await verify(key, message, malleable)) && !verifyHere(key, message, malleable));
  }
});

test("keys of small order are no keys", () => {
  // y = 1, y = -1, y = 0, and one of order eight (RFC 7748's curve, in Edwards form).
  const small = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  ];
  for (const key of small) assert.ok(!isUsableKey(bytes(key)), key);
  assert.ok(isUsableKey(bytes(notes.log.public_key)));
});

test("limits of notes", () => {
  const line = notes.signature_line.trimEnd();
  const note = (count) => `${notes.checkpoint_text}\n${`${line}\n`.repeat(count)}`;
  assert.equal(parseNote(note(100)).signatures.length, 100);
  assert.throws(() => parseNote(note(101)), Refused);
  assert.throws(() => parseNote(`${"x".repeat(1 << 20)}\n\n${line}\n`), Refused);
  assert.throws(() => parseNote(`\ud800\n\n${line}\n`), Refused);
  assert.equal(utf8("é").length, 2);
});
