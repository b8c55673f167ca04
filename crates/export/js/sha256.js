// SHA-256 (FIPS 180-4), at once and in parts.
//
// The hashes of a tree are of 65 bytes. A call that answers at once is faster for them than the browser's own, which answers
// by a promise, and it is there in every context.

const FIRST_64_PRIMES = [];
for (let n = 2; FIRST_64_PRIMES.length < 64; n += 1) {
  if (FIRST_64_PRIMES.every((prime) => n % prime !== 0)) FIRST_64_PRIMES.push(n);
}

/** The first 32 bits of the fraction of a root. */
const fraction = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
const K = Int32Array.from(FIRST_64_PRIMES, (prime) => fraction(Math.cbrt(prime)));
const START = Int32Array.from(FIRST_64_PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

const W = new Int32Array(64);

function compress(state, bytes, at) {
  for (let i = 0, j = at; i < 16; i += 1, j += 4) {
    W[i] = (bytes[j] << 24) | (bytes[j + 1] << 16) | (bytes[j + 2] << 8) | bytes[j + 3];
  }
  for (let i = 16; i < 64; i += 1) {
    const x = W[i - 15];
    const y = W[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[i] = (W[i - 16] + s0 + W[i - 7] + s1) | 0;
  }
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (let i = 0; i < 64; i += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + (g ^ (e & (f ^ g))) + K[i] + W[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) | (c & (a | b)))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

/** The 32 bytes of a state. */
function bytesOf(state) {
  const hash = new Uint8Array(32);
  for (let i = 0; i < 8; i += 1) {
    const word = state[i];
    hash[4 * i] = word >>> 24;
    hash[4 * i + 1] = word >>> 16;
    hash[4 * i + 2] = word >>> 8;
    hash[4 * i + 3] = word;
  }
  return hash;
}

/** A hash of bytes that come in parts. */
export class Sha256 {
  #state = Int32Array.from(START);
  #block = new Uint8Array(64);
  #used = 0;
  #length = 0;

  update(bytes) {
    this.#length += bytes.length;
    let at = 0;
    if (this.#used > 0) {
      at = Math.min(64 - this.#used, bytes.length);
      this.#block.set(bytes.subarray(0, at), this.#used);
      this.#used += at;
      if (this.#used < 64) return this;
      compress(this.#state, this.#block, 0);
    }
    for (; at + 64 <= bytes.length; at += 64) compress(this.#state, bytes, at);
    this.#block.set(bytes.subarray(at), 0);
    this.#used = bytes.length - at;
    return this;
  }

  digest() {
    const block = this.#block;
    block[this.#used] = 0x80;
    block.fill(0, this.#used + 1);
    if (this.#used >= 56) {
      compress(this.#state, block, 0);
      block.fill(0);
    }
    const view = new DataView(block.buffer);
    view.setUint32(56, Math.floor(this.#length / 2 ** 29));
    view.setUint32(60, (this.#length * 8) >>> 0);
    compress(this.#state, block, 0);
    return bytesOf(this.#state);
  }
}

/** The hash of some parts, one after the other. */
export function sha256(...parts) {
  const hash = new Sha256();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** Two blocks: a byte, two hashes, and the end of 65 bytes. */
const PAIR = new Uint8Array(128);
PAIR[65] = 0x80;
new DataView(PAIR.buffer).setUint32(124, 8 * 65);
const PAIR_STATE = new Int32Array(8);

/** The hash of a byte and two hashes. */
export function sha256Pair(prefix, left, right) {
  PAIR[0] = prefix;
  PAIR.set(left, 1);
  PAIR.set(right, 33);
  PAIR_STATE.set(START);
  compress(PAIR_STATE, PAIR, 0);
  compress(PAIR_STATE, PAIR, 64);
  return bytesOf(PAIR_STATE);
}
