// Bytes and their texts.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const DIGITS = new Int16Array(128).fill(-1);
for (let i = 0; i < 64; i += 1) DIGITS[ALPHABET.charCodeAt(i)] = i;

const ENCODER = new TextEncoder();

/** What does not hold. Its message is for people and has no text of others but what is quoted. */
export class Refused extends Error {}

/** Throws unless something holds. */
export function must(holds, message) {
  if (!holds) throw new Refused(message);
}

/** A text's UTF-8. */
export function utf8(text) {
  return ENCODER.encode(text);
}

/** The text of bytes that are UTF-8, a byte order mark kept; throws otherwise. */
export function text(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refused("not UTF-8");
  }
}

/** All bytes, one part after the other. */
export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function equal(one, other) {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i += 1) if (one[i] !== other[i]) return false;
  return true;
}

/** Lower-case hexadecimal. */
export function hex(bytes) {
  let digits = "";
  for (const byte of bytes) digits += (byte < 16 ? "0" : "") + byte.toString(16);
  return digits;
}

/** The bytes of standard base64 with padding and no unused bits set (RFC 4648, section 4); throws for anything else. */
export function fromBase64(encoded, what = "a value") {
  const wrong = `${what} is not base64`;
  must(typeof encoded === "string" && encoded.length % 4 === 0, wrong);
  const padding = encoded.endsWith("==") ? 2 : encoded.endsWith("=") ? 1 : 0;
  const digits = encoded.length - padding;
  const bytes = new Uint8Array(Math.floor((digits * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < digits; i += 1) {
    const code = encoded.charCodeAt(i);
    const digit = code < 128 ? DIGITS[code] : -1;
    must(digit >= 0, wrong);
    held = (held << 6) | digit;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at] = (held >> bits) & 255;
      at += 1;
      held &= (1 << bits) - 1;
    }
  }
  must(held === 0, wrong);
  return bytes;
}

/** Standard base64 with padding. */
export function toBase64(bytes) {
  let encoded = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const group = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const left = bytes.length - i;
    encoded += ALPHABET[group >> 18] + ALPHABET[(group >> 12) & 63];
    encoded += left > 1 ? ALPHABET[(group >> 6) & 63] : "=";
    encoded += left > 2 ? ALPHABET[group & 63] : "=";
  }
  return encoded;
}

/** A whole number without sign and leading zeroes that fits 64 bits, as BigInt; throws for anything else. */
export function decimal(digits, what) {
  must(/^(0|[1-9][0-9]{0,19})$/.test(digits), `${what} is not a number`);
  const value = BigInt(digits);
  must(value < 1n << 64n, `${what} is too large`);
  return value;
}
