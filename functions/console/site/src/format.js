// How values are written for people. Times and days are UTC.

import { isNegative, isZero } from "./money.js";

const LOCALE = "en";
const EXACT = 6;
const USUAL_DIGITS = 2;

// The decimals of the other currencies, as the statements have them. Browsers know those that people
// use in cash, which are fewer for some.
const MINOR_DIGITS = {
  BHD: 3, BIF: 0, CLF: 4, CLP: 0, DJF: 0, GNF: 0, IQD: 3, ISK: 0, JOD: 3, JPY: 0, KMF: 0, KRW: 0, KWD: 3,
  LYD: 3, OMR: 3, PYG: 0, RWF: 0, TND: 3, UGX: 0, UYI: 0, UYW: 4, VND: 0, VUV: 0, XAF: 0, XOF: 0, XPF: 0,
};
const UNITS = ["B", "KB", "MB", "GB", "TB", "PB"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

const numbers = new Intl.NumberFormat(LOCALE);
const shortNumbers = new Intl.NumberFormat(LOCALE, { notation: "compact", maximumFractionDigits: 1 });
const shares = new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 1 });
const rates = new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 4 });
const months = new Intl.DateTimeFormat(LOCALE, { timeZone: "UTC", year: "numeric", month: "long" });
const currencies = new Map();

const minorDigits = (currency) => MINOR_DIGITS[currency] ?? USUAL_DIGITS;

/** Rounded as the statements are, and without a sign if nothing is left. */
function written(amount, currency, least, most, notation = "standard") {
  const name = [currency, least, most, notation].join();
  if (!currencies.has(name)) {
    currencies.set(name, new Intl.NumberFormat(LOCALE, {
      style: "currency",
      currency,
      notation,
      minimumFractionDigits: least,
      maximumFractionDigits: most,
      roundingMode: "halfEven",
      signDisplay: "negative",
    }));
  }
  return minus(currencies.get(name).format(amount));
}

/** With the currency's decimals. Intl reads the text of a decimal exactly. */
export const money = (amount, currency) =>
  written(amount, currency, minorDigits(currency), minorDigits(currency));

/** With all decimals that it has: what one search cost. */
export const exactMoney = (amount, currency) => written(amount, currency, minorDigits(currency), EXACT);

/** For the scale of a chart: $2.5K, $40, $0.50, $0.0005. Its ticks are round numbers. */
export function shortMoney(value, currency) {
  if (Math.abs(value) >= 1000) return written(value, currency, 0, 2, "compact");
  return Number.isInteger(value) ? written(value, currency, 0, 0) : exactMoney(value, currency);
}

const minus = (text) => text.replace("-", "\u2212");

export const number = (value) => numbers.format(value);

export const shortNumber = (value) => minus(shortNumbers.format(value));

export const share = (fraction) => shares.format(fraction);

/** "0.30" -> "30%" */
export const rate = (fraction) => rates.format(Number(fraction));

/** 1 KB is 1,024 bytes. */
export function bytes(count) {
  let [value, unit] = [count, 0];
  while (value >= 1024 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${new Intl.NumberFormat(LOCALE, { maximumFractionDigits: value < 10 ? 2 : 1 }).format(value)} ${UNITS[unit]}`;
}

const at = (text) => new Date(text.length > 10 ? text : `${text.padEnd(10, "-01")}T00:00:00Z`);

const dayAndMonth = (date) => `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;

/** "5 Apr 2026" */
export const day = (text) => `${dayAndMonth(at(text))} ${at(text).getUTCFullYear()}`;

/** "April 2026" */
export const month = (text) => months.format(at(text));

/** "5 Apr 2026, 09:30" */
export const time = (text) => `${day(text)}, ${at(text).toISOString().slice(11, 16)}`;

/** A day or a month of a series, in full. */
export const period = (text) =>
  text.length === 7 ? month(text) : `${WEEKDAYS[at(text).getUTCDay()]} ${day(text)}`;

/** The same, below a chart: "5 Apr" or "Apr". */
export const shortPeriod = (text) =>
  text.length === 7 ? MONTHS[at(text).getUTCMonth()] : dayAndMonth(at(text));

export const range = ({ from, to }) => `${day(from)} to ${day(to)}`;

/** "+12.5%", or null if nothing was before. */
export function changeText(fraction) {
  if (fraction === null) return null;
  return `${fraction < 0 ? "\u2212" : "+"}${share(Math.abs(fraction))}`;
}

/** An amount as it stands in a sum: with its sign. */
export function signed(amount, currency) {
  const text = money(amount, currency);
  return isNegative(amount) || isZero(amount) ? text : `+${text}`;
}

export function duration(from, to) {
  const seconds = Math.round((Date.parse(to) - Date.parse(from)) / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
