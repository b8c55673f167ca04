// Checks as the server's pages show them, for those that a script makes.

const SPRITE = new URL("../glyphs.svg", import.meta.url).pathname;

/** A glyph, as the server draws it into its pages. */
export function glyph(name, className = "g") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}

function span(className, ...children) {
  const made = document.createElement("span");
  made.className = className;
  made.append(...children);
  return made;
}

const MARKS = {
  ok: ["ok", "tick"],
  bad: ["bad", "error"],
  none: ["dim", "unfinished"],
  erased: ["dim", "unfinished"],
  withheld: ["dim", "lock"],
  unpinned: ["dim", "key"],
};

/** A line of a list of checks. */
export function line(state, name, about, took = null) {
  const [className, mark] = MARKS[state];
  const item = document.createElement("li");
  if (state === "bad") item.className = "failed";
  item.append(span(className, glyph(mark)), span("medium", name), span("soft wrap", about));
  if (took !== null) item.append(span("dim num", duration(took)));
  return item;
}

export function duration(ms) {
  return ms < 1_000 ? `${Math.max(1, Math.round(ms))} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

export const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/gu, ",");
