"use strict";

/** An element with attributes, listeners (`onclick`) and children; text is always set as text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A section with a heading; `about` is a line below it. */
function section(id, title, about, ...children) {
  return make(
    "section",
    { id, class: "card" },
    make("h2", {}, title),
    about ? make("p", { class: "about" }, about) : null,
    ...children,
  );
}

function empty(text) {
  return make("p", { class: "empty" }, text);
}

/** The place of a chart; `label` is for those who cannot see it. */
function chartHost(label) {
  return make("div", { class: "chart", role: "group", "aria-label": label });
}

/** A label and a list to choose from. */
function chooser(label, options, chosen, onchange) {
  const select = make("select", { onchange: () => onchange(select.value) });
  for (const option of options) {
    select.append(make("option", { value: option, selected: option === chosen }, option));
  }
  return make("label", { class: "chooser" }, `${label} `, select);
}

/** A word with an explanation that shows on hover and on focus. */
function explained(text, explanation) {
  return make("span", { class: "explained", tabindex: 0, "data-tip": explanation }, text);
}

/** The colour of a variable of the style sheet, in the scheme of the moment. */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
