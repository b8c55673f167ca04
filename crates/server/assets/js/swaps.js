// Stands before htmx in one file. Of hundreds of links a reader follows one: a link or a form is prepared when it is used,
// and only what fetches by itself when it comes.
(() => {
  let isAsked = false;
  const prepare = (element) => {
    isAsked = true;
    try {
      window.htmx.process(element);
    } finally {
      isAsked = false;
    }
  };
  document.addEventListener("htmx:before:process", (event) => {
    if (isAsked) return;
    event.preventDefault();
    const fetches = "[hx-get]:not(a)";
    for (const element of [event.target, ...event.target.querySelectorAll(fetches)]) if (element.matches(fetches)) prepare(element);
  });
  for (const kind of ["click", "submit"]) {
    document.addEventListener(kind, (event) => {
      const used = event.target.closest?.("a, form");
      if (used) prepare(used);
    }, true);
  }
})();
