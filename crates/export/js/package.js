// Evidence packages (format.md, section 6), checked as the command line does. Only what needs the filter language is left
// out: whether every record is what was asked for.

import { Archive } from "./archive.js";
import { Refused, concat, fromBase64, hex, must, text } from "./bytes.js";
import { checkContent, checkRecord, hasContent, hashOf, parseLeaf, parseRecord } from "./claim.js";
import { parseBundle, verifyBundle } from "./bundle.js";
import { Numbers, sameJson } from "./gaps.js";
import { Lines, Rows, json } from "./lines.js";
import { Inclusions } from "./merkle.js";
import { openCheckpoint, parseKey } from "./note.js";
import { Sha256, sha256 } from "./sha256.js";

const NEEDED = ["README.html", "manifest.json", "records.jsonl", "proofs.jsonl", "checkpoint.txt", "keys.json", "gaps.json", "events.csv", "export.json"];
const ALLOWED = ["contents.jsonl", "verify.html"];
const FILE_BYTES = 64 << 20;
const RECORD_BYTES = 60_000;
const CONTENT_LINE_BYTES = 6 * (16 << 20) + 1_000;
const PROOF_LINE_BYTES = 8_192;
/** Faults after which the rest is not looked at. */
const MOST_FAULTS = 50;
/** Records between two looks at the page. */
const STEP = 2_000;

/** Enough is wrong. */
class Enough extends Error {}

/** A package under check. */
class Check {
  faults = [];
  counts = { files: 0, records: 0, contents: 0, withheld: 0, erased: 0 };
  #digests = new Map();
  #erasures = { records: [], contents: [] };

  constructor(archive, pinned, progress) {
    this.archive = archive;
    this.pinned = pinned;
    this.progress = progress;
  }

  fault(file, error, line = null) {
    if (!(error instanceof Error)) throw error;
    if (error instanceof Enough) throw error;
    this.faults.push({ file, line, what: error.message, detail: error.detail ?? null });
    if (this.faults.length >= MOST_FAULTS) throw new Enough();
  }

  async attempt(file, check) {
    try {
      return await check();
    } catch (error) {
      this.fault(file, error);
      return null;
    }
  }

  async run() {
    for (const name of this.archive.members.keys()) {
      if (![...NEEDED, ...ALLOWED].includes(name)) this.fault(null, new Refused(`${name} does not belong into a package`));
    }
    for (const name of NEEDED) {
      if (!this.archive.members.has(name)) this.fault(name, new Refused("is missing"));
    }
    const raw = await this.whole("manifest.json");
    this.manifest = raw && (await this.attempt("manifest.json", () => this.#readManifest(raw)));
    await this.attempt("keys.json", () => this.#readKey());
    if (this.key) {
      this.checkpoint = await this.attempt("checkpoint.txt", () => this.#readCheckpoint());
    }
    if (this.manifest) {
      if (this.checkpoint) await this.#events();
      await this.attempt("gaps.json", async () => {
        const gaps = json(text(await this.whole("gaps.json")));
        must(sameJson(gaps, this.manifest.gaps), "does not say what the manifest says");
      });
      await this.#files();
      if (this.key) await this.attempt("export.json", () => this.#export(hex(sha256(raw))));
    }
  }

  /** A small file at once. */
  async whole(name) {
    if (!this.archive.members.has(name)) return null;
    return this.attempt(name, async () => {
      must(this.archive.members.get(name).bytes <= FILE_BYTES, `has more than ${FILE_BYTES} bytes`);
      const parts = [];
      for await (const part of this.archive.unpack(name)) parts.push(part);
      const bytes = concat(...parts);
      this.#digests.set(name, { sha256: hex(sha256(bytes)), bytes: bytes.length });
      return bytes;
    });
  }

  #readManifest(raw) {
    const manifest = json(text(raw));
    const isList = (value) => Array.isArray(value);
    const isObject = (value) => typeof value === "object" && value !== null && !isList(value);
    const holds = isObject(manifest.query) && isObject(manifest.counts) && isObject(manifest.files) && isList(manifest.gaps) && isList(manifest.erasures);
    must(holds && Number.isSafeInteger(manifest.tree_size) && Number.isSafeInteger(manifest.query.at), "is not a manifest");
    for (const { action, erased } of manifest.erasures) {
      if (!isList(erased)) continue;
      const isContent = String(action).startsWith("content.");
      this.#erasures[isContent ? "contents" : "records"].push(...erased.map(([from, to]) => [BigInt(from), BigInt(to)]));
    }
    return manifest;
  }

  async #readKey() {
    const list = json(text((await this.whole("keys.json")) ?? new Uint8Array()));
    must(Array.isArray(list.log) && Array.isArray(list.witnesses), "is not a list of keys");
    const texts = list.log.map((vkey) => parseKey(vkey).text);
    this.isPinned = this.pinned !== null;
    this.key = parseKey(this.pinned ?? texts[0]);
    must(!this.isPinned || texts.includes(this.pinned), "names another key than yours: it is another log");
  }

  async #readCheckpoint() {
    const note = text((await this.whole("checkpoint.txt")) ?? new Uint8Array());
    const checkpoint = await openCheckpoint(note, this.key);
    const told = this.manifest?.tree_size;
    if (told !== undefined && checkpoint.size !== BigInt(told)) {
      this.fault("checkpoint.txt", new Refused(`is of ${checkpoint.size} events, the manifest says ${told}`));
    }
    return checkpoint;
  }

  /** Records, proofs and contents side by side, each against the tree. */
  async #events() {
    const open = (name, limit) => new Lines(this.archive, name, limit);
    if (!["records.jsonl", "proofs.jsonl"].every((name) => this.archive.members.has(name))) return;
    const records = open("records.jsonl", RECORD_BYTES);
    const proofs = new Rows(open("proofs.jsonl", PROOF_LINE_BYTES), ["seq", "salt_record", "salt_content", "leaf", "proof"]);
    const hasContents = this.archive.members.has("contents.jsonl");
    const contents = new Rows(hasContents ? open("contents.jsonl", CONTENT_LINE_BYTES) : null, ["seq", "content"]);
    const walk = { records, proofs, contents, hasContents, nextSeq: 0n, numbers: new Numbers(), tree: new Inclusions(this.checkpoint.size, this.checkpoint.root) };
    let file = "proofs.jsonl";
    try {
      await proofs.advance();
      file = "contents.jsonl";
      await contents.advance();
      file = "records.jsonl";
      for (let line = await records.next(); line !== null; line = await records.next()) {
        await this.#event(walk, line);
        if (records.count % STEP === 0) await this.progress(records.count, this.manifest.counts.records);
      }
    } catch (error) {
      // What is no line cannot be read on from.
      this.fault(error.file ?? file, error, records.count || null);
      return;
    }
    await this.#endOf(walk);
  }

  /** The next row of a file; a failure names that file. */
  async #take(rows) {
    try {
      return await rows.take();
    } catch (error) {
      error.file = rows.lines.name;
      throw error;
    }
  }

  async #event(walk, line) {
    const { records, proofs } = walk;
    const at = (error) => this.fault("records.jsonl", error, records.count);
    const erased = /^\{"v":1,"seq":(0|[1-9][0-9]*),"erased":true\}$/u.exec(line);
    const stated = erased?.[1] ?? /^\{"v":1,"id":"(?:[^"\\]|\\.)*","seq":(0|[1-9][0-9]*),/u.exec(line)?.[1];
    const seq = stated === undefined ? null : BigInt(stated);
    while (proofs.next !== null && seq !== null && proofs.next.seq < seq) {
      const proof = await this.#take(proofs);
      this.fault("proofs.jsonl", new Refused(`event ${proof.seq} has a proof and no record`));
    }
    if (proofs.next === null || (seq !== null && proofs.next.seq !== seq)) {
      at(new Refused(seq === null ? "is no record" : `event ${seq} has no proof`));
      return;
    }
    const proof = await this.#take(proofs);
    if (proof.seq < walk.nextSeq) at(new Refused(`event ${proof.seq} is not in rising order`));
    this.#leftOut(walk, proof.seq);
    walk.nextSeq = proof.seq + 1n;
    try {
      await this.#claim(walk, proof, erased ? null : line);
    } catch (error) {
      error.message = `event ${proof.seq}: ${error.message}`;
      at(error);
    }
  }

  async #claim(walk, proof, record) {
    const leaf = parseLeaf(proof.leaf);
    const claim = { ...proof, record, content: null };
    const told = record === null ? null : parseRecord(record);
    if (told === null || Object.hasOwn(told, "content")) claim.content = await this.#contentOf(walk, proof.seq);
    if (record !== null) checkRecord(claim, leaf);
    if (claim.content !== null) checkContent(claim, leaf);
    must(Array.isArray(proof.proof), "the proof is not a list of hashes");
    walk.tree.verify(hashOf(leaf), proof.seq, proof.proof, (hash) => fromBase64(hash, "a hash of the proof"));
    if (record !== null) {
      this.counts.records += 1;
      walk.numbers.add(Number(proof.seq), told);
    } else {
      must(this.#isErased("records", proof.seq), "the record is MISSING: the log tells of no erasure");
      this.counts.erased += 1;
    }
    if (claim.content !== null) this.counts.contents += 1;
    else if (hasContent(leaf) && !this.#isErased("contents", proof.seq)) {
      must(!walk.hasContents, "the content is MISSING: the log tells of no erasure");
      this.counts.withheld += 1;
    }
  }

  async #contentOf(walk, seq) {
    const { contents } = walk;
    while (contents.next !== null && contents.next.seq < seq) {
      const stray = await this.#take(contents);
      this.fault("contents.jsonl", new Refused(`event ${stray.seq} has no content here`));
    }
    if (contents.next === null || contents.next.seq !== seq) return null;
    const { content } = await this.#take(contents);
    must(typeof content === "string", "the content is not a text");
    return content;
  }

  #isErased(what, seq) {
    const within = (ranges) => ranges.some(([from, to]) => from <= seq && seq <= to);
    return within(this.#erasures.records) || (what === "contents" && within(this.#erasures.contents));
  }

  get #isEverything() {
    const { q, from, to } = this.manifest.query;
    return q === "" && from === null && to === null;
  }

  #leftOut(walk, seq) {
    if (this.#isEverything && seq > walk.nextSeq) {
      this.fault("records.jsonl", new Refused(`events ${walk.nextSeq} to ${seq - 1n} were left out, though everything was asked for`));
    }
  }

  async #endOf(walk) {
    for (const rows of [walk.proofs, walk.contents]) {
      while (rows.next !== null) {
        const row = await this.attempt(rows.lines.name, () => rows.take());
        if (row === null) return;
        const what = rows === walk.proofs ? "has a proof and no record" : "has no content here";
        this.fault(rows.lines.name, new Refused(`event ${row.seq} ${what}`));
      }
    }
    this.#leftOut(walk, BigInt(this.manifest.query.at));
    this.#gaps(walk.numbers);
    const counted = [[walk.records, this.manifest.counts.records], [walk.proofs.lines, null]];
    if (walk.hasContents) counted.push([walk.contents.lines, this.manifest.counts.contents]);
    for (const [lines, told] of counted) {
      if (told !== null && told !== lines.count) {
        this.fault(lines.name, new Refused(`has ${lines.count} lines, the manifest says ${told}`));
      }
      this.#digests.set(lines.name, { sha256: lines.digest(), bytes: lines.bytes });
    }
  }

  #gaps(numbers) {
    const { gaps } = this.manifest;
    if (numbers.isUnsafe) return;
    const holds = this.#isEverything ? sameJson(numbers.gaps(), gaps) : !gaps.some((gap) => numbers.contradict(gap));
    if (!holds) this.fault("manifest.json", new Refused("the gaps are not those that the records show"));
  }

  /** The SHA-256 and length of every file, and that the manifest lists every one and no other. */
  async #files() {
    const listed = this.manifest.files;
    const bound = ["manifest.json", "export.json"];
    for (const name of Object.keys(listed)) {
      if (![...NEEDED, ...ALLOWED].includes(name) || bound.includes(name)) this.fault("manifest.json", new Refused(`${name} does not belong into a package`));
      else if (!this.archive.members.has(name) && !NEEDED.includes(name)) this.fault(name, new Refused("is missing"));
    }
    for (const name of this.archive.members.keys()) {
      if (bound.includes(name) || ![...NEEDED, ...ALLOWED].includes(name)) continue;
      await this.attempt(name, async () => {
        must(Object.hasOwn(listed, name), "is not in the manifest");
        const found = this.#digests.get(name) ?? (await this.#digest(name));
        must(found.bytes === listed[name].bytes, `has ${found.bytes} bytes, the manifest says ${listed[name].bytes}`);
        must(found.sha256 === listed[name].sha256, `has SHA-256 ${found.sha256}, the manifest says ${listed[name].sha256}`);
        this.counts.files += 1;
      });
    }
  }

  async #digest(name) {
    const hash = new Sha256();
    let bytes = 0;
    for await (const part of this.archive.unpack(name)) {
      hash.update(part);
      bytes += part.length;
    }
    return { sha256: hex(hash.digest()), bytes };
  }

  /** The export's own record in the log, which names the manifest. */
  async #export(manifestSha256) {
    const bundle = parseBundle(text((await this.whole("export.json")) ?? new Uint8Array()));
    const { checks } = await verifyBundle(bundle, { pinned: this.key.text });
    const bad = Object.values(checks).find(({ state }) => state === "bad");
    must(!bad, bad?.why);
    must(bundle.record !== null, "is not the proof of an export's record");
    const record = parseRecord(bundle.record);
    const isExport = record.source === "system" && record.action === "export.created" && bundle.seq >= BigInt(this.manifest.query.at);
    must(isExport, "is not the proof of an export's record");
    const named = record.meta?.manifest_sha256;
    must(named === manifestSha256, `the log recorded an export with manifest ${named}, this one is ${manifestSha256}`);
    this.exportRecord = { seq: bundle.seq, recordedAt: record.recorded_at, actor: record.actor?.id };
  }
}

/**
 * Checks a package. `pinned`: the log's key, if the reader was given one on another way. `progress(done, total)` may
 * return a promise, so that a page can be drawn meanwhile.
 */
export async function verifyPackage(blob, { pinned = null, progress = () => {} } = {}) {
  let check = null;
  let isCut = false;
  const faults = [];
  try {
    check = new Check(await Archive.open(blob), pinned, progress);
    await check.run();
  } catch (error) {
    if (error instanceof Enough) isCut = true;
    else if (check === null && error instanceof Refused) faults.push({ file: null, line: null, what: error.message, detail: null });
    else throw error;
  }
  return {
    isGood: faults.length + (check?.faults.length ?? 0) === 0,
    isPinned: pinned !== null,
    isCut,
    faults: [...faults, ...(check?.faults ?? [])],
    counts: check?.counts ?? null,
    manifest: check?.manifest ?? null,
    checkpoint: check?.checkpoint ?? null,
    key: check?.key ?? null,
    exportRecord: check?.exportRecord ?? null,
  };
}
