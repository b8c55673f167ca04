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

// What follows or checks a page comes once the page stands.
const later = () => Promise.all([import("./live.js"), import("./replay.js"), import("./proof.js"), import("./integrity.js")]);
if (document.readyState === "complete") later();
else addEventListener("load", later, { once: true });
