// Narrows the list while one types. The form does the same without scripts.
const rows = [...document.querySelectorAll("#packages li")];
const box = document.getElementById("filter");
const count = document.getElementById("count");
const none = document.getElementById("none");
const rest = count.textContent.replace(/^\d+/, "");
box.addEventListener("input", () => {
  const words = box.value.toLowerCase().split(/\s+/);
  let shown = 0;
  for (const row of rows) {
    row.hidden = !words.every(w => row.textContent.toLowerCase().includes(w));
    if (!row.hidden) shown++;
  }
  count.textContent = shown + rest;
  none.hidden = shown > 0;
});
