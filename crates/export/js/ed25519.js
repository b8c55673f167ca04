// Ed25519 signatures (RFC 8032), as strictly as the server checks them: no key and no R of small order, S below the order of
// the group, R compared as bytes.
//
// The browser's own check is taken where there is one. It needs a secure context, which a page from a file or over plain
// HTTP is not everywhere; there the arithmetic below serves. Nothing here is secret, so nothing needs constant time.

import { concat, equal } from "./bytes.js";
import { sha512 } from "./sha512.js";

const P = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

const mod = (x) => {
  const rest = x % P;
  return rest < 0n ? rest + P : rest;
};

function power(base, exponent) {
  let result = 1n;
  for (let b = mod(base), e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = mod(result * b);
    b = mod(b * b);
  }
  return result;
}

const D = mod(-121665n * power(121666n, P - 2n));
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n);

/** A point in extended coordinates: x = X/Z, y = Y/Z, xy = T/Z. */
const point = (x, y) => [x, y, 1n, mod(x * y)];
const ZERO = point(0n, 1n);

function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = (y1 - x1) * (y2 - x2);
  const b = (y1 + x1) * (y2 + x2);
  const c = mod(2n * t1 * t2) * D;
  const d = 2n * z1 * z2;
  const [e, f, g, h] = [mod(b - a), mod(d - c), mod(d + c), mod(b + a)];
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

function double([x, y, z]) {
  const a = mod(x * x);
  const b = mod(y * y);
  const h = a + b;
  const e = mod(h - (x + y) * (x + y));
  const g = a - b;
  const f = mod(2n * z * z + g);
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

/** A point from its 32 bytes; null if they are none, or not in their only form. */
function decode(bytes) {
  let y = little(bytes);
  const sign = y >> 255n;
  y &= 2n ** 255n - 1n;
  if (y >= P) return null;
  const u = mod(y * y - 1n);
  const v = mod(D * y * y + 1n);
  let x = mod(u * v ** 3n * power(u * mod(v ** 7n), (P - 5n) / 8n));
  if (mod(v * x * x) !== u) {
    x = mod(x * ROOT_OF_MINUS_ONE);
    if (mod(v * x * x) !== u) return null;
  }
  if (x === 0n && sign === 1n) return null;
  if ((x & 1n) !== sign) x = mod(-x);
  return point(x, y);
}

function encode([x, y, z]) {
  const inverse = power(z, P - 2n);
  let whole = mod(y * inverse) | ((mod(x * inverse) & 1n) << 255n);
  const bytes = new Uint8Array(32);
  for (let i = 0; i < 32; i += 1, whole >>= 8n) bytes[i] = Number(whole & 255n);
  return bytes;
}

function little(bytes) {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i -= 1) value = (value << 8n) | BigInt(bytes[i]);
  return value;
}

/** Whether eight times a point is nothing: anybody can sign for such a key. */
function isSmall(p) {
  const [x, y, z] = double(double(double(p)));
  return x === 0n && y === z;
}

const BASE_Y = mod(4n * power(5n, P - 2n));
const BASE_BYTES = new Uint8Array(32);
for (let i = 0, y = BASE_Y; i < 32; i += 1, y >>= 8n) BASE_BYTES[i] = Number(y & 255n);
const BASE = decode(BASE_BYTES);

/** Whether 32 bytes are a key that only its owner can sign for. */
export function isUsableKey(key) {
  const a = key.length === 32 ? decode(key) : null;
  return a !== null && !isSmall(a);
}

/** Whether a signature is a usable key's over a message, by the arithmetic of this file. */
export function verifyHere(key, message, signature) {
  const a = decode(key);
  const r = decode(signature.subarray(0, 32));
  const s = little(signature.subarray(32));
  if (a === null || r === null || s >= ORDER || isSmall(a) || isSmall(r)) return false;
  const k = little(sha512(concat(signature.subarray(0, 32), key, message))) % ORDER;
  // [s]B + [k](-A), both multiples at once.
  const minusA = [mod(-a[0]), a[1], a[2], mod(-a[3])];
  const both = add(BASE, minusA);
  let sum = ZERO;
  for (let bit = 252n; bit >= 0n; bit -= 1n) {
    sum = double(sum);
    const which = ((s >> bit) & 1n) + 2n * ((k >> bit) & 1n);
    if (which > 0n) sum = add(sum, [BASE, minusA, both][Number(which) - 1]);
  }
  return equal(encode(sum), signature.subarray(0, 32));
}

/** Whether a signature is a usable key's over a message. */
export async function verify(key, message, signature) {
  if (key.length !== 32 || signature.length !== 64 || !isUsableKey(key)) return false;
  const r = decode(signature.subarray(0, 32));
  if (r === null || isSmall(r) || little(signature.subarray(32)) >= ORDER) return false;
  const subtle = globalThis.crypto?.subtle;
  try {
    const imported = await subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
    return await subtle.verify("Ed25519", imported, signature, message);
  } catch {
    return verifyHere(key, message, signature);
  }
}
