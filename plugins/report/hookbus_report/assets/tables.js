"use strict";

const PAGE = 25;

/**
 * A table of `rows` (arrays) that can be sorted by every column and, when it is long, filtered and
 * turned page by page. A column has a `title` and a `write` for its cells; it is one of `text`, of
 * `time`, or else of numbers, which stand to the right.
 */
function sortableTable(columns, rows, { order, filterBy = "" }) {
  const state = { by: order, down: true, filter: "", page: 0 };
  const body = make("tbody");
  const status = make("span", { class: "status", "aria-live": "polite" });
  const heads = columns.map((column, at) => make(
    "th",
    { scope: "col", class: side(column) },
    make("button", { type: "button", onclick: () => sortBy(at) }, column.title),
  ));
  const matching = () => {
    const wanted = state.filter.toLowerCase();
    const found = wanted ? rows.filter((row) => cellText(columns, row).includes(wanted)) : [...rows];
    return found.sort((one, two) => compare(one[state.by], two[state.by]) * (state.down ? -1 : 1));
  };
  const show = () => {
    const found = matching();
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    state.page = Math.min(Math.max(state.page, 0), pages - 1);
    const from = state.page * PAGE;
    body.replaceChildren(...found.slice(from, from + PAGE).map((row) => tableRow(columns, row)));
    heads.forEach((head, at) => {
      if (at === state.by) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    status.textContent = found.length
      ? `${count(from + 1)}\u2013${count(Math.min(from + PAGE, found.length))} of ${count(found.length)}`
      : "none match";
  };
  const sortBy = (at) => {
    state.down = at === state.by ? !state.down : !columns[at].text;
    Object.assign(state, { by: at, page: 0 });
    show();
  };
  const turn = (by) => () => { state.page += by; show(); };
  const field = make("input", {
    type: "search", placeholder: filterBy, "aria-label": filterBy,
    oninput: () => { Object.assign(state, { filter: field.value, page: 0 }); show(); },
  });
  show();
  const tools = make(
    "div", { class: "tools" }, field, status,
    make("button", { type: "button", onclick: turn(-1), "aria-label": "Earlier page" }, "\u2039"),
    make("button", { type: "button", onclick: turn(1), "aria-label": "Next page" }, "\u203a"),
  );
  const table = make("table", { class: "sortable" }, make("thead", {}, make("tr", {}, ...heads)), body);
  return make("div", {}, rows.length > PAGE ? tools : null, make("div", { class: "scroll" }, table));
}

function cellText(columns, row) {
  return columns.map((column, at) => column.write(row[at])).join(" ").toLowerCase();
}

function compare(one, two) {
  if (one === two) return 0;
  if (one === null) return -1;
  if (two === null) return 1;
  return one < two ? -1 : 1;
}

function tableRow(columns, row) {
  return make("tr", {}, ...columns.map((column, at) => make(
    "td",
    { class: `${side(column)} ${column.tone ? tone(row[at]) : ""}`.trim() },
    column.write(row[at]),
  )));
}

function side(column) {
  return column.text || column.time ? "" : "number";
}

/** The class that colours a gain or a loss. */
function tone(value) {
  return value > 0 ? "gain" : value < 0 ? "loss" : "";
}

/** A table of plain cells; `numbers` are the columns that stand to the right. */
function plainTable(titles, rows, numbers = []) {
  const align = (at) => (numbers.includes(at) ? "number" : "");
  return make(
    "div", { class: "scroll" },
    make(
      "table", {},
      make("thead", {}, make("tr", {}, ...titles.map((title, at) => make("th", { scope: "col", class: align(at) }, title)))),
      make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell, at) => make("td", { class: align(at) }, cell))))),
    ),
  );
}

/** Monthly returns, a row for each year, the stronger the colour the larger the gain or loss. */
function monthTable(months) {
  const years = new Map();
  for (const { year, month, value } of months) {
    if (!years.has(year)) years.set(year, Array(12).fill(undefined));
    years.get(year)[month - 1] = value;
  }
  const largest = Math.max(0.0001, ...months.map(({ value }) => Math.abs(value || 0)));
  const rows = [...years].map(([year, values]) => make(
    "tr", {},
    make("th", { scope: "row" }, `${year}`),
    ...values.map((value) => monthCell(value, largest)),
    make("td", { class: "number total" }, signedPercent(yearReturn(values))),
  ));
  const head = make("tr", {}, make("td"), ...[...MONTHS, "Year"].map((name) => make("th", { scope: "col", class: "number" }, name)));
  return make("div", { class: "scroll" }, make("table", { class: "months" }, make("thead", {}, head), make("tbody", {}, ...rows)));
}

function monthCell(value, largest) {
  if (value === undefined) return make("td", {});
  const cell = make("td", { class: "number" }, value === null ? "n/a" : signedPercent(value, 1));
  const strength = Math.round(8 + 52 * Math.abs(value || 0) / largest);
  if (value) cell.style.background = `color-mix(in srgb, var(--${value > 0 ? "up" : "down"}-fill) ${strength}%, transparent)`;
  return cell;
}

/** The returns of the months one after the other; none where one has none. */
function yearReturn(values) {
  const known = values.filter((value) => value !== undefined);
  if (known.includes(null)) return null;
  return known.reduce((product, value) => product * (1 + value), 1) - 1;
}
