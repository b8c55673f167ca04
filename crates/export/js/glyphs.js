// The glyphs of the card, drawn on grids of 16 and, for verdicts, of 24.

const path = (d, more = {}) => ["path", { d, ...more }];
const circle = (r, more = {}, at = 8) => ["circle", { cx: at, cy: at, r, ...more }];
const solid = { fill: "currentColor" };
const onSolid = { class: "on-solid" };

/** A glyph on the large grid. */
const large = (...parts) => Object.assign(parts, { grid: 24 });

export const SOURCES = {
  llm: [path("M8 1.8c.5 3.7 2.5 5.7 6.2 6.2C10.5 8.5 8.5 10.5 8 14.2 7.5 10.5 5.5 8.5 1.8 8 5.5 7.5 7.5 5.5 8 1.8z")],
  mcp: [path("M5.5 1.8v3.4M10.5 1.8v3.4M3.5 5.2h9v2.3a4.5 4.5 0 0 1-9 0zM8 12v2.3")],
  shell: [path("m2.5 4 4 4-4 4M8.5 12h5")],
  kubernetes: [path("m8 1.8 5.4 3.1v6.2L8 14.2l-5.4-3.1V4.9z"), circle(2.1)],
  "forward-proxy": [path("M1.8 8h8.7M7.3 4.8 10.5 8l-3.2 3.2M13.7 2.8v10.4")],
  aws: [path("M4.5 12.5a3 3 0 0 1-.4-6A4.2 4.2 0 0 1 12 7.2a2.7 2.7 0 0 1-.5 5.3z")],
  sandbox: [path("m8 1.8 5.5 3v6.4L8 14.2l-5.5-3V4.8zM2.7 4.9 8 7.8l5.3-2.9M8 7.8v6.3")],
  hook: [path("M10.5 2.5v7.2a3.5 3.5 0 0 1-7 0V7.5l2 2"), ["circle", { cx: 10.5, cy: 2.5, r: 0.8 }]],
  otlp: [["circle", { cx: 4, cy: 8, r: 2.2 }], ["circle", { cx: 12, cy: 8, r: 2.2 }], path("M6.2 8h3.6")],
  app: [path("M2.5 2.5h4.2v4.2H2.5zM9.3 2.5h4.2v4.2H9.3zM2.5 9.3h4.2v4.2H2.5zM9.3 9.3h4.2v4.2H9.3z")],
  system: [circle(2.2), path("M8 1.8v2M8 12.2v2M1.8 8h2M12.2 8h2M3.6 3.6 5 5M11 11l1.4 1.4M12.4 3.6 11 5M5 11l-1.4 1.4")],
};

export const TICK = [path("m3 8.5 3.3 3.3L13 4.7")];
export const CROSS = [path("M5.4 1.9h5.2l3.5 3.5v5.2l-3.5 3.5H5.4l-3.5-3.5V5.4z", solid), path("m5.9 5.9 4.2 4.2M10.1 5.9l-4.2 4.2", onSolid)];
export const OPEN_RING = [circle(5.75, { "stroke-dasharray": "2.4 2.11" })];
export const CLOCK = [circle(5.75), path("M8 4.8V8l2.2 1.4")];
export const WARNING = [path("M8 2.3 14 13H2zM8 6.5v3M8 11.2v.3")];
export const LOCK = [["rect", { x: 3, y: 7, width: 10, height: 6.5, rx: 1.5 }], path("M5.2 7V5.2a2.8 2.8 0 0 1 5.6 0V7")];
export const PLAY = [path("M4.5 2.8v10.4L13 8z")];
export const DOWNLOAD = [path("M8 2.5V10M5 7.3l3 2.9 3-2.9M2.5 10.5v3h11v-3")];
export const KEY = [["circle", { cx: 5.2, cy: 10.8, r: 2.7 }], path("m7.2 8.8 6-6M11 5l2 2")];
export const AGAIN = [path("M13.3 8a5.3 5.3 0 1 1-1.5-3.7M13.3 2v3h-3")];

/** By state: the outline alone tells them apart. */
export const VERDICTS = {
  witnessed: large(circle(10.8, {}, 12), circle(8, solid, 12), path("m8.3 12.2 2.6 2.6 4.9-5.4", onSolid)),
  verified: large(circle(9.5, {}, 12), path("m8 12.3 2.8 2.8 5.2-5.7")),
  pending: large(circle(9.5, { "stroke-dasharray": "4 3.46" }, 12), path("M12 7v5.2l3.2 2")),
  failed: large(path("M8 2.3h8l5.7 5.7v8L16 21.7H8L2.3 16V8z", solid), path("m8.5 8.5 7 7M15.5 8.5l-7 7", onSolid)),
  unpinned: large(path("M12 1.8 22.2 12 12 22.2 1.8 12z"), path("M9.5 9.7c0-1.4 1.1-2.4 2.5-2.4s2.5 1 2.5 2.3c0 1.7-2.5 1.9-2.5 3.9M12 16.2v.3")),
  offline: large(circle(9.5, {}, 12), path("M5.3 18.7 18.7 5.3")),
};
