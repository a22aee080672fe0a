"use strict";

const TILES = ["total_return", "cagr", "sharpe", "sortino", "maximum_drawdown", "win_rate",
  "profit_factor", "trades"];

/** The metric that stands in small print below that of a tile. */
const BELOW = { total_return: "buy_and_hold", cagr: "profit", sharpe: "volatility", sortino: "calmar",
  win_rate: "average_win", profit_factor: "expectancy", trades: "exposure" };

const TRADE_COLUMNS = [
  { title: "Opened (UTC)", write: instant, time: true },
  { title: "Closed (UTC)", write: instant, time: true },
  { title: "Symbol", write: String, text: true },
  { title: "Side", write: String, text: true },
  { title: "Quantity", write: quote },
  { title: "Entry", write: quote },
  { title: "Exit", write: quote },
  { title: "Profit", write: amount, tone: true },
  { title: "Return", write: (value) => signedPercent(value), tone: true },
  { title: "Commission", write: amount },
  { title: "Strategy", write: String, text: true },
  { title: "Trade", write: String, text: true },
];

function heading(report, chosen, choose) {
  const period = report.begin === null ? "no events" : `${instant(report.begin)} to ${instant(report.end)} UTC`;
  const symbols = report.symbols.length;
  const facts = [
    report.simulated ? "Back-test" : "Run on the system's clock",
    period,
    `${count(report.bars)} bars of ${symbols === 1 ? "1 symbol" : `${count(symbols)} symbols`}`,
  ];
  const books = Object.keys(report.books);
  return make(
    "div", { class: "wide" },
    make("div", {}, make("h1", {}, report.title), make("p", { class: "facts" }, facts.join("  \u00b7  "))),
    books.length > 1 ? chooser("Book", books, chosen, choose) : null,
  );
}

function tiles(report, book) {
  const definitions = new Map(report.glossary.map((one) => [one.key, one]));
  return make("div", { class: "tiles" }, ...TILES.map((key) => tile(definitions, book.figures, key)));
}

function tile(definitions, figures, key) {
  const [definition, figure, below] = [definitions.get(key), figures[key], BELOW[key]];
  const small = below && figures[below].value !== null
    ? `${definitions.get(below).title} ${figures[below].text}` : figure.remark;
  return make(
    "div", { class: "tile" },
    make("div", { class: "name" }, explained(definition.title, definition.meaning)),
    make("div", { class: `value ${definition.unit === "change" ? tone(figure.value) : ""}`.trim() }, figure.value === null ? "n/a" : figure.text),
    make("div", { class: "note" }, figure.value === null ? figure.reason : small),
  );
}

function metricsSection(report, book) {
  const groups = [...new Set(report.glossary.map(({ group }) => group))];
  const tables = groups.map((group) => make(
    "div", {},
    make("h3", {}, group),
    make("dl", { class: "metrics" }, ...report.glossary.filter((one) => one.group === group).flatMap((one) => metric(one, book.figures[one.key]))),
  ));
  return section("metrics", "Metrics", null, make("div", { class: "columns" }, ...tables));
}

function metric(definition, figure) {
  const explanation = definition.source ? `${definition.meaning} (${definition.source})` : definition.meaning;
  const note = figure.value === null ? figure.reason : figure.remark;
  const value = make("dd", {}, figure.value === null ? "n/a" : figure.text);
  if (note) value.append(make("small", {}, note));
  return [make("dt", {}, explained(definition.title, explanation)), value];
}

function equitySection(report, chosen) {
  const book = report.books[chosen];
  if (!book.equity[0].length) return section("equity", "Equity", null, empty("The portfolio published no equity."));
  const [equity, falls] = [chartHost("Equity over time"), chartHost("Drawdown over time")];
  const card = section(
    "equity", "Equity and drawdown", "Drag to zoom, double-click to see all.",
    equity, make("h3", {}, "Drawdown from the peak"), falls,
  );
  return [card, () => {
    equityChart(equity, report.books, chosen);
    drawdownChart(falls, book.drawdown);
  }];
}

function pricesSection(report, book) {
  const symbols = Object.keys(report.prices);
  if (!symbols.length) return section("prices", "Prices and trades", null, empty("There were no bars to draw."));
  const [host, caption] = [chartHost("Price over time, with fills"), make("p", { class: "caption", "aria-live": "polite" })];
  const card = section("prices", "Prices and trades", null);
  const key = make(
    "p", { class: "key" },
    make("span", { class: "gain" }, "\u25b2 long entry  \u25cb long exit"),
    make("span", { class: "loss" }, "\u25bc short entry  \u25cb short exit"),
  );
  const draw = (symbol) => {
    undraw(card);
    priceChart(host, caption, symbol, report.prices[symbol], book.marks[symbol] || []);
  };
  const choice = symbols.length > 1 ? chooser("Symbol", symbols, symbols[0], draw) : null;
  card.append(make("div", { class: "tools" }, choice, key), host, caption, holding(report));
  return [card, () => draw(symbols[0])];
}

function holding(report) {
  const rows = report.symbols.slice(0, 50).map((one) => [
    one.symbol, count(one.bars), quote(one.first), quote(one.last), signedPercent(one.value),
  ]);
  const titles = ["Symbol", "Bars", "First close", "Last close", "Buy and hold"];
  const more = report.symbols.length - rows.length;
  return make(
    "details", { open: rows.length <= 8 },
    make("summary", {}, "Buy and hold, for comparison"),
    plainTable(titles, rows, [1, 2, 3, 4]),
    more > 0 ? empty(`${count(more)} further symbols are in the report as JSON.`) : null,
  );
}

function monthsSection(book) {
  const body = book.months.length ? monthTable(book.months) : empty("There is no equity to compare.");
  return section("months", "Monthly returns", "From the last equity of a month (UTC) to that of the next.", body);
}

function statesSection(report) {
  const rows = [
    ...(report.policy.length ? [["Policy", report.policy]] : []),
    ...Object.entries(report.health).map(([name, spans]) => [`Health: ${name}`, spans]),
    ...Object.entries(report.stages).map(([name, spans]) => [`Stage: ${name}`, spans]),
    ...(report.halts.length ? [["Trading", report.halts]] : []),
  ];
  const absent = [
    [report.policy.length, "policy"], [Object.keys(report.health).length, "health"],
    [Object.keys(report.stages).length, "strategy stages"], [report.halts.length, "halts of trading"],
  ].filter(([there]) => !there).map(([, name]) => name);
  const missing = absent.length ? empty(`No events of: ${absent.join(", ")}.`) : null;
  if (!rows.length) return section("states", "Policy, health, stages and halts", null, missing);
  return section(
    "states", "Policy, health, stages and halts", "Point at a band to read when and why.",
    timelines(rows, report.begin, report.end), stateKey(rows), changes(rows), missing,
  );
}

function rankingSection(report) {
  const ranking = report.ranking;
  if (!ranking || !Object.keys(ranking.places).length) {
    return section("ranking", "Ranking", null, empty("No ranking was published."));
  }
  const rows = ranking.last.map(([symbol, score], at) => [`${at + 1}`, symbol, quote(score)]);
  const strips = Object.entries(ranking.places).map(([symbol, places]) => [symbol, placeSpans(ranking.times, places, report.end)]);
  const worst = Math.max(...Object.values(ranking.places).flat());
  return section(
    "ranking", "Ranking",
    "The symbols that were among the first ten most often: the stronger the colour, the better the place.",
    timelines(strips, report.begin, report.end, (state) => placeColour(state, worst)),
    make(
      "details", {},
      make("summary", {}, `Last ranking, ${instant(ranking.last_time)} UTC, ${count(ranking.ranked)} symbols`),
      plainTable(["Place", "Symbol", "Score"], rows, [0, 2]),
    ),
  );
}

function rejectionsSection(report) {
  const rows = report.rejections;
  if (!rows.length) return section("rejections", "Rejected orders", null, empty("No order was rejected."));
  const most = Math.max(...rows.map((one) => one.count));
  const cells = rows.map((one) => {
    const bar = make("div", { class: "bar" });
    bar.style.width = `${Math.max(1, 100 * one.count / most)}%`;
    return [one.rule, one.book, count(one.count), bar, one.reason];
  });
  const total = count(rows.reduce((sum, one) => sum + one.count, 0));
  return section(
    "rejections", "Rejected orders", `${total} orders, by the rule that refused them.`,
    plainTable(["Rule", "Book", "Orders", "", "Last reason"], cells, [2]),
  );
}

function tradesSection(book) {
  const { rows, left_out: leftOut } = book.trades;
  if (!rows.length) return section("trades", "Trades", null, empty("No trade was closed."));
  const about = leftOut ? `The latest ${count(rows.length)}; ${count(leftOut)} earlier ones are not listed.` : null;
  const filterBy = "Filter by symbol, side, strategy or date";
  return section("trades", "Trades", about, sortableTable(TRADE_COLUMNS, rows, { order: 1, filterBy }));
}

function notesSection(report) {
  const rows = report.glossary.map((one) => [one.title, one.meaning, one.source]);
  return section(
    "notes", "Notes", null,
    make("ul", {}, ...report.notes.map((note) => make("li", {}, note))),
    make("details", {}, make("summary", {}, "What every metric means"), plainTable(["Metric", "Meaning", "Source"], rows)),
  );
}
