// Replay: terminals are played, and steps follow each other while "play" is on.

const PAUSE_MS = 1600;
let playing = false;
let timer = 0;
let loading = null;

function load(source) {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = source;
    script.onload = () => resolve(window.AsciinemaPlayer);
    script.onerror = reject;
    document.head.append(script);
  });
  return loading;
}

async function show(place) {
  if (place.dataset.shown === place.dataset.cast) return;
  place.dataset.shown = place.dataset.cast;
  try {
    const library = await load(place.dataset.player);
    place.replaceChildren();
    const player = library.create(place.dataset.cast, place, {
      theme: place.dataset.themeName, fit: "width", idleTimeLimit: 2, preload: true, poster: "npt:0:05", terminalFontFamily: getComputedStyle(place).getPropertyValue("--mono"),
      autoPlay: playing,
    });
    place.player = player;
    player.addEventListener("ended", () => { if (playing) next(); });
  } catch {
    place.textContent = "The recording could not be played. It can be downloaded from the event's content.";
  }
}

function next() {
  clearTimeout(timer);
  const link = document.querySelector("[data-next]");
  if (link) link.click();
  else stop();
}

function stop() {
  playing = false;
  clearTimeout(timer);
  mark();
}

function mark() {
  const button = document.querySelector("[data-play]");
  if (!button) return;
  button.hidden = false;
  button.classList.toggle("playing", playing);
  button.setAttribute("aria-label", playing ? "Pause" : "Play");
}

function arrive() {
  const players = [...document.querySelectorAll("[data-cast]")];
  for (const place of players) show(place);
  mark();
  document.querySelector("[data-steps] [aria-current]")?.scrollIntoView({ block: "nearest" });
  clearTimeout(timer);
  const plays = document.querySelector(".stage-panel.current [data-cast]");
  if (playing && !plays) timer = setTimeout(next, PAUSE_MS);
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-play]")) return;
  playing = !playing;
  mark();
  const player = document.querySelector(".stage-panel.current [data-cast]")?.player;
  if (player) playing ? player.play() : player.pause();
  else if (playing) timer = setTimeout(next, PAUSE_MS);
  else clearTimeout(timer);
});

document.addEventListener("htmx:after:swap", () => { if (document.querySelector(".replay")) arrive(); });
if (document.querySelector(".replay")) arrive();
