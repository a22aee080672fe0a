"use strict";

/**
 * Rows of coloured bands over the time of the run, with an axis below; a row is [label, spans], a
 * span [start, end, state, reason]. The colour is that of the class of the state, or what
 * `background` says.
 */
function timelines(rows, begin, end, background = null) {
  const length = Math.max(end - begin, 1);
  const tracks = rows.flatMap(([label, spans]) => [
    make("div", { class: "label", title: label }, label),
    make("div", { class: "track" }, ...spans.map((span) => band(span, begin, length, background))),
  ]);
  return make("div", { class: "timelines" }, ...tracks, make("div"), timeAxis(begin, length));
}

function band([start, end, state, reason], begin, length, background) {
  const words = `${state}, ${instant(start)} to ${instant(end)} UTC${reason ? `: ${reason}` : ""}`;
  const kind = background ? "band shaded" : `band state-${state}`;
  const element = make("div", { class: kind, title: words, role: "img", "aria-label": words });
  const share = (end - start) / length;
  element.style.left = `${100 * (start - begin) / length}%`;
  element.style.width = `calc(${100 * share}% + 0.5px)`;
  if (background) element.style.background = background(state);
  else if (share > 0.07) element.append(make("span", {}, state));
  return element;
}

/** What the colours of the bands mean. */
function stateKey(rows) {
  const states = [...new Set(rows.flatMap(([, spans]) => spans.map(([, , state]) => state)))];
  const chip = (state) => make("span", {}, make("i", { class: `chip state-${state}` }), state);
  return make("p", { class: "key" }, ...states.map(chip));
}

/** The first place in the full colour, the last one still to be seen. */
function placeColour(state, worst) {
  const place = Number(state.replace("place ", ""));
  const strength = worst > 1 ? 100 - 85 * (place - 1) / (worst - 1) : 100;
  return `color-mix(in srgb, var(--accent) ${strength.toFixed(0)}%, var(--grid))`;
}

/** The places of a symbol as bands, one for as long as it kept its place. */
function placeSpans(times, places, end) {
  const spans = [];
  places.forEach((place, at) => {
    const [before] = spans.slice(-1);
    if (before && before[2] === place) return;
    if (before) before[1] = times[at];
    spans.push([times[at], end, place, ""]);
  });
  return spans.filter(([, , place]) => place !== null).map(([start, until, place]) => [start, until, `place ${place}`, ""]);
}

const STEPS = [1, 5, 15, 60, 300, 900, 3600, 10800, 21600, 43200, 86400, 172800, 604800, 1209600];

function timeAxis(begin, length) {
  const axis = make("div", { class: "time-axis" });
  const [ticks, step] = timeTicks(begin, begin + length);
  tickLabels(ticks, step).forEach((text, at) => {
    const tick = make("span", {}, text);
    tick.style.left = `${100 * (ticks[at] - begin) / length}%`;
    axis.append(tick);
  });
  return axis;
}

/** Round instants between two, at most about nine, and the seconds between them. */
function timeTicks(begin, end) {
  const wanted = (end - begin) / 8;
  const step = STEPS.find((one) => one >= wanted);
  if (!step) return monthTicks(begin, end, wanted);
  const ticks = [];
  for (let at = Math.ceil(begin / step) * step; at <= end; at += step) ticks.push(at);
  return [ticks, step];
}

function monthTicks(begin, end, wanted) {
  const month = 30 * 86400;
  const months = [1, 2, 3, 6, 12, 24, 60, 120].find((one) => one * month >= wanted) || 240;
  const first = new Date(begin * 1000);
  const ticks = [];
  let at = first.getUTCFullYear() * 12 + Math.ceil((first.getUTCMonth() + 1) / months) * months;
  for (;;) {
    const seconds = Date.UTC(Math.floor(at / 12), at % 12) / 1000;
    if (seconds > end) return [ticks, months * month];
    ticks.push(seconds);
    at += months;
  }
}

/** The changes behind the bands as a table that can be opened, the latest first. */
function changes(rows) {
  const listed = rows
    .flatMap(([label, spans]) => spans.map(([start, , state, reason]) => [start, label, state, reason]))
    .sort((one, two) => two[0] - one[0]);
  const columns = [
    { title: "Time (UTC)", write: instant, time: true },
    { title: "What", write: String, text: true },
    { title: "State", write: String, text: true },
    { title: "Reason", write: String, text: true },
  ];
  return make(
    "details", {},
    make("summary", {}, `${count(listed.length)} states with their reasons`),
    sortableTable(columns, listed, { order: 0, filterBy: "Filter by name, state or reason" }),
  );
}
