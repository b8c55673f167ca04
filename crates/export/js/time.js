// Times of events.

const RFC_3339 = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/u;

/** Microseconds since 1970 of an RFC 3339 time, digits beyond them cut; null if it is none. */
export function micros(time) {
  const parts = RFC_3339.exec(time);
  if (!parts) return null;
  const [, day, minute, second, fraction = "", sign, hours = "0", minutes = "0"] = parts;
  const start = Date.parse(`${day}T${minute}:00Z`);
  if (Number.isNaN(start) || Number(second) > 60) return null;
  const east = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  const minuteUs = BigInt(start - east * 60_000) * 1_000n;
  // A leap second is the last microsecond before the next minute.
  if (second === "60") return minuteUs + 60_000_000n - 1n;
  return minuteUs + BigInt(second) * 1_000_000n + BigInt(`${fraction}000000`.slice(0, 6));
}

/** The written form, `YYYY-MM-DDThh:mm:ss.ffffffZ`; of an instant before 1970, that of 1970. */
export function written(us) {
  const at = us < 0n ? 0n : us;
  const seconds = new Date(Number(at / 1_000_000n) * 1_000).toISOString().slice(0, 19);
  return `${seconds}.${String(at % 1_000_000n).padStart(6, "0")}Z`;
}
