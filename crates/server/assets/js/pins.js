// What this browser keeps of logs: the key that a reader pinned (as the card of /embed/proof.js does), and the tree seen last.

const PINS = "indelible-pins";
const SEEN = "indelible-seen";

function kept(place) {
  try {
    return JSON.parse(localStorage.getItem(place) ?? "{}") ?? {};
  } catch {
    return {};
  }
}

function keep(place, name, value) {
  try {
    localStorage.setItem(place, JSON.stringify({ ...kept(place), [name]: value }));
  } catch {
    // A browser that may keep nothing asks again next time.
  }
}

/** The name of a key in the form name+id+key. */
const nameOf = (key) => key.split("+", 1)[0];

/** The key that the reader pinned for the log of another one; null without. */
export function pinned(key) {
  const pin = kept(PINS)[nameOf(key)];
  return typeof pin?.key === "string" ? pin.key : null;
}

export const pin = (key) => keep(PINS, nameOf(key), { key, at: Date.now() });

/** Size, root in base64 and time of the tree that this browser saw last. */
export function lastSeen(key) {
  const seen = kept(SEEN)[nameOf(key)];
  return typeof seen?.size === "string" && typeof seen.root === "string" ? seen : null;
}

export const see = (key, size, root) => keep(SEEN, nameOf(key), { size: String(size), root, at: Date.now() });
