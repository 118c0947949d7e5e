"use strict";
// Tables of class "sortable": a click on a head sorts by its column, upwards, downwards, and then
// as it was. Cells may say what they are worth in data-value; those worth nothing come last, and
// below them the rows of class "sum" and "reference", which belong to the whole table.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const fixed = rows.filter((row) => row.matches(".sum, .reference"));
  const free = rows.filter((row) => !fixed.includes(row));
  const heads = [...table.tHead.rows[0].cells];
  const names = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  const worth = (row, column) => {
    const cell = row.cells[column];
    const text = (cell.dataset.value ?? cell.textContent).trim();
    return text === "\u2013" ? "" : text;
  };
  const compare = (one, other) => {
    const [a, b] = [Number(one), Number(other)];
    return Number.isNaN(a) || Number.isNaN(b) ? names.compare(one, other) : a - b;
  };
  const sort = (column, order) => {
    const sign = order === "descending" ? -1 : 1;
    const sorted = order === "none" ? free : [...free].sort((one, other) => {
      const [a, b] = [worth(one, column), worth(other, column)];
      if (a === "" || b === "") return (a === "") - (b === "");
      return sign * compare(a, b);
    });
    body.append(...sorted, ...fixed);
    heads.forEach((head, at) => head.setAttribute("aria-sort", at === column ? order : "none"));
  };

  if (free.length < 2) continue;
  const next = { none: "ascending", ascending: "descending", descending: "none" };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = "Sort by this column";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => sort(column, next[head.getAttribute("aria-sort")]));
  });
}
