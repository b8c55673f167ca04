// Evidence packages, whole and tampered with.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { concat, text, utf8 } from "../bytes.js";
import { parseBundle, verifyBundle } from "../bundle.js";
import { Numbers } from "../gaps.js";
import { verifyPackage } from "../package.js";
import { micros, written } from "../time.js";
import { pack, repair, unpack, withLines } from "./tamper.mjs";

const seed = (name) => readFileSync(new URL(`../../../../fuzz/seeds/package/${name}`, import.meta.url));
const check = async (bytes, pinned = null) => verifyPackage(new Blob([bytes]), { pinned });
const faults = async (bytes) => (await check(bytes)).faults.map(({ file, line, what }) => `${file} ${line}: ${what}`);

async function assertFound(files, expected) {
  const found = await faults(pack(files));
  assert.ok(found.some((fault) => fault.includes(expected)), `${expected}: ${found.join(" | ")}`);
}

test("a package holds, stored and deflated", async () => {
  const key = JSON.parse(text((await unpack(seed("stored")))["keys.json"])).log[0];
  for (const name of ["stored", "deflated"]) {
    const report = await check(seed(name), key);
    assert.deepEqual(report.faults, []);
    assert.deepEqual(report.counts, { files: 8, records: 4, contents: 2, withheld: 0, erased: 0 });
    assert.ok(report.isGood && report.isPinned && report.exportRecord.seq === 4n);
  }
  assert.deepEqual(await faults(pack(await unpack(seed("stored")), true)), []);
});

test("one changed byte in any file is found", async () => {
  const files = await unpack(seed("stored"));
  for (const [name, bytes] of Object.entries(files)) {
    for (let at = 0; at < bytes.length; at += 1 + Math.floor(bytes.length / 40)) {
      const changed = Uint8Array.from(bytes);
      changed[at] ^= 1;
      assert.ok((await faults(pack({ ...files, [name]: changed }))).length > 0, `byte ${at} of ${name}`);
    }
  }
});

test("one changed byte anywhere in the archive is found or means nothing", async () => {
  const package_ = Uint8Array.from(seed("deflated"));
  const files = await unpack(package_);
  let idle = 0;
  for (let at = 0; at < package_.length; at += 3) {
    const changed = Uint8Array.from(package_);
    changed[at] ^= 1 << at % 8;
    if ((await faults(changed)).length === 0) {
      assert.deepEqual(await unpack(changed), files, `byte ${at}`);
      idle += 1;
    }
  }
  assert.ok(idle < 150, String(idle));
});

test("cut anywhere it is no package", async () => {
  const package_ = seed("deflated");
  for (let length = 0; length < package_.length; length += 211) {
    assert.ok((await faults(package_.subarray(0, length))).length > 0, `cut to ${length}`);
  }
});

test("a dropped record is seen however well it is hidden", async () => {
  let files = await unpack(seed("stored"));
  const drop = (lines) => lines.filter((_, i) => i !== 1);
  files = withLines(files, "records.jsonl", drop);
  await assertFound(files, "event 1 has a proof and no record");
  files = withLines(files, "proofs.jsonl", drop);
  await assertFound(files, "has 3 lines, the manifest says 4");
  files = repair(files);
  await assertFound(files, "the log recorded an export with manifest");
  await assertFound(files, "events 1 to 1 were left out");
});

test("what is changed is named with its place", async () => {
  const files = await unpack(seed("stored"));
  const change = (name, from, to) => repair(withLines(files, name, (lines) => [lines[0].replace(from, to), ...lines.slice(1)]));
  await assertFound(change("records.jsonl", '"a0"', '"a9"'), "records.jsonl 1: event 0: the record is not what was logged");
  await assertFound(change("contents.jsonl", "u00e9", "u00ea"), "records.jsonl 1: event 0: the content is not what was logged");
  await assertFound(change("proofs.jsonl", '"leaf":"AQ', '"leaf":"AA'), "event 0: ");
  await assertFound(change("proofs.jsonl", '"proof":["', '"proof":["A'), "event 0: a hash of the proof is not base64");
  await assertFound(change("proofs.jsonl", "{", '{"x":1,'), "other members");
  await assertFound(repair(withLines(files, "contents.jsonl", (lines) => lines.slice(1))), "the content is MISSING");
  await assertFound(repair(withLines(files, "proofs.jsonl", (lines) => lines.slice(1))), "event 0 has no proof");
  await assertFound(repair({ ...files, "records.jsonl": new Uint8Array(1 << 20).fill(32) }), "more than 60000 bytes");
  await assertFound({ ...files, "extra.txt": utf8("x") }, "extra.txt does not belong");
  await assertFound({ ...files, "verify.html": utf8("x") }, "is not in the manifest");
  for (const name of Object.keys(files)) {
    const { [name]: _, ...rest } = files;
    assert.ok((await faults(pack(rest))).length > 0, `without ${name}`);
  }
});

test("another log is not taken for the pinned one", async () => {
  const vectors = JSON.parse(readFileSync(new URL("../../../tlog/tests/vectors/tlog.json", import.meta.url), "utf8"));
  const report = await check(seed("stored"), vectors.signed_note.log.vkey);
  assert.ok(report.faults.some(({ what }) => what.includes("it is another log")));
});

test("archives that are read in two ways are refused", async () => {
  const refused = async (bytes, expected) => {
    await assert.rejects(unpack(bytes), (error) => error.message.includes(expected), expected);
  };
  const good = pack({ a: utf8("one"), b: utf8("two") });
  await unpack(good);
  await refused(concat(utf8("x"), good), "");
  await refused(concat(good, utf8("x")), "ends with its directory");
  for (const name of ["../a", "/etc/passwd", "a/b", "a\\b"]) await refused(pack({ [name]: utf8("x") }), "a name that no package has");
  const twice = Buffer.from(good);
  twice.write("a", twice.indexOf("btwo"), "latin1");
  twice.write("a", twice.lastIndexOf("b"), "latin1");
  await refused(twice, "a is there twice");
  const differs = Buffer.from(good);
  differs[14] ^= 1;
  await refused(differs, "do not agree");
});

test("bombs are refused before they are unpacked, and endless ones while", async () => {
  const bomb = Buffer.from(pack({ a: new Uint8Array(1 << 20) }, true));
  for (const at of [22, bomb.indexOf("PK\x01\x02") + 24]) bomb.writeUInt32LE(0xfffffff0, at);
  await assert.rejects(unpack(bomb), /promises 4294967280 bytes/u);
  const more = Buffer.from(pack({ a: new Uint8Array(1 << 20) }, true));
  for (const at of [22, more.indexOf("PK\x01\x02") + 24]) more.writeUInt32LE(1_000, at);
  await assert.rejects(unpack(more), /more bytes/u);
});

test("bundles hold, and no part of them may differ", async () => {
  const source = text(seed("export.json").subarray(1));
  const { key } = JSON.parse(source);
  const judge = async (changed, options = { pinned: key }) => (await verifyBundle(parseBundle(JSON.stringify(changed)), options)).state;
  const bundle = JSON.parse(source);
  assert.equal(await judge(bundle), "verified");
  assert.equal(await judge(bundle, {}), "unpinned");
  const changes = {
    index: 3,
    record: bundle.record.replace('"k"', '"l"'),
    content: "{}",
    salt_record: bundle.salt_record.replace(/^./u, "A"),
    leaf: bundle.leaf.replace("AQ", "AA"),
    proof: bundle.proof.slice(1),
    checkpoint: bundle.checkpoint.replace("\n5\n", "\n6\n"),
    key: `${bundle.key}=`,
    tlog_proof: bundle.tlog_proof.replace("index 4", "index 3"),
  };
  for (const [member, value] of Object.entries(changes)) {
    assert.notEqual(JSON.stringify(bundle[member]), JSON.stringify(value), member);
    assert.equal(await judge({ ...bundle, [member]: value }), "failed", member);
  }
  const { checks } = await verifyBundle(parseBundle(JSON.stringify({ ...bundle, record: changes.record })), { pinned: key });
  assert.deepEqual([checks.record.state, checks.inclusion.state, checks.signature.state], ["bad", "ok", "ok"]);
  assert.ok(checks.record.computed.length === 32 && checks.record.logged.length === 32);
  for (const bad of ["", "[]", "{}", "null", source.replace('"index":4', '"index":"x"'), source.replace('"index"', '"indez"')]) {
    assert.throws(() => parseBundle(bad), Error, bad.slice(0, 40));
  }
});

test("a content may be withheld or erased, which is no fault", async () => {
  const files = await unpack(seed("stored"));
  const proof = JSON.parse(text(files["proofs.jsonl"]).split("\n")[0]);
  const bundle = {
    index: 0, record: text(files["records.jsonl"]).split("\n")[0], content: null, salt_record: proof.salt_record, salt_content: null,
    leaf: proof.leaf, proof: proof.proof, checkpoint: text(files["checkpoint.txt"]), key: JSON.parse(text(files["keys.json"])).log[0], tlog_proof: "",
  };
  bundle.tlog_proof = `c2sp.org/tlog-proof@v1\nindex 0\n${bundle.proof.map((hash) => `${hash}\n`).join("")}\n${bundle.checkpoint}`;
  const judge = async (more) => (await verifyBundle(parseBundle(JSON.stringify({ ...bundle, ...more })), { pinned: bundle.key }));
  assert.equal((await judge({})).checks.content.state, "erased");
  const withheld = await judge({ content_withheld: true });
  assert.deepEqual([withheld.state, withheld.checks.content.state], ["verified", "withheld"]);
  const erased = await judge({ record: null, salt_record: null });
  assert.deepEqual([erased.state, erased.checks.record.state], ["verified", "erased"]);
});

test("gaps are found by the same rules", () => {
  const numbers = new Numbers();
  const record = (number) => ({ producer: { id: "p", seq: number }, time: `1970-01-01T00:00:0${number}Z` });
  [1, 0, 4, 4, -3].forEach((number, seq) => numbers.add(seq, record(number)));
  const gap = { producer: "p", from: 2, to: 3, after: { seq: 0, time: "1970-01-01T00:00:01.000000Z" }, before: { seq: 2, time: "1970-01-01T00:00:04.000000Z" } };
  assert.deepEqual(numbers.gaps(), [gap]);
  assert.ok(!numbers.contradict(gap) && numbers.contradict({ ...gap, to: 4 }));
  assert.ok(numbers.contradict({ ...gap, after: { seq: 9, time: gap.after.time } }));
  const start = new Numbers();
  start.add(0, record(5));
  assert.deepEqual([start.gaps()[0].from, start.gaps()[0].to, start.gaps()[0].after], [0, 4, null]);
  const order = new Numbers();
  for (const id of ["\u{ff00}", "\u{1f600}", "z", "a"]) order.add(0, { producer: { id, seq: 1 }, time: "1970-01-01T00:00:00Z" });
  assert.deepEqual(order.gaps().map(({ producer }) => producer), ["a", "z", "\u{ff00}", "\u{1f600}"]);
  const scattered = new Numbers();
  for (let n = 0; n < 20_000; n += 1) scattered.add(n, { producer: { id: "s", seq: 3 * n }, time: "1970-01-01T00:00:00Z" });
  assert.deepEqual(scattered.gaps(), [{ producer: "s", scattered: true }]);
});

test("times are read as the server reads them", () => {
  for (const [time, us] of [
    ["1970-01-01T00:00:00Z", 0n],
    ["2026-01-01T00:00:00.1234569Z", 1_767_225_600_123_456n],
    ["2026-01-01t02:00:00+02:00", 1_767_225_600_000_000n],
    ["2016-12-31T23:59:60Z", 1_483_228_799_999_999n],
    ["1969-12-31T23:59:59.5Z", -500_000n],
    ["yesterday", null],
    ["2026-13-01T00:00:00Z", null],
  ]) {
    assert.equal(micros(time), us, time);
  }
  assert.equal(written(1_767_225_600_123_456n), "2026-01-01T00:00:00.123456Z");
  assert.equal(written(-5n), "1970-01-01T00:00:00.000000Z");
});
