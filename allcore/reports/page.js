"use strict";
// Draws the report's charts from the JSON that stands beside each; asks nobody for anything.
(() => {
  const LIGHT = { ink: "#1e222a", paper: "#ffffff" };
  const DARK = { ink: "#dadee4", paper: "#050607" };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const ground = () => (dark.matches ? DARK : LIGHT);
  const coloured = (layout, on, paper) => ({ ...layout, font: { ...layout.font, color: on.ink }, ...(paper ? { paper_bgcolor: on.paper } : {}) });
  const charts = [];

  const saved = (content, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type: "text/csv;charset=utf-8" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  for (const holder of document.querySelectorAll("figure[data-chart]")) {
    const made = JSON.parse(document.getElementById(holder.dataset.chart).textContent);
    const plot = holder.querySelector(".plot");
    charts.push({ made, plot });
    Plotly.newPlot(plot, made.data, coloured(made.layout, ground()), { displayModeBar: false, responsive: true, scrollZoom: false });
    for (const button of holder.querySelectorAll("button")) {
      button.addEventListener("click", () => {
        if (button.dataset.as === "csv") return saved(made.csv, `${made.name}.csv`);
        const figure = { data: made.data, layout: coloured(made.layout, LIGHT, true) };
        Plotly.downloadImage(figure, {
          format: button.dataset.as,
          filename: made.name,
          width: plot.clientWidth,
          height: made.layout.height,
          ...(button.dataset.as === "png" ? { scale: 2 } : {}),
        });
      });
    }
  }

  const repaint = (on) => charts.forEach(({ plot }) => Plotly.relayout(plot, { "font.color": on.ink }));
  dark.addEventListener("change", () => repaint(ground()));
  addEventListener("beforeprint", () => {
    repaint(LIGHT);
    document.querySelectorAll("details").forEach((one) => { one.dataset.was = one.open ? "open" : ""; one.open = true; });
  });
  addEventListener("afterprint", () => {
    repaint(ground());
    document.querySelectorAll("details").forEach((one) => { one.open = one.dataset.was === "open"; });
  });
})();
