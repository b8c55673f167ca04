// Lists of events: the open one is marked, a click anywhere on a row opens it, focus survives the swap.

const rowOf = (seq) => document.querySelector(`tr.event[data-seq="${CSS.escape(seq)}"]`);

function markOpen() {
  const open = document.getElementById("drawer")?.dataset.seq;
  for (const row of document.querySelectorAll("tr.event")) {
    row.setAttribute("aria-selected", String(row.dataset.seq === open));
  }
  const focused = document.activeElement?.closest("tr.event");
  if (open && focused && focused.dataset.seq !== open) rowOf(open)?.querySelector("a").focus();
  for (const mark of document.querySelectorAll(".step-mark")) mark.classList.toggle("current", mark.dataset.seq === open);
}

document.addEventListener("htmx:after:swap", markOpen);

// A closed drawer gives the focus back to its row.
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-close]")) return;
  const seq = document.getElementById("drawer")?.dataset.seq;
  if (!seq) return;
  document.addEventListener("htmx:after:swap", () => {
    rowOf(seq)?.querySelector("a").focus();
  }, { once: true });
});

// On a narrow screen a drawer is the whole page.
document.addEventListener("htmx:after:swap", () => {
  if (matchMedia("(max-width: 1023px)").matches && document.querySelector("#drawer:not(.gone)")) scrollTo(0, 0);
});
