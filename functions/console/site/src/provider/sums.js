// A statement as a sum, whether it is made or still to come.

import * as format from "../format.js";
import { amountOf, isNegative, isZero, micros, negated } from "../money.js";

/** From the gross to what is paid. `hint`: beside the gross. */
export function partsOf(statement, hint) {
  const parts = [
    { label: "Gross revenue", amount: statement.gross_revenue, hint },
    { label: "Platform fee", amount: negated(statement.platform_fee), hint: `${format.rate(statement.fee_rate)} of gross` },
    { label: "Held in reserve", amount: negated(statement.held_amount), hint: `${format.rate(statement.reserve_rate)} of gross` },
    { label: "Carried in", amount: statement.carried_in, hint: "from before" },
  ];
  if (!isZero(statement.carried_over)) {
    parts.push({ label: "Carried over", amount: negated(statement.carried_over), hint: "to the next statement" });
  }
  return parts;
}

/** Why a statement pays nothing. Its gross is the sum of its lines, rounded. */
export function whyNothing({ gross_revenue, carried_in, currency, lines }) {
  const exact = isZero(gross_revenue) ? amountOf(lines.reduce((total, line) => total + micros(line.amount), 0n)) : gross_revenue;
  if (isNegative(exact)) return "more was refunded than sold";
  if (isZero(exact)) return "as much was refunded as sold";
  if (isZero(gross_revenue)) return `${format.exactMoney(exact, currency)} is less than can be paid`;
  if (isNegative(carried_in)) return `${format.money(negated(carried_in), currency)} was owed from before and is settled first`;
  return "the fee and the reserve take all of it";
}
