// Live tail: rows come as the server makes them for the table. While the reader looks further down they are counted.

const MOST_ROWS = 500;
let tail = null;

function parse(html) {
  const body = document.createElement("tbody");
  // The server escaped what is inside, by the same code that makes the page; scripts in it would not run either.
  body.innerHTML = html;
  return [...body.children];
}

class Tail {
  constructor(rows) {
    this.rows = rows;
    this.scroller = rows.closest("[data-rows]");
    this.held = [];
    this.missed = 0;
    const url = new URL(location.href);
    const source = new URL("/events/live", location.href);
    for (const name of ["q", "tz"]) if (url.searchParams.has(name)) source.searchParams.set(name, url.searchParams.get(name));
    for (const [name, value] of Object.entries(rows.closest("[data-live-filter]")?.dataset ?? {})) {
      if (name === "liveFilter" && value) source.searchParams.set("q", value);
    }
    const newest = rows.querySelector("tr.event")?.dataset.seq;
    if (newest) source.searchParams.set("after", newest);
    this.events = new EventSource(source);
    this.events.onmessage = (event) => this.add(event.data);
    this.events.onopen = () => this.say();
    this.events.onerror = () => this.say("Connecting again…");
    this.events.addEventListener("gap", (event) => {
      const { missed } = JSON.parse(event.data);
      this.missed += missed;
      this.count(missed);
      this.say();
    });
    this.onScroll = () => { if (this.isAtTop()) this.release(); };
    this.scroller.addEventListener("scroll", this.onScroll);
    addEventListener("scroll", this.onScroll);
    this.say("Connecting…");
  }

  isAtTop() {
    return this.scroller.scrollTop < 8 && (this.scroller.scrollHeight > this.scroller.clientHeight || scrollY < 200);
  }

  add(html) {
    const rows = parse(html);
    if (this.isAtTop() && !document.hidden) this.insert(rows);
    else {
      this.held.push(...rows);
      if (this.held.length > MOST_ROWS) this.held.splice(0, this.held.length - MOST_ROWS);
    }
    this.total = (this.total ?? 0) + rows.length;
    this.say();
  }

  insert(rows) {
    for (const row of rows) {
      const seq = row.dataset.seq;
      if (this.rows.querySelector(`tr[data-seq="${CSS.escape(seq)}"]`)) continue;
      row.classList.add("fresh");
      this.rows.prepend(row);
    }
    this.rows.closest(".list")?.querySelector(".empty")?.remove();
    const all = this.rows.querySelectorAll("tr.event");
    for (let index = MOST_ROWS; index < all.length; index += 1) all[index].remove();
    this.count(rows.length);
  }

  /** What stands above and below the list: how many there are, and how many are shown. */
  count(more) {
    const written = (number) => number.toLocaleString("en-US");
    for (const place of document.querySelectorAll("#count, [data-total]")) {
      const now = Number(place.textContent.replace(/[^0-9]/g, "")) + more;
      place.textContent = place.id === "count" ? `${written(now)} ${now === 1 ? "event" : "events"}` : written(now);
    }
    const shown = document.querySelector("[data-shown]");
    if (shown) shown.textContent = written(this.rows.querySelectorAll("tr.event").length);
  }

  release() {
    if (this.held.length === 0) return;
    this.insert(this.held.splice(0));
    this.say();
  }

  say(words) {
    const bar = document.getElementById("live-bar");
    if (!bar) return;
    bar.replaceChildren();
    const state = document.createElement("div");
    state.className = "live-state";
    const text = words ?? (this.total ? `Live, ${this.total} new` : "Live, waiting for events");
    state.textContent = this.missed ? `${text}. ${this.missed} came too fast to show; reload to list them` : text;
    bar.append(state);
    if (this.held.length > 0) {
      const more = document.createElement("div");
      more.className = "live-more";
      const button = document.createElement("button");
      button.className = "btn";
      button.type = "button";
      button.textContent = `${this.held.length} new ${this.held.length === 1 ? "event" : "events"}`;
      button.addEventListener("click", () => {
        this.scroller.scrollTo({ top: 0 });
        scrollTo({ top: 0 });
        this.release();
      });
      more.append(button);
      bar.append(more);
    }
  }

  close() {
    this.events.close();
    this.scroller.removeEventListener("scroll", this.onScroll);
    removeEventListener("scroll", this.onScroll);
    document.getElementById("live-bar")?.replaceChildren();
  }
}

// The page that waits for the first event becomes Observe by itself.
let waiting = null;

function follow() {
  const url = new URL(location.href);
  const rows = document.getElementById("rows");
  const wants = url.searchParams.get("live") === "1" && rows;
  if (tail && (!wants || tail.rows !== rows || tail.query !== url.search)) {
    tail.close();
    tail = null;
  }
  if (wants && !tail) {
    tail = new Tail(rows);
    tail.query = url.search;
  }
  const place = document.getElementById("waiting");
  if (!place) {
    waiting?.close();
    waiting = null;
  } else if (!waiting) {
    const source = new URL("/events/live", location.href);
    source.searchParams.set("q", "-source:system");
    source.searchParams.set("after", place.dataset.after);
    waiting = new EventSource(source);
    waiting.onmessage = () => location.reload();
  }
}

document.addEventListener("htmx:after:swap", follow);
addEventListener("pagehide", () => { tail?.close(); waiting?.close(); });
follow();
