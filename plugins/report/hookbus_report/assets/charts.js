"use strict";

const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const PALETTE = ["series1", "series2", "series3", "series4", "series5",
  "series6", "series7", "series8", "series9", "series10"];
const drawn = new Set();

const resizing = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const width = target.clientWidth;
    if (target.plot && width && width !== target.plot.width) {
      target.plot.setSize({ width, height: target.plot.height });
    }
  }
});

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const plot of drawn) plot.redraw(false);
});

function axis(values, more = {}) {
  return {
    stroke: () => colour("muted"),
    font: FONT,
    grid: { stroke: () => colour("grid"), width: 1 },
    ticks: { show: false },
    values,
    ...more,
  };
}

/** The width of a value axis in pixels: the same in all charts, unless a label takes more. */
function axisSize(plot, values) {
  return Math.max(76, 18 + 8 * Math.max(0, ...(values || []).map((text) => text.length)));
}

/** One line of a chart; `value` writes a value in the legend, where the last one rests. */
function line(label, variable, value, more = {}) {
  return {
    label,
    stroke: () => colour(variable),
    width: 1.5,
    spanGaps: true,
    points: { show: false },
    value: (plot, raw, index, at) => value(at === null || at === undefined ? last(plot.data[index]) : raw),
    ...more,
  };
}

function last(values) {
  for (let at = values.length - 1; at >= 0; at--) {
    if (values[at] !== null && values[at] !== undefined) return values[at];
  }
  return null;
}

/**
 * Draw a chart into `host`. `data` are times and one list of values for each of `lines`; `format`
 * writes a tick of the value axis, given the step between two. Dragging zooms, a double click shows
 * all; charts with the same `sync` zoom together.
 */
function chart(host, { data, lines, height, format, sync, hooks = {}, scale = {}, more = {} }) {
  const draw = [() => { host.dataset.drawn = data[0].length; }, ...(hooks.draw || [])];
  const options = {
    width: host.clientWidth || 800,
    height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    padding: [10, 16, 0, 0],
    cursor: {
      drag: { x: true, y: false },
      points: { size: 7 },
      ...(sync ? { sync: { key: sync, scales: ["x", null] } } : {}),
    },
    scales: { x: { time: true }, y: scale },
    axes: [
      axis((plot, ticks, index, space, step) => tickLabels(ticks, step), { space: 80, size: 32 }),
      axis((plot, ticks, index, space, step) => ticks.map((tick) => format(tick, step)), { size: axisSize }),
    ],
    series: [
      { label: "Time (UTC)", value: (plot, raw) => instant(raw ?? last(plot.data[0])) },
      ...lines,
    ],
    hooks: { ...hooks, draw },
    ...more,
  };
  host.plot = new uPlot(options, data, host);
  drawn.add(host.plot);
  resizing.observe(host);
  return host.plot;
}

/** Take charts away that are about to be drawn anew. */
function undraw(parent) {
  for (const host of parent.querySelectorAll(".chart")) {
    if (!host.plot) continue;
    resizing.unobserve(host);
    drawn.delete(host.plot);
    host.plot.destroy();
  }
}

/** Equity of all books on one axis of time, the chosen one on top. */
function equityData(books, chosen) {
  const names = [...Object.keys(books).filter((name) => name !== chosen), chosen]
    .filter((name) => books[name].equity[0].length);
  const data = names.length > 1
    ? uPlot.join(names.map((name) => books[name].equity))
    : books[names[0]].equity;
  return [names, data];
}

function equityChart(host, books, chosen) {
  const [names, data] = equityData(books, chosen);
  let other = 0;
  const lines = names.map((name) => (name === chosen
    ? line(name, "accent", amount, { width: 2, fill: () => colour("accent-soft") })
    : line(name, PALETTE[1 + other++ % 9], amount, { width: 1 })));
  chart(host, { data, lines, height: 300, format: (value, step) => (step < 1 ? amount(value) : count(value)), sync: "equity" });
}

function drawdownChart(host, [times, falls]) {
  const data = [times, falls.map((fall) => -fall)];
  const lines = [line("Drawdown", "down", (value) => percent(value), { fill: () => colour("down-soft") })];
  const scale = { range: (plot, low) => [Math.min(low * 1.05, -0.001), 0] };
  chart(host, { data, lines, height: 170, format: (value, step) => percent(value, step < 0.001 ? 3 : step < 0.01 ? 2 : 0), sync: "equity", scale });
}

/** Prices with the fills of a book: triangles where a position was opened, rings where it was closed. */
function priceChart(host, caption, symbol, prices, marks) {
  const say = (mark) => {
    caption.textContent = mark
      ? `${instant(mark[0])}  ${mark[3]} ${mark[2]}: ${quote(mark[4])} at ${quote(mark[1])}`
      : `${count(marks.length)} marks of fills; point at one to read it.`;
  };
  say(null);
  const hooks = {
    draw: [(plot) => drawMarks(plot, marks)],
    setCursor: [(plot) => say(nearestMark(plot, marks))],
  };
  const lines = [line(symbol, "price", quote)];
  chart(host, { data: prices, lines, height: 340, format: quote, hooks });
}

function visibleMarks(plot, marks) {
  const { min, max } = plot.scales.x;
  return marks.filter(([time]) => time >= min && time <= max);
}

function drawMarks(plot, marks) {
  const { ctx, bbox } = plot;
  const visible = visibleMarks(plot, marks);
  const size = (visible.length > 600 ? 2.5 : visible.length > 150 ? 4 : 6) * devicePixelRatio;
  const colours = { long: colour("up"), short: colour("down") };
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.lineWidth = 1.5 * devicePixelRatio;
  for (const [time, price, kind, direction] of visible) {
    const x = plot.valToPos(time, "x", true);
    const y = plot.valToPos(price, "y", true);
    ctx.fillStyle = ctx.strokeStyle = colours[direction];
    ctx.beginPath();
    if (kind === "exit") ctx.arc(x, y, size * 0.8, 0, 7);
    else trianglePath(ctx, x, y, direction === "long" ? size : -size);
    if (kind === "exit") ctx.stroke();
    else ctx.fill();
  }
  ctx.restore();
}

function trianglePath(ctx, x, y, size) {
  ctx.moveTo(x, y - size);
  ctx.lineTo(x + Math.abs(size), y + size);
  ctx.lineTo(x - Math.abs(size), y + size);
  ctx.closePath();
}

function nearestMark(plot, marks) {
  const { left, top } = plot.cursor;
  let [best, least] = [null, 15];
  if (left === undefined || left < 0) return best;
  for (const mark of visibleMarks(plot, marks)) {
    const away = Math.hypot(plot.valToPos(mark[0], "x") - left, plot.valToPos(mark[1], "y") - top);
    if (away < least) [best, least] = [mark, away];
  }
  return best;
}
