// Sums as they stand in figures and headings.

import * as format from "./format.js";
import { isZero, negated, isNegative } from "./money.js";

/** With the currency's decimals, unless these leave nothing of it: 0.0031 is not $0.00. */
export function figure(amount, currency) {
  const size = isNegative(amount) ? negated(amount) : amount;
  const isLost = !isZero(amount) && format.money(size, currency) === format.money(0, currency);
  return isLost ? format.exactMoney(amount, currency) : format.money(amount, currency);
}
