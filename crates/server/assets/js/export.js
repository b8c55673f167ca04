// What is generated is what the preview shows: while the answers are newer, the button waits for it.
document.addEventListener("input", (event) => {
  if (event.target.closest("#export-form") === null || event.target.name === "purpose") return;
  const button = document.querySelector("#generate button.primary");
  if (button) button.disabled = true;
});
