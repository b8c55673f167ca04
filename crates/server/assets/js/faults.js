// What a swap could not load: the old page stays, and says what to do.

document.addEventListener("htmx:error", (event) => {
  const action = event.detail?.ctx?.request?.action;
  const place = document.getElementById("toasts");
  if (!place || !action) return;
  const note = document.createElement("div");
  note.className = "toast";
  note.setAttribute("role", "alert");
  const words = document.createElement("span");
  words.textContent = "The server did not answer.";
  const retry = document.createElement("a");
  retry.className = "btn small";
  retry.href = action;
  retry.textContent = "Try again";
  note.append(words, retry);
  place.replaceChildren(note);
});
