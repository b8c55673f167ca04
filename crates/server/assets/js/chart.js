// Charts: a card beside the pointer, and a span that is drawn with it. The figures are those of the table below.

const ns = "http://www.w3.org/2000/svg";
let drag = null;

const figuresOf = (chart) => chart.closest(".card, .list-head, section")?.querySelector("[data-figures]");

function hideTip(chart) {
  chart?.querySelector(".tip")?.remove();
  chart?.querySelector(".crosshair")?.remove();
}

function showTip(bar) {
  const chart = bar.closest("[data-chart]");
  const table = figuresOf(chart)?.querySelector("table");
  const row = table?.tBodies[0]?.rows[Number(bar.dataset.bar)];
  if (!row || drag) return;
  hideTip(chart);
  const tip = document.createElement("div");
  tip.className = "tip";
  const name = document.createElement("b");
  name.textContent = row.cells[0].textContent;
  const about = document.createElement("div");
  about.className = "sub";
  about.textContent = row.cells[1].textContent;
  const list = document.createElement("ul");
  const kinds = [...table.tHead.rows[0].cells].slice(2);
  const parts = kinds.map((cell, index) => ({
    name: cell.textContent,
    fill: cell.dataset.fill,
    text: row.cells[index + 2].textContent,
    size: Number(row.cells[index + 2].textContent.replace(/[^0-9.]/g, "")),
  })).filter((part) => part.size > 0).sort((a, b) => b.size - a.size);
  for (const part of parts.slice(0, parts.length > 5 ? 4 : 5)) list.append(line(part));
  if (parts.length > 5) {
    const rest = parts.slice(4);
    list.append(line({ name: `${rest.length} more`, text: String(rest.reduce((sum, part) => sum + part.size, 0)) }));
  }
  tip.append(name, about, ...(parts.length > 0 ? [list] : []));
  chart.append(tip);
  place(tip, chart, bar);
}

function line({ name, fill, text }) {
  const item = document.createElement("li");
  if (fill) {
    const swatch = document.createElementNS(ns, "svg");
    swatch.setAttribute("class", "swatch");
    swatch.setAttribute("viewBox", "0 0 10 10");
    const rect = document.createElementNS(ns, "rect");
    for (const [key, value] of Object.entries({ class: `f-${fill}`, x: 0.5, y: 0.5, width: 9, height: 9, rx: 2 })) rect.setAttribute(key, value);
    swatch.append(rect);
    item.append(swatch);
  }
  for (const words of [name, text]) {
    const span = document.createElement("span");
    span.textContent = words;
    item.append(span);
  }
  return item;
}

function place(tip, chart, bar) {
  const box = chart.getBoundingClientRect();
  const hit = bar.querySelector(".hit").getBoundingClientRect();
  const middle = hit.left + hit.width / 2 - box.left;
  const right = middle + 12 + tip.offsetWidth > box.width;
  tip.style.setProperty("left", `${Math.max(0, right ? middle - 12 - tip.offsetWidth : middle + 12)}px`);
  tip.style.setProperty("top", "0px");
  const svg = bar.ownerSVGElement;
  const cross = document.createElementNS(ns, "line");
  const x = hit.left + hit.width / 2 - svg.getBoundingClientRect().left;
  for (const [key, value] of Object.entries({ class: "crosshair", x1: x, x2: x, y1: 0, y2: svg.height.baseVal.value })) cross.setAttribute(key, value);
  svg.append(cross);
}

for (const [kind, show] of [["pointerover", true], ["focusin", true], ["pointerout", false], ["focusout", false]]) {
  document.addEventListener(kind, (event) => {
    const bar = event.target.closest?.("[data-chart] a.bar");
    if (bar && show) showTip(bar);
    else if (bar) hideTip(bar.closest("[data-chart]"));
  });
}

// A span drawn on the chart, or the window of the strip moved by its edges, becomes the page's time: whole bars.
function span(area, one, other) {
  const first = Math.min(Math.floor(Math.min(one, other)), area.edges.length - 2);
  const from = area.edges[first];
  const to = area.edges[Math.max(Math.ceil(Math.max(one, other)), first + 1)];
  const url = new URL(location.href);
  const instant = (us) => new Date(Math.round(us / 1000)).toISOString().replace(".000Z", "Z");
  url.searchParams.set("from", instant(from));
  url.searchParams.set("to", instant(to));
  for (const name of ["after", "before"]) url.searchParams.delete(name);
  go(url.pathname + url.search);
}

export function go(address) {
  const link = document.createElement("a");
  link.href = address;
  document.getElementById("app").append(link);
  link.click();
  link.remove();
}

// Where the pointer is, in bars from the left.
function placeAt(area, clientX) {
  const box = area.svg.getBoundingClientRect();
  const part = Math.min(1, Math.max(0, (clientX - box.left) / box.width));
  return part * (area.edges.length - 1);
}

function areaOf(target) {
  const strip = target.closest("[data-strip]");
  const bars = [...(strip ?? target.closest("[data-chart]"))?.querySelectorAll("a[data-from]") ?? []];
  if (bars.length === 0) return null;
  const end = Number(strip ? strip.dataset.end : bars[bars.length - 1].dataset.to);
  return { svg: bars[0].ownerSVGElement, edges: [...bars.map((bar) => Number(bar.dataset.from)), end], strip };
}

document.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || !(event.target instanceof Element)) return;
  const area = areaOf(event.target);
  if (!area || !area.svg.contains(event.target)) return;
  const edge = event.target.closest("[data-edge]")?.dataset.edge;
  const brush = area.strip?.querySelector(".window");
  let anchor = event.clientX;
  if (edge && brush) {
    const box = brush.getBoundingClientRect();
    anchor = edge === "from" ? box.right : box.left;
  }
  drag = { area, anchor, from: event.clientX, moved: Boolean(edge) };
});

document.addEventListener("pointermove", (event) => {
  if (!drag) return;
  drag.moved ||= Math.abs(event.clientX - drag.from) > 4;
  if (!drag.moved) return;
  event.preventDefault();
  const { svg } = drag.area;
  const box = svg.getBoundingClientRect();
  drag.rect ??= svg.appendChild(document.createElementNS(ns, "rect"));
  const [a, b] = [drag.anchor, event.clientX].map((x) => Math.min(box.width, Math.max(0, x - box.left))).sort((x, y) => x - y);
  for (const [key, value] of Object.entries({ class: "brush", x: a, width: b - a, y: 0, height: svg.height.baseVal.value })) drag.rect.setAttribute(key, value);
});

document.addEventListener("pointerup", (event) => {
  if (!drag) return;
  const { area, anchor, moved, rect } = drag;
  drag = null;
  rect?.remove();
  if (!moved) return;
  // The click that follows must not open a bar.
  addEventListener("click", (click) => { click.preventDefault(); click.stopPropagation(); }, { capture: true, once: true });
  setTimeout(() => span(area, placeAt(area, anchor), placeAt(area, event.clientX)), 0);
});

document.addEventListener("dragstart", (event) => {
  if (event.target.closest?.("[data-chart], [data-strip]")) event.preventDefault();
});
