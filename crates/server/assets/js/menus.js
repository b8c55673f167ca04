// Menus are `details`: one is open at a time, and a click elsewhere or Escape closes it.
import { offerOwnZone } from "./zone.js";

const menus = () => document.querySelectorAll("details[data-menu][open]");

export function closeMenus(except) {
  let closed = false;
  for (const menu of menus()) {
    if (menu === except || menu.contains(except)) continue;
    menu.open = false;
    closed = true;
  }
  return closed;
}

document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!(menu instanceof HTMLDetailsElement) || !menu.matches("[data-menu]") || !menu.open) return;
  closeMenus(menu);
  offerOwnZone(menu);
}, true);

document.addEventListener("click", (event) => {
  closeMenus(event.target.closest("details[data-menu]"));
  const facets = event.target.closest("[data-facets-button]");
  const pane = document.getElementById("facets");
  if (facets && pane) {
    event.preventDefault();
    pane.classList.toggle("shown");
  } else if (pane?.classList.contains("shown") && !pane.contains(event.target)) {
    pane.classList.remove("shown");
  }
});
