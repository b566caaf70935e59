// Amounts are decimals in text, as the API writes them. They are summed in micro-units, as integers,
// and never become binary floats, except where a bar is drawn.

const DECIMALS = 6;

/** "1250.00" or 3 -> 1250000000n or 3000000n. */
export function micros(amount) {
  const [, sign, whole, part = ""] = /^(-?)(\d+)(?:\.(\d{1,6}))?$/.exec(String(amount));
  const units = BigInt(whole + part.padEnd(DECIMALS, "0"));
  return sign ? -units : units;
}

/** 1250000000n -> "1250.000000". */
export function amountOf(units) {
  const digits = String(units < 0n ? -units : units).padStart(DECIMALS + 1, "0");
  return `${units < 0n ? "-" : ""}${digits.slice(0, -DECIMALS)}.${digits.slice(-DECIMALS)}`;
}

export const negated = (amount) => amountOf(-micros(amount));

export const isZero = (amount) => micros(amount) === 0n;

export const isNegative = (amount) => micros(amount) < 0n;

/** How much more than before, as a fraction; null if nothing was before. */
export function change(now, before) {
  const base = micros(before);
  return base > 0n ? Number(micros(now) - base) / Number(base) : null;
}
