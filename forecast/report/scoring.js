"use strict";
// Sorts the table by its columns, and shows the rows that hold what is typed.
for (const table of document.querySelectorAll("table.sorts")) {
  const body = table.tBodies[0];
  const value = (row, at) => {
    const cell = row.cells[at];
    const key = cell.dataset.key ?? cell.textContent.trim();
    return key === "" || Number.isNaN(Number(key)) ? key.toLowerCase() : Number(key);
  };
  // what is not known comes last, whichever way the rest is sorted
  const compare = (a, b, sign) =>
    typeof a === typeof b
      ? sign * (a < b ? -1 : a > b ? 1 : 0)
      : typeof a === "number" ? -1 : 1;
  [...table.tHead.rows[0].cells].forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const first = head.dataset.first ?? "descending";
      const last = first === "descending" ? "ascending" : "descending";
      const order = head.getAttribute("aria-sort") === first ? last : first;
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const rows = [...body.rows].sort((a, b) => compare(value(a, at), value(b, at), sign));
      body.append(...rows);
    });
  });
}
for (const filter of document.querySelectorAll("[data-filters]")) {
  const table = document.getElementById(filter.dataset.filters);
  const told = document.getElementById(filter.dataset.says);
  filter.closest("[hidden]").hidden = false;
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      const said = [...row.cells].filter((cell) => !cell.classList.contains("n"));
      const text = said.map((cell) => cell.textContent).join(" ").toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    told.textContent = words.length ? `${shown} of ${table.tBodies[0].rows.length} truces` : "";
  });
}
