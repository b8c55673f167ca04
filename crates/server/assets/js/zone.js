// The reader's time zone: the server cannot know it before the browser says it.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const year = 365 * 86400;

function remember() {
  document.cookie = `indelible_zone=${encodeURIComponent(zone).replaceAll("%2F", "/")}; Path=/; Max-Age=${year}; SameSite=Lax`;
}

for (const input of document.querySelectorAll("[data-fill-zone]")) input.value = zone;

// The first page after a link that signed in was made for UTC: once more, with the right clock.
const known = document.body.hasAttribute("data-zone");
const signedIn = document.getElementById("side") !== null;
if (signedIn && !known && !document.cookie.includes("indelible_zone=")) {
  remember();
  if (document.cookie.includes("indelible_zone=") && zone !== "UTC" && !location.search.includes("tz=")) location.reload();
}

// "This browser" in the menu of zones.
export function offerOwnZone(menu) {
  const link = menu.querySelector("[data-own-zone]");
  if (!link) return;
  const url = new URL(location.href);
  url.searchParams.set("tz", zone);
  link.href = url.pathname + url.search;
  link.querySelector(".end").textContent = zone;
  link.hidden = false;
}
