"use strict";
// Sorts, searches and unfolds the tables; rows beyond the first lie in the page as data until they are wanted.
(() => {
  const rest = JSON.parse(document.getElementById("rows").textContent);

  // "1,234", "−0.5" and "0.3 [0.1, 0.5]" -> the number at the beginning; nothing if there is none.
  function numberIn(text) {
    const found = text.replaceAll("\u2212", "-").replaceAll(",", "").match(/-?\d+(\.\d+)?(e[-+]?\d+)?/i);
    return found ? Number(found[0]) : NaN;
  }

  function compare(one, other, numeric) {
    if (!numeric) return one.localeCompare(other, "en", { numeric: true });
    const [a, b] = [numberIn(one), numberIn(other)];
    if (Number.isNaN(a) || Number.isNaN(b)) return null; // what has no number goes last, whatever the direction
    return a - b;
  }

  class Table {
    constructor(box) {
      this.box = box;
      this.body = box.querySelector("tbody");
      this.heads = [...box.querySelectorAll("thead th")];
      this.numeric = this.heads.map((head) => head.classList.contains("number"));
      this.first = Number(box.dataset.first);
      this.all = box.querySelector("button.all");
      this.search = box.querySelector("input");
      this.count = box.querySelector(".count");
      this.column = -1;
      this.direction = 1;
      this.heads.forEach((head, place) => head.querySelector("button").addEventListener("click", () => this.sort(place)));
      this.all?.addEventListener("click", () => {
        const now = this.all.getAttribute("aria-pressed") !== "true";
        this.all.setAttribute("aria-pressed", String(now));
        this.all.textContent = now ? `Show the first ${this.first} rows` : `Show all ${this.texts().length.toLocaleString("en")} rows`;
        this.show();
      });
      this.search?.addEventListener("input", () => this.show());
    }

    texts() {
      this.rows ??= [
        ...[...this.body.rows].map((row) => [...row.cells].map((cell) => cell.textContent)),
        ...(rest[this.box.dataset.table] ?? []),
      ];
      return this.rows;
    }

    sort(place) {
      const first = this.numeric[place] ? -1 : 1;
      this.direction = this.column === place ? -this.direction : first;
      this.column = place;
      this.heads.forEach((head, n) => head.setAttribute("aria-sort",
        n !== place ? "none" : this.direction > 0 ? "ascending" : "descending"));
      this.show();
    }

    order(rows) {
      if (this.column < 0) return rows;
      const place = this.column;
      const numeric = this.numeric[place];
      return [...rows].sort((one, other) => {
        const found = compare(one[place], other[place], numeric);
        if (found !== null) return found * this.direction;
        return Number(Number.isNaN(numberIn(one[place]))) - Number(Number.isNaN(numberIn(other[place])));
      });
    }

    show() {
      const rows = this.texts();
      const wanted = (this.search?.value ?? "").trim().toLowerCase();
      const found = wanted ? rows.filter((row) => row.some((text, n) => !this.numeric[n] && text.toLowerCase().includes(wanted))) : rows;
      const limit = this.all?.getAttribute("aria-pressed") === "false" ? this.first : found.length;
      const shown = this.order(found).slice(0, limit);
      this.body.replaceChildren(...shown.map((row) => this.makeRow(row)));
      const few = shown.length < found.length ? `first ${shown.length} of ` : "";
      this.count.textContent = few || wanted ? `${few}${found.length.toLocaleString("en")} row${found.length === 1 ? "" : "s"}${wanted ? " found" : ""}` : "";
    }

    makeRow(texts) {
      const row = document.createElement("tr");
      texts.forEach((text, place) => {
        const cell = document.createElement(place ? "td" : "th");
        if (!place) cell.scope = "row";
        if (this.numeric[place]) cell.className = "number";
        cell.textContent = text;
        row.append(cell);
      });
      return row;
    }
  }

  for (const box of document.querySelectorAll(".table")) new Table(box);
})();
