// Narrows the list while one types; the form does the same without scripts.
const rows = [...document.querySelectorAll("#packages tr")];
const box = document.getElementById("filter");
box.addEventListener("input", () => {
  const words = box.value.toLowerCase().split(/\s+/);
  let shown = 0;
  for (const row of rows) {
    row.hidden = !words.every(w => row.textContent.toLowerCase().includes(w));
    if (!row.hidden) shown++;
  }
  document.getElementById("count").textContent = shown;
});
