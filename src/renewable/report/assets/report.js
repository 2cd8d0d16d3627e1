// What the pages do: draw their charts, tell ages as of now, sort and filter tables, show an event's intervals.
(() => {
  "use strict";

  // Rows travel as columns, which is a third of the bytes.
  const rowsOf = (columns) => {
    const names = Object.keys(columns);
    const count = names.length ? columns[names[0]].length : 0;
    return Array.from({ length: count }, (_, i) => Object.fromEntries(names.map((name) => [name, columns[name][i]])));
  };

  const embedded = document.getElementById("data");
  const data = embedded ? JSON.parse(embedded.textContent) : {};
  const rows = {};
  for (const name of Object.keys(data)) rows[name] = rowsOf(data[name]);

  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const look = () => {
    const [ink, soft, line] = dark.matches ? ["#e8edf2", "#a3b1bf", "#2c3945"] : ["#16202b", "#52606d", "#e2e8ee"];
    return {
      font: "system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif",
      view: { stroke: null },
      axis: {
        labelColor: soft, titleColor: soft, titleFontWeight: "normal", gridColor: line, domainColor: line, tickColor: line,
      },
      legend: {
        labelColor: ink, titleColor: soft, titleFontWeight: "normal", orient: "top", symbolOpacity: 1,
        symbolBaseFillColor: soft, symbolBaseStrokeColor: soft, columns: window.innerWidth < 600 ? 1 : 0,
      },
      text: { color: ink },
    };
  };

  const views = {};
  const draw = async (place) => {
    const kind = place.dataset.chart;
    const spec = structuredClone(window.reportCharts[kind]);
    const named = (place.dataset.rows || "rows").split(" ");
    spec.datasets = {};
    for (const pair of named) {
      const [as, from] = pair.split("=");
      spec.datasets[as] = rows[from || as];
    }
    if (place.dataset.height) spec.height = Number(place.dataset.height);
    const opened = kind === "event" && document.querySelector("button[data-opened]");
    if (opened) spec.params.find((param) => param.name === "chosen").value = Number(opened.dataset.event);
    spec.description = place.getAttribute("aria-label");
    if (views[kind]) views[kind].finalize();
    const result = await window.vegaEmbed(place, spec, {
      mode: "vega-lite", actions: false, config: look(), renderer: place.dataset.renderer || "svg",
      tooltip: { theme: dark.matches ? "dark" : "light" },
    });
    views[kind] = result;
    if (kind === "event_times") {
      result.view.addEventListener("click", (_, item) => {
        if (item && item.datum && item.datum.event !== undefined) show(item.datum.event);
      });
    }
  };

  const drawAll = async () => {
    for (const place of document.querySelectorAll("[data-chart]")) {
      await draw(place);
      // Let the browser paint what is ready before the next one.
      await new Promise((resolve) => setTimeout(resolve));
    }
  };

  const show = async (event) => {
    if (!views.event) return;
    await views.event.view.signal("chosen", event).runAsync();
    for (const button of document.querySelectorAll("button[data-event]")) {
      const chosen = Number(button.dataset.event) === event;
      button.setAttribute("aria-pressed", String(chosen));
      button.closest("tr").classList.toggle("chosen", chosen);
      const title = document.getElementById("event-title");
      if (chosen && title) title.textContent = button.getAttribute("aria-label");
    }
  };

  const tellAges = () => {
    for (const time of document.querySelectorAll("time[data-age]")) {
      const absolute = time.dataset.absolute || time.textContent;
      time.dataset.absolute = absolute;
      const minutes = Math.max(0, Math.round((Date.now() - Number(time.dataset.age)) / 60000));
      const [count, unit] =
        minutes < 120 ? [minutes, "minute"] : minutes < 2880 ? [Math.round(minutes / 60), "hour"] : [Math.round(minutes / 1440), "day"];
      time.textContent = `${count} ${unit}${count === 1 ? "" : "s"} ago (${absolute})`;
    }
  };

  const valueOf = (row, column) => {
    const cell = row.cells[column];
    const carrier = cell.querySelector("[data-value]");
    if (!carrier) return cell.textContent.trim().toLowerCase();
    return carrier.dataset.value === "" ? null : Number(carrier.dataset.value);
  };

  const sortBy = (table, column, direction) => {
    const body = table.tBodies[0];
    const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    const keyed = [...body.rows].map((row, position) => ({ row, position, value: valueOf(row, column) }));
    // What nobody knows stays last in either direction.
    keyed.sort((a, b) =>
      a.value === null || b.value === null
        ? (a.value === null) - (b.value === null) || a.position - b.position
        : direction * compare(a.value, b.value) || a.position - b.position);
    body.append(...keyed.map((entry) => entry.row));
    [...table.tHead.rows[0].cells].forEach((cell, i) =>
      cell.setAttribute("aria-sort", i === column ? (direction > 0 ? "ascending" : "descending") : "none"));
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((cell, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...cell.childNodes);
      cell.append(button);
      cell.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const figures = cell.classList.contains("gt_right");
        const now = cell.getAttribute("aria-sort");
        sortBy(table, column, now === "none" ? (figures ? -1 : 1) : now === "ascending" ? -1 : 1);
      });
    });
  }

  for (const controls of document.querySelectorAll("[data-filters]")) {
    const table = document.getElementById(controls.dataset.filters);
    if (!table) continue;
    const said = controls.querySelector("output");
    const filter = () => {
      let shown = 0;
      for (const row of table.tBodies[0].rows) {
        const fits = [...controls.querySelectorAll("input, select")].every((field) => {
          const wanted = field.value.trim().toLowerCase();
          if (field.dataset.column !== undefined) {
            return !wanted || row.cells[Number(field.dataset.column)].textContent.trim().toLowerCase() === wanted;
          }
          return row.textContent.toLowerCase().includes(wanted);
        });
        row.hidden = !fits;
        shown += fits;
      }
      if (said) said.textContent = `${shown} of ${table.tBodies[0].rows.length} shown`;
    };
    controls.addEventListener("input", filter);
    filter();
  }

  for (const button of document.querySelectorAll("button[data-event]")) {
    button.addEventListener("click", () => {
      show(Number(button.dataset.event));
      document.getElementById("event-detail").scrollIntoView({ block: "nearest", behavior: "smooth" });
    });
  }

  const begin = async () => {
    tellAges();
    setInterval(tellAges, 60000);
    try {
      await drawAll();
      const opened = document.querySelector("button[data-opened]");
      if (opened) await show(Number(opened.dataset.event));
      document.body.dataset.ready = "yes";
    } catch (error) {
      document.body.dataset.ready = "failed";
      throw error;
    }
    dark.addEventListener("change", drawAll);
  };
  begin();
})();
