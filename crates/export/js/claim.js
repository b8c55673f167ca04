// One event against a signed root: commitments, leaf, inclusion (format.md, sections 3 to 5).

import { equal, fromBase64, must, toBase64, utf8 } from "./bytes.js";
import { leafHash } from "./merkle.js";
import { sha256 } from "./sha256.js";

const RECORD = utf8("indelible/record/v1\0");
const CONTENT = utf8("indelible/content/v1\0");
const NOTHING = new Uint8Array(32);
const LEAF_BYTES = 74;

/** How every record begins (format.md, section 1). */
const HEAD = /^\{"v":1,"id":"(?:[^"\\]|\\.)+","seq":(0|[1-9][0-9]*),"recorded_at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{6})Z"/u;

/** When the server recorded it, and the two commitments. */
export function parseLeaf(encoded) {
  const bytes = fromBase64(encoded, "the leaf");
  must(bytes.length === LEAF_BYTES, "a leaf has 74 bytes");
  must(bytes[0] === 1 && bytes[1] === 0, "the leaf is of a version or kind that is not known");
  const recordedAt = new DataView(bytes.buffer).getBigUint64(2);
  return { bytes, recordedAt, record: bytes.subarray(10, 42), content: bytes.subarray(42) };
}

function salt(encoded, what) {
  must(typeof encoded === "string", `${what} is missing`);
  const bytes = fromBase64(encoded, what);
  must(bytes.length === 16, `${what} has 16 bytes`);
  return bytes;
}

export function commitRecord(saltBytes, record) {
  return sha256(RECORD, saltBytes, utf8(record));
}

export function commitContent(saltBytes, content) {
  return content === null ? NOTHING : sha256(CONTENT, saltBytes, utf8(content));
}

/** Position and time, microseconds since 1970, that a record states; throws if it does not begin as one. */
export function placeOf(record) {
  const head = HEAD.exec(record);
  must(head, "not a record");
  const seconds = Date.parse(`${head[2]}Z`) / 1000;
  must(Number.isInteger(seconds) && seconds >= 0, "the record's time does not exist");
  return { seq: BigInt(head[1]), recordedAt: BigInt(seconds) * 1_000_000n + BigInt(head[3]) };
}

/** The members of a record; throws if it is none. */
export function parseRecord(record) {
  let members = null;
  try {
    members = JSON.parse(record);
  } catch {
    // Told below.
  }
  must(members !== null && typeof members === "object" && !Array.isArray(members), "the record is not JSON");
  return members;
}

/** Why a commitment is not the one in the leaf, with both in base64. */
export class Differs extends Error {
  constructor(what, computed, logged) {
    super(`the ${what} is not what was logged`);
    this.computed = computed;
    this.logged = logged;
  }

  /** Both, for people who compare. */
  get detail() {
    return `computed ${toBase64(this.computed)}, in the log ${toBase64(this.logged)}`;
  }
}

/** Throws unless a record is what its leaf commits to. */
export function checkRecord(claim, leaf) {
  const computed = commitRecord(salt(claim.salt_record, "salt_record"), claim.record);
  if (!equal(computed, leaf.record)) throw new Differs("record", computed, leaf.record);
  const place = placeOf(claim.record);
  must(place.seq === claim.seq && place.recordedAt === leaf.recordedAt, "the record states another place or time than its leaf");
  const tells = Object.hasOwn(parseRecord(claim.record), "content");
  must(tells === hasContent(leaf), "record and leaf do not agree on whether there is a content");
}

/** Throws unless a content is what its leaf commits to. */
export function checkContent(claim, leaf) {
  const computed = commitContent(salt(claim.salt_content, "salt_content"), claim.content);
  if (!equal(computed, leaf.content)) throw new Differs("content", computed, leaf.content);
}

export function hasContent(leaf) {
  return !equal(leaf.content, NOTHING);
}

export function hashOf(leaf) {
  return leafHash(leaf.bytes);
}
