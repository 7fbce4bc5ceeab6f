"use strict";
(function () {
  const table = document.getElementById("rows");
  if (table === null) { return; }
  const filters = document.getElementById("filters");
  const search = document.getElementById("search");
  const decision = document.getElementById("decision");
  const check = document.getElementById("check");
  const seen = document.getElementById("seen");
  const rows = Array.from(table.tBodies[0].rows);
  const texts = rows.map((row) => row.textContent.toLowerCase().replace(/\s+/g, " "));

  function wanted(row, text, words) {
    if (![row.dataset.decision, ""].includes(decision.value)) { return false; }
    if (check.value !== "") {
      if (!(row.dataset.checks || "").split(" ").includes(check.value)) { return false; }
    }
    return words.every((word) => text.includes(word));
  }

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    let count = 0;
    rows.forEach((row, index) => {
      row.hidden = !wanted(row, texts[index], words);
      if (!row.hidden) { count += 1; }
    });
    seen.textContent = count + " of " + rows.length + " listed rows shown";
  }

  [search, decision, check].forEach((field) => field.addEventListener("input", filter));
  filters.hidden = false;
  filter();
}());
