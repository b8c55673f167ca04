// Everything here makes pages quicker to use; none of it is needed to use them.
// Listeners stand on the document, because pages are swapped in place.
import "./zone.js";
import "./menus.js";
import "./keys.js";
import "./copy.js";
import "./rows.js";
import "./chart.js";
import "./faults.js";
import "./export.js";

// What follows, plays or checks something comes once the page stands, and with the first page that has it.
const PARTS = {
  "[data-live], #rows, #waiting": () => import("./live.js"),
  ".replay": () => import("./replay.js"),
  "[data-prove]": () => import("./proof.js"),
  "[data-browser-check]": () => import("./integrity.js"),
};

function look() {
  for (const [selector, load] of Object.entries(PARTS)) if (document.querySelector(selector)) load();
}

document.addEventListener("htmx:after:swap", look);
if (document.readyState === "complete") look();
else addEventListener("load", look, { once: true });
