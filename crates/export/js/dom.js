// Elements without markup as text: nothing that an event says becomes markup, and no page needs to allow inline styles.

const SVG = "http://www.w3.org/2000/svg";
/** Characters that show nothing themselves and change how others are read. */
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
/** Longest value of an event that is shown. */
const MOST_CHARACTERS = 200;

/** An element with attributes and children; what is null or false is left out. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  return fill(made, attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  return fill(made, attributes, children);
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false && value !== undefined) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== false && child !== undefined));
  return made;
}

/** Text of an event: cut, what would hide or reorder it shown by its number, apart from the text around it. */
export function hostile(value, className = null) {
  const whole = String(value);
  const cut = whole.length > MOST_CHARACTERS ? `${[...whole.slice(0, 2 * MOST_CHARACTERS)].slice(0, MOST_CHARACTERS).join("")}…` : whole;
  return element("bdi", { class: className }, cut.replace(HIDDEN, (c) => `U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`));
}

/** A glyph of round strokes on a grid of 16 or 24. */
export function glyph(parts, size, className = null) {
  const shapes = parts.map(([name, attributes]) => svg(name, attributes));
  const grid = parts.grid ?? 16;
  return svg("svg", { viewBox: `0 0 ${grid} ${grid}`, width: size, height: size, class: ["g", className].filter(Boolean).join(" "), "aria-hidden": "true" }, ...shapes);
}
