// Days are text, "2026-04-05", months are "2026-04", and both are UTC.

const DAY_MS = 86_400_000;
const MOST_DAYS_BY_DAY = 120;
const MOST_DAYS = 1096;

export const today = () => new Date().toISOString().slice(0, 10);

export const thisMonth = () => today().slice(0, 7);

const at = (day) => Date.parse(`${day}T00:00:00Z`);

export const addDays = (day, days) =>
  new Date(at(day) + days * DAY_MS).toISOString().slice(0, 10);

export const daysIn = (from, to) => (at(to) - at(from)) / DAY_MS + 1;

export function addMonths(month, months) {
  const [year, number] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 + months)).toISOString().slice(0, 7);
}

/** The last months, newest first. */
export const lastMonths = (count) =>
  Array.from({ length: count }, (_, back) => addMonths(thisMonth(), -back));

/** 30 February is none, although Date.parse takes it for 2 March. */
const isDay = (text) =>
  /^\d{4}-\d\d-\d\d$/.test(text ?? "") && !Number.isNaN(at(text)) && addDays(text, 0) === text;

export const RANGES = { "30d": "30 days", "90d": "90 days", "12m": "12 months", custom: "Custom" };

/** Why two days are no range; null if they are one. */
export function rangeFault({ from, to }) {
  if (!isDay(from) || !isDay(to)) return "Choose a first and a last day.";
  if (from > to) return "The first day comes after the last.";
  if (daysIn(from, to) > MOST_DAYS) return `Choose at most ${MOST_DAYS.toLocaleString("en")} days.`;
  return null;
}

/** What the address asks for: `{name, from, to, granularity}`; the last 30 days if it does not. */
export function rangeOf({ range, from, to }) {
  const last = today();
  if (range === "90d") return { name: "90d", from: addDays(last, -89), to: last, granularity: "day" };
  if (range === "12m") {
    return { name: "12m", from: `${addMonths(last.slice(0, 7), -11)}-01`, to: last, granularity: "month" };
  }
  if (range === "custom" && !rangeFault({ from, to })) {
    const granularity = daysIn(from, to) <= MOST_DAYS_BY_DAY ? "day" : "month";
    return { name: "custom", from, to, granularity };
  }
  return { name: "30d", from: addDays(last, -29), to: last, granularity: "day" };
}

/** As many days, just before. */
export function rangeBefore({ from, to, granularity }) {
  return { from: addDays(from, -daysIn(from, to)), to: addDays(from, -1), granularity };
}
