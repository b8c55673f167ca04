// The key map. Each key does what a link or a button of the page does, so that nothing is reached by keys alone.
import { closeMenus } from "./menus.js";

const pages = { o: "/", e: "/events", j: "/jobs", a: "/agents", i: "/integrity" };
let waitsForPage = false;

const first = (selector) => document.querySelector(selector);
const press = (selector) => {
  const element = first(selector);
  element?.click();
  return Boolean(element);
};

function isTyping(target) {
  return target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]") !== null;
}

function goTo(key) {
  const entry = [...document.querySelectorAll("#side a")].find((a) => new URL(a.href).pathname === pages[key]);
  entry?.click();
  return Boolean(entry);
}

export function rows() {
  return [...document.querySelectorAll("[data-row], tr.event")];
}

function move(step) {
  const all = rows();
  if (all.length === 0) return false;
  const here = all.findIndex((row) => row.contains(document.activeElement));
  const open = all.findIndex((row) => row.getAttribute("aria-selected") === "true");
  const from = here >= 0 ? here : open;
  const to = Math.min(all.length - 1, Math.max(0, from < 0 ? 0 : from + step));
  const link = all[to].querySelector("a");
  link?.focus();
  all[to].scrollIntoView({ block: "nearest" });
  return true;
}

// Includes or excludes the value under the focus: a facet, or the actor of a row.
function choose(excludes) {
  const row = document.activeElement?.closest(".choice-row");
  const link = row?.querySelector(excludes ? "[data-facet-not]" : "[data-facet]");
  link?.click();
  return Boolean(link);
}

function escape(target) {
  const dialog = first("dialog[open]");
  if (dialog) return false;
  if (closeMenus()) return true;
  if (isTyping(target)) {
    target.blur();
    return true;
  }
  return press("[data-close]");
}

const single = {
  "/": () => focusFilter(),
  j: () => move(1),
  k: () => move(-1),
  "[": () => press("[data-step='[']"),
  "]": () => press("[data-step=']']"),
  x: () => choose(false),
  X: () => choose(true),
  t: () => openMenu("#period-menu"),
  l: () => press("[data-live]"),
  p: () => press("[data-tab='proof']") || press("[data-verify]"),
  r: () => press("[data-replay]"),
  y: () => press("[data-copy-link]") || copyHere(),
  "\\": () => press("[data-fold]"),
  "?": () => showKeys(),
};

function focusFilter() {
  const input = first("#filter") ?? first("[data-find]");
  if (input) {
    input.focus();
    input.setSelectionRange(input.value.length, input.value.length);
    return true;
  }
  return press("[data-search]");
}

function openMenu(selector) {
  const menu = first(selector);
  if (!menu) return false;
  menu.open = !menu.open;
  menu.querySelector("a, input, button")?.focus();
  return true;
}

function copyHere() {
  document.dispatchEvent(new CustomEvent("copy-text", { detail: location.href }));
  return true;
}

function showKeys() {
  const dialog = first("#keymap");
  if (!dialog) return false;
  if (dialog.open) dialog.close();
  else dialog.showModal();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    if (escape(event.target)) event.preventDefault();
    return;
  }
  if (document.body.dataset.keys === "off" || isTyping(event.target) || first("dialog[open]:not(#keymap)")) return;
  if (waitsForPage) {
    waitsForPage = false;
    if (goTo(event.key)) event.preventDefault();
    return;
  }
  if (event.key === "g") {
    waitsForPage = true;
    setTimeout(() => { waitsForPage = false; }, 1500);
    return;
  }
  if (single[event.key]?.()) event.preventDefault();
});

// A click on the last chip's side edits the text at its end.
document.addEventListener("focusin", (event) => {
  const input = event.target;
  if (input.id === "filter" && input.value && !input.value.endsWith(" ") && input.selectionStart === 0) {
    input.setSelectionRange(input.value.length, input.value.length);
  }
});
