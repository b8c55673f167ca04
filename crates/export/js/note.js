// C2SP signed notes, verifier keys, checkpoints and cosignatures.

import { decimal, equal, fromBase64, hex, must, utf8 } from "./bytes.js";
import { isUsableKey, verify } from "./ed25519.js";
import { EMPTY_ROOT } from "./merkle.js";
import { sha256 } from "./sha256.js";

const MAX_NOTE_BYTES = 1 << 20;
const MAX_SIGNATURES = 100;

/** Kinds of keys: a log signs the text, a witness a time and the text. */
export const LOG = 1;
export const WITNESS = 4;

/** Whether a text may be the name of a key. */
function isName(name) {
  return name.length > 0 && !/[\p{White_Space}+\u0000-\u001f\u007f]/u.test(name);
}

/** A key of the form `name+id+key`; throws for anything else. */
export function parseKey(vkey) {
  must(typeof vkey === "string", "a key is a text");
  const form = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/su.exec(vkey);
  must(form, "a key is name+id+key");
  const [, name, id, encoded] = form;
  must(isName(name), "the name of the key is not one");
  const bytes = fromBase64(encoded, "the key");
  const kind = bytes[0];
  must(kind === LOG || kind === WITNESS, "the key is of a kind that is not known");
  const key = bytes.subarray(1);
  must(isUsableKey(key), "the key is not a usable Ed25519 key");
  const digest = sha256(utf8(`${name}\n`), bytes);
  must(hex(digest.subarray(0, 4)) === id, "the id does not belong to this name and key");
  return { name, id, kind, key, text: vkey };
}

/** A note as it was written; nothing in it is to be trusted before `openCheckpoint`. */
export function parseNote(note) {
  const bytes = utf8(note);
  must(bytes.length <= MAX_NOTE_BYTES, "the note is too long");
  // A lone surrogate is no text.
  must(note.isWellFormed?.() ?? !/\p{Surrogate}/u.test(note), "the note is not text");
  must(!/[\u0000-\u0009\u000b-\u001f]/u.test(note), "the note has a control character");
  const split = note.lastIndexOf("\n\n");
  must(split >= 0 && note.endsWith("\n"), "a note is a text, an empty line and signatures");
  const lines = note.slice(split + 2);
  must(lines.length > 0, "the note has no signature");
  const signatures = lines.slice(0, -1).split("\n").map(parseSignature);
  must(signatures.length <= MAX_SIGNATURES, "the note has too many signatures");
  return { text: note.slice(0, split + 1), signatures };
}

function parseSignature(line) {
  const form = /^\u2014 ([^ ]+) ([^ ]+)$/u.exec(line);
  must(form && isName(form[1]), "a signature line is malformed");
  const bytes = fromBase64(form[2], "a signature");
  must(bytes.length > 4, "a signature line is malformed");
  return { name: form[1], id: hex(bytes.subarray(0, 4)), signature: bytes.subarray(4) };
}

/** Seconds since 1970 that a witness signed at; null if its signature is not good. */
async function cosignedAt(key, text, signature) {
  if (signature.length !== 72) return null;
  const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
  if (time >= 1n << 63n) return null;
  const message = utf8(`cosignature/v1\ntime ${time}\n${text}`);
  return (await verify(key.key, message, signature.subarray(8))) ? time : null;
}

/** Which of some keys have signed a note, each with the time if it is a witness's. A bad signature of one throws, and so does none. */
export async function verifyNote(note, keys) {
  const signed = [];
  for (const { name, id, signature } of note.signatures) {
    for (const key of keys.filter((key) => key.name === name && key.id === id)) {
      const isLog = key.kind === LOG;
      const time = isLog ? null : await cosignedAt(key, note.text, signature);
      const isGood = isLog ? await verify(key.key, utf8(note.text), signature) : time !== null;
      must(isGood, `the signature of ${name} is wrong`);
      signed.push({ key, time });
    }
  }
  must(signed.length > 0, "no known key has signed the note");
  return signed;
}

/** Origin, size and root that a note states, if the log has signed it, the witnesses that have, and how many signatures are of keys that are not known. */
export async function openCheckpoint(text, log, witnesses = []) {
  const note = parseNote(text);
  const signed = await verifyNote(note, [log, ...witnesses]);
  must(log.kind === LOG && signed.some(({ key }) => key === log), "the checkpoint is not signed by the log");
  const checkpoint = parseCheckpoint(note.text);
  must(checkpoint.origin === log.name, "the checkpoint is of another log");
  const seen = new Set(signed.filter(({ key }) => key.kind === WITNESS).map(({ key }) => key.text));
  // Lines of a log's witnesses that the reader has no keys for: neither believed nor denied.
  const others = note.signatures.filter(({ name, id }) => ![log, ...witnesses].some((key) => key.name === name && key.id === id));
  return { ...checkpoint, witnesses: [...seen], others: others.length };
}

/** The three lines of a checkpoint. */
export function parseCheckpoint(text) {
  const lines = text.split("\n");
  must(lines.length === 4 && lines[3] === "", "a checkpoint is three lines");
  const [origin, size, root] = lines;
  must(isName(origin), "the checkpoint's origin is not a name");
  const checkpoint = { origin, size: decimal(size, "the checkpoint's size"), root: fromBase64(root, "the checkpoint's root") };
  must(checkpoint.root.length === 32, "the checkpoint's root is not a hash");
  must(checkpoint.size > 0n || equal(checkpoint.root, EMPTY_ROOT), "the empty log has another root");
  return checkpoint;
}

/** The text of C2SP `tlog-proof@v1` for a proof of base64 texts. */
export function tlogProof(index, proof, checkpoint) {
  const hashes = proof.map((hash) => `${hash}\n`).join("");
  return `c2sp.org/tlog-proof@v1\nindex ${index}\n${hashes}\n${checkpoint}`;
}

