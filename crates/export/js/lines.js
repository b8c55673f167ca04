// Files of lines, read a piece at a time and hashed as they are read.

import { concat, hex, must, text } from "./bytes.js";
import { Sha256 } from "./sha256.js";

/** Lines of a file, hashed as they are read. */
export class Lines {
  #chunks;
  #limit;
  #hash = new Sha256();
  #rest = [];
  #restBytes = 0;
  #ready = [];
  #isDone = false;
  bytes = 0;
  count = 0;

  constructor(archive, name, limit) {
    this.name = name;
    this.#chunks = archive.unpack(name);
    this.#limit = limit;
  }

  /** The next line without its end; null after the last one. */
  async next() {
    while (this.#ready.length === 0) {
      if (this.#isDone) return null;
      await this.#fill();
    }
    this.count += 1;
    return text(this.#ready.pop());
  }

  async #fill() {
    const { done, value } = await this.#chunks.next();
    if (done) {
      this.#isDone = true;
      must(this.#restBytes === 0, "the last line has no end");
      return;
    }
    this.#hash.update(value);
    this.bytes += value.length;
    const lines = [];
    let start = 0;
    for (let end = value.indexOf(10); end >= 0; end = value.indexOf(10, start)) {
      const line = value.subarray(start, end);
      lines.push(this.#restBytes > 0 ? concat(...this.#rest, line) : line);
      this.#rest = [];
      this.#restBytes = 0;
      start = end + 1;
    }
    this.#rest.push(value.subarray(start));
    this.#restBytes += value.length - start;
    must(this.#restBytes <= this.#limit && lines.every((line) => line.length <= this.#limit), `a line has more than ${this.#limit} bytes`);
    this.#ready = lines.reverse();
  }

  /** SHA-256 in hex of all lines; only after the last one. */
  digest() {
    return hex(this.#hash.digest());
  }
}

/** Lines that are JSON objects with `seq` first, and the one that comes next. Without lines there is none. */
export class Rows {
  #shape;
  next = null;

  constructor(lines, shape) {
    this.lines = lines;
    this.#shape = shape;
  }

  async advance() {
    const line = this.lines === null ? null : await this.lines.next();
    this.next = line === null ? null : this.#parse(line);
    return this;
  }

  #parse(line) {
    const row = json(line);
    const seq = /^\{"seq":(0|[1-9][0-9]*),/u.exec(line)?.[1];
    must(seq !== undefined && sameNames(row, this.#shape), "a line has other members than it should");
    return { ...row, seq: BigInt(seq) };
  }

  async take() {
    const row = this.next;
    await this.advance();
    return row;
  }
}

/** A JSON object or array. */
export function json(source) {
  let value = null;
  try {
    value = JSON.parse(source);
  } catch {
    // Told below.
  }
  must(value !== null && typeof value === "object", "not JSON");
  return value;
}

function sameNames(row, names) {
  const own = Object.keys(row);
  return own.length === names.length && names.every((name) => own.includes(name));
}
