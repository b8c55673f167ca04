// ZIP archives of the strict kind that packages are (format.md, section 6), read from a file.
//
// ZIP says everything twice, and readers differ in whom they believe. Here both have to agree, nothing lies between the
// members, and a member unpacks to exactly the promised bytes: what this page checks is what any other tool unpacks.

import { Refused, must } from "./bytes.js";

const MAX_MEMBERS = 32;
const MAX_HEADER_BYTES = MAX_MEMBERS * 512;
/** Deflate makes at most so many bytes of one. */
const MAX_RATIO = 1_032;
const IN_EXTRA = 0xffffffff;
const STREAMED = 8;
const UTF_8 = 1 << 11;
/** Extra fields with times and owners of files. Others could give a file a second name. */
const IDLE_EXTRA = [0x000a, 0x5455, 0x7875];

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let i = 0; i < 8; i += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(crc, bytes) {
  let c = ~crc;
  for (let i = 0; i < bytes.length; i += 1) c = CRC_TABLE[(c ^ bytes[i]) & 255] ^ (c >>> 8);
  return ~c >>> 0;
}

const NO_END = "not a ZIP file that ends with its directory: it may be cut";

/** Numbers out of a header, in their order. */
class Fields {
  #view;
  #at = 0;

  constructor(bytes) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left() {
    return this.#view.byteLength - this.#at;
  }

  take(count) {
    must(this.left >= count, NO_END);
    const bytes = new Uint8Array(this.#view.buffer, this.#view.byteOffset + this.#at, count);
    this.#at += count;
    return bytes;
  }

  #number(count, read) {
    must(this.left >= count, NO_END);
    const value = read(this.#at);
    this.#at += count;
    return value;
  }

  u16() {
    return this.#number(2, (at) => this.#view.getUint16(at, true));
  }

  u32() {
    return this.#number(4, (at) => this.#view.getUint32(at, true));
  }

  /** A number of 64 bits; a file that needs more than 53 of them is none. */
  u64() {
    const value = this.#number(8, (at) => this.#view.getBigUint64(at, true));
    must(value <= BigInt(Number.MAX_SAFE_INTEGER), "a size is too large");
    return Number(value);
  }
}

/** What both headers of a member have in common, from the version that is needed to the sizes. */
function common(fields) {
  const [version, flags, method] = [fields.u16(), fields.u16(), fields.u16()];
  fields.u32();
  const [crc, packed, bytes] = [fields.u32(), fields.u32(), fields.u32()];
  return { version, flags: flags & ~UTF_8, method, crc, packed, bytes };
}

function named(header, name, extra) {
  const text = String.fromCharCode(...name);
  must(/^[A-Za-z0-9._-]{1,64}$/.test(text), "a file has a name that no package has");
  const isKnown = (header.flags & ~(STREAMED | 6)) === 0 && (header.method === 0 || header.method === 8);
  must(isKnown && (header.version & 255) <= 45, `${text} uses encryption, another method or a newer version`);
  const found = { ...header, name: text };
  const fields = new Fields(extra);
  while (fields.left > 0) {
    const id = fields.u16();
    const value = new Fields(fields.take(fields.u16()));
    if (id === 1) {
      for (const member of ["bytes", "packed", "offset"]) {
        if (found[member] === IN_EXTRA) found[member] = value.left > 0 ? value.u64() : 0;
      }
    } else {
      must(IDLE_EXTRA.includes(id), `${text} uses an extra field`);
    }
  }
  return found;
}

/** A ZIP file whose every header was read and found in its place. */
export class Archive {
  #blob;
  /** Name to where its packed bytes begin, and what the directory promises. */
  members = new Map();

  constructor(blob) {
    this.#blob = blob;
  }

  static async open(blob) {
    const archive = new Archive(blob);
    await archive.#read();
    return archive;
  }

  async #bytes(start, count) {
    must(start >= 0 && count >= 0 && count <= MAX_HEADER_BYTES && start + count <= this.#blob.size, NO_END);
    return new Uint8Array(await this.#blob.slice(start, start + count).arrayBuffer());
  }

  async #read() {
    const { count, bytes, start } = await this.#end();
    must(count <= MAX_MEMBERS, `at most ${MAX_MEMBERS} files, this has ${count}`);
    const directory = new Fields(await this.#bytes(start, bytes));
    let expected = 0;
    for (let i = 0; i < count; i += 1) {
      const member = this.#central(directory);
      must(member.offset === expected, `${member.name} is not where it belongs`);
      member.start = await this.#local(member);
      const end = member.start + member.packed;
      must(end <= start, NO_END);
      expected = await this.#descriptor(member, end);
      const most = member.method === 0 ? member.packed : member.packed * MAX_RATIO;
      must(member.bytes <= most && (member.method === 8 || member.bytes === most), `${member.name} promises ${member.bytes} bytes from ${member.packed}`);
      must(!this.members.has(member.name), `${member.name} is there twice`);
      this.members.set(member.name, member);
    }
    must(expected === start && directory.left === 0, "the directory is not where it belongs");
  }

  async #end() {
    const size = this.#blob.size;
    const fields = new Fields(await this.#bytes(size - 22, 22));
    must(fields.u32() === 0x06054b50 && fields.u32() === 0, NO_END);
    const [onDisk, count, bytes, start] = [fields.u16(), fields.u16(), fields.u32(), fields.u32()];
    must(onDisk === count && fields.u16() === 0, NO_END);
    const isLarge = bytes === IN_EXTRA || start === IN_EXTRA;
    const end = isLarge ? await this.#end64(size - 22) : { count, bytes, start, at: size - 22 };
    must(end.start + end.bytes === end.at, NO_END);
    return end;
  }

  async #end64(before) {
    const at = before - 20 - 56;
    const locator = new Fields(await this.#bytes(before - 20, 20));
    must(locator.u32() === 0x07064b50 && locator.u32() === 0 && locator.u64() === at && locator.u32() === 1, NO_END);
    const fields = new Fields(await this.#bytes(at, 56));
    must(fields.u32() === 0x06064b50 && fields.u64() === 44, NO_END);
    fields.u32();
    must(fields.u64() === 0, NO_END);
    const [onDisk, count] = [fields.u64(), fields.u64()];
    must(onDisk === count, NO_END);
    return { count, bytes: fields.u64(), start: fields.u64(), at };
  }

  #central(fields) {
    must(fields.u32() === 0x02014b50, NO_END);
    fields.u16();
    const header = common(fields);
    const [name, extra] = [fields.u16(), fields.u16()];
    const isPlain = fields.u16() === 0 && fields.u16() === 0;
    fields.u16();
    fields.u32();
    header.offset = fields.u32();
    const found = named(header, fields.take(name), fields.take(extra));
    must(isPlain, `${found.name} uses a comment or a second disk`);
    return found;
  }

  /** Where a member's bytes begin, after its local header was found to say the same as the directory. */
  async #local(member) {
    const fields = new Fields(await this.#bytes(member.offset, 30));
    must(fields.u32() === 0x04034b50, `${member.name} is not where it belongs`);
    const header = common(fields);
    const [name, extra] = [fields.u16(), fields.u16()];
    const rest = new Fields(await this.#bytes(member.offset + 30, name + extra));
    const local = named(header, rest.take(name), rest.take(extra));
    const isOpen = (local.flags & STREAMED) !== 0 && local.crc === 0 && local.packed === 0 && local.bytes === 0;
    const same = ["crc", "packed", "bytes"].every((what) => isOpen || local[what] === member[what]);
    const agree = same && local.name === member.name && local.method === member.method && local.flags === member.flags;
    must(agree, `${member.name}: its header and the directory do not agree`);
    return member.offset + 30 + name + extra;
  }

  /** Where a member ends, with the sizes that may stand behind its bytes. */
  async #descriptor(member, end) {
    if ((member.flags & STREAMED) === 0) return end;
    for (const [length, read] of [[16, "u32"], [24, "u64"]]) {
      if (end + length > this.#blob.size) continue;
      const fields = new Fields(await this.#bytes(end, length));
      const isIt = fields.u32() === 0x08074b50 && fields.u32() === member.crc;
      try {
        if (isIt && fields[read]() === member.packed && fields[read]() === member.bytes) return end + length;
      } catch {
        // Another form.
      }
    }
    throw new Refused(`${member.name}: its header and the directory do not agree`);
  }

  /** The bytes of a member as they are unpacked; throws if they are not those that the directory promises. */
  async *unpack(name) {
    const member = this.members.get(name);
    must(member, `${name} is missing`);
    const packed = this.#blob.slice(member.start, member.start + member.packed).stream();
    const stream = member.method === 0 ? packed : packed.pipeThrough(new DecompressionStream("deflate-raw"));
    const reader = stream.getReader();
    let left = member.bytes;
    let crc = 0;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        must(value.length <= left, `${name} has more bytes than the directory promises`);
        left -= value.length;
        crc = crc32(crc, value);
        yield value;
      }
    } catch (error) {
      throw error instanceof Refused ? error : new Refused(`${name} cannot be unpacked`);
    } finally {
      await reader.cancel().catch(() => {});
    }
    must(left === 0, `${name} has fewer bytes than the directory promises`);
    must(crc === member.crc, `${name} has another CRC-32`);
  }
}
