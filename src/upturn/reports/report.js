// Draws the figures of the report from the data in the page, and works its switches. Nothing is fetched.
(() => {
  "use strict";
  const root = document.documentElement;
  const printing = matchMedia("print");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const PRINT_WIDTH = 660; // pixels of an A4 page between its margins
  // The colours in the data, and the names of the style sheet's own, which are lighter on a dark page.
  const INKS = {
    "0,114,178": "--blue", "213,94,0": "--vermillion", "0,158,115": "--green",
    "204,121,167": "--purple", "230,159,0": "--orange", "86,180,233": "--sky",
  };
  const TICKS = [[0, "0"], [1, "1 h"], [4, "4 h"], [24, "1 d"], [72, "3 d"], [168, "1 wk"], [672, "4 wk"],
    [1344, "8 wk"], [4320, "6 mo"]];
  const NARROW_TICKS = new Set(["0", "1 h", "4 h", "1 d", "1 wk", "4 wk", "6 mo"]);
  const stretch = (hours) => (hours === null ? null : Math.log10(1 + Math.max(hours, 0)));
  const data = JSON.parse(document.getElementById("figures").textContent);
  const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const asked = new Map(); // what the reader chose, by block: {axis, individuals, hidden}

  function coloured(panel) {
    const inks = Object.fromEntries(Object.entries(INKS).map(([rgb, name]) => [rgb, css(name)]));
    return JSON.parse(JSON.stringify(panel).replace(/rgba\((\d+,\d+,\d+),/g,
      (whole, rgb) => (rgb in inks ? `rgba(${inks[rgb]},` : whole)));
  }

  function dayStep(days) {
    return [1, 2, 7, 14, 28, 56].find((step) => days / step <= 8) || 112;
  }

  function timeAxis(traces, layout, mode, narrow) {
    const last = Math.max(...traces.flatMap((t) => t.x.filter((x) => x !== null)));
    if (mode === "stretched") {
      for (const trace of traces) trace.x = trace.x.map(stretch);
      for (const shape of layout.shapes || []) { shape.x0 = stretch(shape.x0); shape.x1 = stretch(shape.x1); }
      for (const note of layout.annotations || []) note.x = stretch(note.x);
      const shown = TICKS.filter(([h, word]) => h <= last && (!narrow || NARROW_TICKS.has(word)));
      return { tickvals: shown.map(([h]) => stretch(h)), ticktext: shown.map(([, w]) => w),
        range: [-0.04, stretch(last) * 1.02] };
    }
    if (mode === "day" || mode === "session") {
      const end = mode === "day" ? 24 : 6;
      const ticks = mode === "day" ? [0, 2, 4, 8, 12, 18, 24] : [0, 1, 2, 3, 4, 5, 6];
      return { tickvals: ticks, ticktext: ticks.map((h) => `${h} h`), range: [-end * 0.015, end * 1.015] };
    }
    if (mode === "session-day") {
      const ticks = [0, 4, 8, 12, 16, 20, 24];
      return { tickvals: ticks, ticktext: ticks.map((h) => `${h} h`), range: [-0.3, 24.3] };
    }
    const hours = mode === "days" ? 1 : 24; // the relapse figure counts in days already
    const step = dayStep(last / hours);
    const ticks = Array.from({ length: Math.floor(last / hours / step) + 1 }, (_, i) => i * step);
    return { tickvals: ticks.map((d) => d * hours), ticktext: ticks.map((d) => `${d} d`),
      range: [-last * 0.012, last * 1.015] };
  }

  function draw(element) {
    const block = element.closest(".block");
    const choice = asked.get(block.id);
    const { data: traces, layout } = coloured(data[element.id]);
    const width = printing.matches ? null : element.clientWidth;
    const narrow = (width || PRINT_WIDTH / 2) < 480;
    for (const trace of traces) {
      const off = choice.hidden.has(trace.legendgroup);
      if (trace.meta === "individuals") trace.visible = choice.individuals && !off;
      else if (off) trace.visible = false;
      if (narrow && trace.marker && trace.type === "scatter") trace.marker.size = 4;
    }
    const kind = element.dataset.axis;
    const x = kind === "bars" ? { type: "category" }
      : timeAxis(traces, layout, kind === "days" ? "days" : choice.axis, narrow);
    const ink = css("--ink"), faint = css("--rule");
    const alone = block.querySelectorAll(".plot").length === 1;
    Object.assign(layout, {
      font: { family: css("--sans"), size: narrow ? 11 : 12.5, color: ink },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 46, r: 12, t: 10, b: 34 }, showlegend: false, hovermode: "closest",
      dragmode: false, modebar: { bgcolor: "rgba(0,0,0,0)", color: css("--quiet"), activecolor: ink },
      height: printing.matches ? (alone ? 300 : 240) : alone ? (narrow ? 330 : 420) : 280,
      width: printing.matches ? (alone ? PRINT_WIDTH : PRINT_WIDTH / 2 - 12) : undefined,
      autosize: !printing.matches,
      hoverlabel: { bgcolor: css("--paper"), bordercolor: faint, font: { color: ink, family: css("--sans") } },
      xaxis: { ...layout.xaxis, ...x, showgrid: false, zeroline: false, linecolor: faint, showline: true,
        ticks: "outside", ticklen: 4, tickcolor: faint, tickangle: 0, automargin: true, fixedrange: false },
      yaxis: { ...layout.yaxis, gridcolor: faint, zerolinecolor: ink, zerolinewidth: 1, automargin: true,
        rangemode: kind === "session" ? "tozero" : "normal", nticks: 7, separatethousands: true },
    });
    for (const note of layout.annotations || []) note.font.color = css("--quiet");
    // The buttons are named one by one: the library's own choice offers to share data with others.
    Plotly.react(element, traces, layout, { displaylogo: false, displayModeBar: "hover", responsive: true,
      modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]], showTips: false });
  }

  const redraw = (within) => within.querySelectorAll(".plot").forEach(draw);
  const press = (button, on) => button.setAttribute("aria-pressed", String(on));

  for (const block of document.querySelectorAll(".block")) {
    const first = block.querySelector("[data-axis-mode][aria-pressed=true]");
    asked.set(block.id, { axis: first ? first.dataset.axisMode : "", individuals: false, hidden: new Set() });
    const choice = asked.get(block.id);
    block.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      if (button.dataset.axisMode) {
        choice.axis = button.dataset.axisMode;
        block.querySelectorAll("[data-axis-mode]").forEach((b) => press(b, b === button));
      } else if (button.dataset.toggle === "individuals") {
        choice.individuals = !choice.individuals;
        press(button, choice.individuals);
      } else if (button.dataset.series) {
        const name = button.dataset.series;
        if (!choice.hidden.delete(name)) choice.hidden.add(name);
        press(button, !choice.hidden.has(name));
      } else return;
      redraw(block);
    });
  }

  const numbers = document.getElementById("numbers-table");
  for (const button of document.querySelectorAll("[data-status-filter]")) {
    button.addEventListener("click", () => {
      const wanted = button.dataset.statusFilter;
      document.querySelectorAll("[data-status-filter]").forEach((b) => press(b, b === button));
      for (const row of numbers.tBodies[0].rows) row.hidden = wanted !== "all" && row.dataset.status !== wanted;
    });
  }

  // On paper everything is open and light; afterwards it is as the reader left it.
  let opened = [];
  function paper(on) {
    if (on) {
      opened = [...document.querySelectorAll("details:not([open])")];
      opened.forEach((each) => { each.open = true; });
    } else {
      opened.forEach((each) => { each.open = false; });
    }
    redraw(document);
  }
  printing.addEventListener("change", (event) => paper(event.matches));
  dark.addEventListener("change", () => redraw(document));

  root.classList.add("drawn");
  redraw(document);
})();
