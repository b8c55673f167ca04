// Judges packages as the page does. Usage: node packages.mjs VKEY PACKAGE...; prints `good` or `bad` and why for each.

import { readFileSync } from "node:fs";

import { verifyPackage } from "../../crates/export/js/package.js";

const [pinned, ...paths] = process.argv.slice(2);
for (const path of paths) {
  const { isGood, faults } = await verifyPackage(new Blob([readFileSync(path)]), { pinned });
  const [first] = faults;
  console.log(isGood ? "good" : `bad ${first.file}: ${first.what}`.replace(/\s+/gu, " "));
}
