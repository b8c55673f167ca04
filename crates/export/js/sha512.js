// SHA-512 (FIPS 180-4), for signatures where the browser checks none: a few hundred bytes.

const MASK = (1n << 64n) - 1n;

const PRIMES = [];
for (let n = 2n; PRIMES.length < 80; n += 1n) {
  if (PRIMES.every((prime) => n % prime !== 0n)) PRIMES.push(n);
}

/** The largest whole number whose power is not above a value. */
function root(value, power) {
  let low = 0n;
  let high = 1n << 80n;
  while (low < high) {
    const middle = (low + high + 1n) >> 1n;
    if (middle ** power <= value) low = middle;
    else high = middle - 1n;
  }
  return low;
}

/** The first 64 bits of the fraction of a root of a prime. */
const fraction = (prime, power) => root(prime << (64n * power), power) & MASK;
const K = PRIMES.map((prime) => fraction(prime, 3n));
const START = PRIMES.slice(0, 8).map((prime) => fraction(prime, 2n));

const turn = (x, n) => ((x >> n) | (x << (64n - n))) & MASK;

export function sha512(bytes) {
  const blocks = Math.ceil((bytes.length + 17) / 128);
  const padded = new Uint8Array(128 * blocks);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n);
  const state = [...START];
  for (let block = 0; block < blocks; block += 1) {
    const w = [];
    for (let i = 0; i < 16; i += 1) w.push(view.getBigUint64(128 * block + 8 * i));
    for (let i = 16; i < 80; i += 1) {
      const [x, y] = [w[i - 15], w[i - 2]];
      const s0 = turn(x, 1n) ^ turn(x, 8n) ^ (x >> 7n);
      const s1 = turn(y, 19n) ^ turn(y, 61n) ^ (y >> 6n);
      w.push((w[i - 16] + s0 + w[i - 7] + s1) & MASK);
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 80; i += 1) {
      const s1 = turn(e, 14n) ^ turn(e, 18n) ^ turn(e, 41n);
      const t1 = h + s1 + ((e & f) ^ (~e & MASK & g)) + K[i] + w[i];
      const s0 = turn(a, 28n) ^ turn(a, 34n) ^ turn(a, 39n);
      const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) & MASK, c, b, a, (t1 + t2) & MASK];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => {
      state[i] = (state[i] + word) & MASK;
    });
  }
  const hash = new Uint8Array(64);
  const out = new DataView(hash.buffer);
  state.forEach((word, i) => out.setBigUint64(8 * i, word));
  return hash;
}
