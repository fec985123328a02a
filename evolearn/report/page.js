"use strict";
// Draws the charts when they come into sight, and again when the theme, the view or the legend changes.
(() => {
  const drawings = JSON.parse(document.getElementById("drawings").textContent);
  const root = document.documentElement;
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  const coarse = window.matchMedia("(pointer: coarse)").matches;

  const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  // "@6" and "@6/0.2" stand for places in the palette of the theme.
  function colour(token) {
    if (token === "@diverging") return [[0, css("--negative")], [0.5, css("--zero")], [1, css("--positive")]];
    if (token === "@sequential") return [12, 11, 10, 9].map((place, step) => [step / 3, css(`--c${place}`)]);
    if (token === "@paper") return css("--paper");
    const [place, opacity] = token.slice(1).split("/");
    const hex = css(`--c${place}`);
    if (opacity === undefined) return hex;
    const parts = [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
    return `rgba(${parts.join(",")},${opacity})`;
  }

  const colourKeys = new Set(["color", "fillcolor", "colorscale"]);
  function coloured(value, key) {
    if (typeof value === "string") return colourKeys.has(key) && value.startsWith("@") ? colour(value) : value;
    if (Array.isArray(value)) return typeof value[0] === "object" ? value.map((entry) => coloured(entry, key)) : value;
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, coloured(entry, name)]));
  }

  function axis(own, linear) {
    const plain = { ...own };
    if (linear && own.type === "log") for (const name of ["type", "range", "tickvals", "ticktext"]) delete plain[name];
    return {
      gridcolor: css("--grid"), linecolor: css("--line"), zerolinecolor: css("--line"), tickcolor: css("--line"),
      automargin: true, exponentformat: "power", ticks: "outside", showline: true, zeroline: false, ...plain,
      ...(plain.title ? { title: { standoff: 10, ...plain.title } } : {}),
    };
  }

  function layout(panel, linear) {
    const own = coloured(panel.layout);
    const small = window.innerWidth < 480;
    return {
      ...own, height: panel.height, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false,
      font: { family: "system-ui, Segoe UI, Roboto, Liberation Sans, sans-serif", size: small ? 11 : 12, color: css("--ink") },
      margin: { l: 26, r: 14, t: 12, b: 8 }, dragmode: coarse ? false : "zoom", hovermode: "closest",
      hoverlabel: { namelength: -1, bgcolor: css("--card"), bordercolor: css("--line"), font: { color: css("--ink") } },
      xaxis: axis(own.xaxis, linear), yaxis: axis(own.yaxis, false),
    };
  }

  const options = { displayModeBar: false, responsive: true };

  class Chart {
    constructor(figure) {
      this.figure = figure;
      this.drawing = drawings[figure.dataset.chart];
      this.view = 0;
      this.hidden = new Set();
      this.seen = false;
      this.select = figure.querySelector("select");
      this.linear = figure.querySelector(".linear");
      this.legend = [...figure.querySelectorAll(".legend button")];
      this.select?.addEventListener("change", () => choose(this.select));
      this.linear?.addEventListener("change", () => this.draw());
      for (const button of this.legend) button.addEventListener("click", () => this.toggle(button));
    }

    toggle(button) {
      const name = button.dataset.name;
      if (!this.hidden.delete(name)) this.hidden.add(name);
      button.setAttribute("aria-pressed", String(!this.hidden.has(name)));
      this.draw();
    }

    show(name) {
      const place = this.drawing.views.findIndex((view) => view.name === name);
      if (place < 0) return;
      this.view = place;
      this.select.selectedIndex = place;
      this.draw();
    }

    draw() {
      if (!this.seen) return;
      const view = this.drawing.views[this.view];
      const box = this.figure.querySelector(".panels");
      while (box.children.length > view.panels.length) {
        Plotly.purge(box.lastChild.lastChild);
        box.lastChild.remove();
      }
      // All places first: a plot takes its width when it is drawn, and the grid shares the width among all.
      while (box.children.length < view.panels.length) box.append(makePlace());
      const drawn = view.panels.map((panel, place) => this.drawPanel(box.children[place], panel));
      this.figure.querySelector(".note").textContent = view.note;
      Promise.all(drawn).then(() => { this.figure.dataset.drawn = String(Number(this.figure.dataset.drawn || 0) + 1); });
    }

    drawPanel(place, panel) {
      const [title, plot] = place.children;
      title.textContent = panel.title;
      title.hidden = !panel.title;
      const shown = (name) => !this.hidden.has(name);
      const names = this.legend.map((button) => button.dataset.name);
      const data = coloured(panel.data).map((trace) => {
        const name = unescaped(trace.name ?? "");
        return { ...trace, visible: !names.includes(name) || shown(name) };
      });
      return Plotly.react(plot, data, layout(panel, this.linear?.checked), options);
    }
  }

  function makePlace() {
    const place = document.createElement("div");
    place.className = "panel";
    place.append(document.createElement("h4"), document.createElement("div"));
    return place;
  }

  // Texts in drawings are escaped for Plotly; the legend holds them as they are.
  function unescaped(text) {
    return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
  }

  const charts = [...document.querySelectorAll("figure.chart")].map((figure) => new Chart(figure));

  function choose(select) {
    const name = select.value;
    for (const chart of charts) {
      const together = select.dataset.choice === "condition" && chart.select?.dataset.choice === "condition";
      if (together || chart.select === select) chart.show(name);
    }
    if (select.dataset.choice === "condition") window.dispatchEvent(new CustomEvent("condition", { detail: name }));
  }
  window.addEventListener("replay-condition", (event) => {
    for (const chart of charts) if (chart.select?.dataset.choice === "condition") chart.show(event.detail);
  });

  const sight = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      const chart = charts.find((one) => one.figure === entry.target);
      sight.unobserve(entry.target);
      chart.seen = true;
      chart.draw();
    }
  }, { rootMargin: "300px" });
  for (const chart of charts) sight.observe(chart.figure);
  window.addEventListener("beforeprint", () => {
    for (const chart of charts) { chart.seen = true; chart.draw(); }
  });

  // --- theme ---
  const button = document.getElementById("theme");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);
  function retheme() {
    button.setAttribute("aria-pressed", String(isDark()));
    button.textContent = isDark() ? "Light" : "Dark";
    for (const chart of charts) chart.draw();
    window.dispatchEvent(new Event("theme"));
  }
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    retheme();
  });
  prefersDark.addEventListener("change", retheme);
  retheme();
})();
