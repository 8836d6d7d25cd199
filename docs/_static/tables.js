/* A table that is wider than its place is set tighter; if that does not do, its rows are written as lists. */
document.addEventListener("DOMContentLoaded", () => {
  const tables = [...document.querySelectorAll("article .table-wrapper > table, article table")]
    .filter((table) => table.tHead && !table.classList.contains("stacked") && !table.classList.contains("autosummary"));
  for (const table of tables) {
    const names = [...table.tHead.rows[table.tHead.rows.length - 1].cells].map((cell) => cell.textContent.trim());
    for (const body of table.tBodies) {
      if (names[0]) body.dataset.name = names[0]; // what its rows are of
      for (const row of body.rows)
        [...row.cells].forEach((cell, index) => cell.dataset.name = names[index] ?? "");
    }
  }
  const tooWide = (table) => table.parentElement.scrollWidth > table.parentElement.clientWidth + 1;
  const fit = () => {
    for (const table of tables) {
      table.classList.remove("tight", "listed");
      if (tooWide(table)) table.classList.add("tight");
      if (tooWide(table)) table.classList.replace("tight", "listed");
    }
  };
  fit();
  window.addEventListener("load", fit);
  window.addEventListener("resize", fit);
  document.fonts?.ready.then(fit);
});
