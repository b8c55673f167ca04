// Copying: a text of the page, or a link.

export function toast(text) {
  const place = document.getElementById("toasts");
  if (!place) return;
  const note = document.createElement("div");
  note.className = "toast";
  note.textContent = text;
  place.replaceChildren(note);
  setTimeout(() => note.remove(), 4000);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without a secure context there is only the old way.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) return toast("The browser did not let it be copied");
  }
  toast("Copied");
}

document.addEventListener("copy-text", (event) => copy(event.detail));

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    const source = document.querySelector(button.dataset.copy);
    const text = source?.value ?? source?.textContent ?? "";
    return copy(source?.hasAttribute("data-absolute") ? new URL(text, location.href).href : text);
  }
  const link = event.target.closest("[data-copy-link]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    event.stopPropagation();
    copy(link.href);
  }
}, true);

// A link to show to somebody needs the server's name in front.
document.addEventListener("toggle", (event) => {
  if (!event.target.matches?.("[data-share]")) return;
  for (const input of event.target.querySelectorAll("[data-absolute]")) {
    input.value = new URL(input.value, location.href).href;
  }
}, true);
