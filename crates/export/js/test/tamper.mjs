// Taking packages apart and putting them together again, as somebody who tampers with them would.

import { createHash } from "node:crypto";
import * as zlib from "node:zlib";

import { Archive } from "../archive.js";
import { concat, text, utf8 } from "../bytes.js";

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** A package of these files, by the plainest writer that there is. */
export function pack(files, deflates = false) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, bytes] of Object.entries(files)) {
    const packed = deflates ? zlib.deflateRawSync(bytes) : bytes;
    const head = Buffer.alloc(26);
    head.writeUInt16LE(20, 0);
    head.writeUInt16LE(deflates ? 8 : 0, 4);
    head.writeUInt32LE(crc(bytes), 10);
    head.writeUInt32LE(packed.length, 14);
    head.writeUInt32LE(bytes.length, 18);
    head.writeUInt16LE(name.length, 22);
    const local = concat(Buffer.from("PK\x03\x04"), head, utf8(name), packed);
    const end = Buffer.alloc(14);
    end.writeUInt32LE(offset, 10);
    directory.push(concat(Buffer.from("PK\x01\x02\x14\x00"), head, end, utf8(name)));
    parts.push(local);
    offset += local.length;
  }
  const whole = concat(...directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(whole.length, 12);
  end.writeUInt32LE(offset, 16);
  return concat(...parts, whole, end);
}

/** CRC-32, which the oldest Node that serves does not have. */
function crc(bytes) {
  if (zlib.crc32) return zlib.crc32(bytes);
  let c = ~0;
  for (const byte of bytes) {
    c ^= byte;
    for (let i = 0; i < 8; i += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  }
  return ~c >>> 0;
}

/** The files of a package. */
export async function unpack(bytes) {
  const archive = await Archive.open(new Blob([bytes]));
  const files = {};
  for (const name of archive.members.keys()) {
    const parts = [];
    for await (const part of archive.unpack(name)) parts.push(part);
    files[name] = concat(...parts);
  }
  return files;
}

/** Makes the manifest fit the files again, as somebody who tampers would. */
export function repair(files) {
  const manifest = JSON.parse(text(files["manifest.json"]));
  const lines = (name) => text(files[name] ?? new Uint8Array()).split("\n").length - 1;
  manifest.counts = { records: lines("records.jsonl"), contents: lines("contents.jsonl") };
  for (const name of Object.keys(manifest.files)) manifest.files[name] = { sha256: sha256(files[name]), bytes: files[name].length };
  return { ...files, "manifest.json": utf8(JSON.stringify(manifest)) };
}

/** The files with the lines of one changed. */
export const withLines = (files, name, change) => ({ ...files, [name]: utf8(change(text(files[name]).split(/(?<=\n)/u)).join("")) });
