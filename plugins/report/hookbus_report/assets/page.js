"use strict";

const report = JSON.parse(document.getElementById("document").textContent);

/** Draw the whole page for one book; a section is an element, or one and what draws its charts. */
function show(chosen) {
  const [head, main] = [document.getElementById("head"), document.getElementById("main")];
  undraw(main);
  head.replaceChildren(heading(report, chosen, show));
  const book = report.books[chosen];
  const sections = [
    ...(book ? [tiles(report, book), equitySection(report, chosen), metricsSection(report, book), monthsSection(book)] : [empty("No portfolio published anything.")]),
    pricesSection(report, book || { marks: {} }),
    statesSection(report),
    rankingSection(report),
    rejectionsSection(report),
    ...(book ? [tradesSection(book)] : []),
    notesSection(report),
  ];
  main.replaceChildren(...sections.map((one) => (Array.isArray(one) ? one[0] : one)));
  for (const one of sections) if (Array.isArray(one)) one[1]();
  document.documentElement.dataset.state = "drawn";
}

window.addEventListener("error", (event) => {
  document.documentElement.dataset.state = "failed";
  document.getElementById("main").prepend(make("p", { class: "failure", role: "alert" }, `The report could not be drawn: ${event.message}`));
});

show(Object.keys(report.books)[0]);
