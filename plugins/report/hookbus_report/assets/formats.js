"use strict";

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const NONE = "\u2013";

const plain = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2, minimumFractionDigits: 2 });
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 6 });

function amount(value) {
  return value === null || value === undefined ? NONE : plain.format(value);
}

function count(value) {
  return whole.format(value);
}

/** A price or a quantity: six significant digits. */
function quote(value) {
  return value === null || value === undefined ? NONE : short.format(value);
}

function percent(value, digits = 2) {
  return value === null || value === undefined ? NONE : `${(value * 100).toFixed(digits)}%`;
}

function signedPercent(value, digits = 2) {
  return value > 0 ? `+${percent(value, digits)}` : percent(value, digits);
}

/** `2024-03-05 14:30`, in UTC, from seconds since 1970. */
function instant(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  return new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
}

function day(seconds) {
  return instant(seconds).slice(0, 10);
}

/** Labels of a time axis in UTC, for ticks that are `step` seconds apart. */
function tickLabels(ticks, step) {
  return ticks.map((seconds) => {
    const date = new Date(seconds * 1000);
    const [month, year] = [MONTHS[date.getUTCMonth()], date.getUTCFullYear()];
    if (step >= 360 * 86400) return `${year}`;
    if (step >= 27 * 86400) return `${month} ${year}`;
    if (step >= 86400) return `${date.getUTCDate()} ${month}`;
    const clock = date.toISOString().slice(11, step < 60 ? 19 : 16);
    return clock.startsWith("00:00") && step >= 60 ? `${date.getUTCDate()} ${month}` : clock;
  });
}
