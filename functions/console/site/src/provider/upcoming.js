// The coming payout as a sum that adds up, and what is held until when.

import { html } from "../../vendor/view.js";
import { read } from "../api.js";
import * as format from "../format.js";
import { isZero, negated } from "../money.js";
import { useAnswer } from "../view/answer.js";
import { Block } from "../view/block.js";
import { Sum } from "../view/sum.js";
import { Table } from "../view/table.js";
import { partsOf, whyNothing } from "./sums.js";

/** What is to come, and what is held; of nobody if the session may not see it. */
export function useUpcoming(mayRead) {
  return useAnswer(mayRead ? () => read("v1/provider/payouts/upcoming") : async () => null);
}

export function Upcoming({ upcoming: answer, currency }) {
  return html`
    <${Block} title="Coming payout" note="What the next statement says if nothing more is sold until it is made" answer=${answer} lines=${6}>
      ${({ upcoming, carried, reserves }) => html`
        <div class="columns">
          <div>
            ${upcoming.map((each) => html`<${Coming} payout=${each} isOnly=${upcoming.length === 1} />`)}
            ${!upcoming.length && html`<${NothingComing} carried=${carried} currency=${currency} />`}
          </div>
          <${Reserves} reserves=${reserves} />
        </div>
      `}
    <//>
  `;
}

function Coming({ payout, isOnly }) {
  const { currency } = payout;
  const parts = partsOf(payout, format.month(payout.period));
  return html`
    ${!isOnly && html`<h3>${format.month(payout.period)}, ${currency}</h3>`}
    <${Sum} currency=${currency} parts=${parts} result=${{ label: "Will be paid", amount: payout.released_amount }} />
    <p class="note">${isZero(payout.released_amount) ? `Nothing will be paid, because ${whyNothing(payout)}. ` : ""}
      The statement is made on ${format.time(payout.due_at)} UTC.</p>
  `;
}

function NothingComing({ carried, currency }) {
  const owed = carried.filter(({ amount }) => !isZero(amount));
  return html`
    <${Sum} currency=${currency} parts=${[{ label: "Gross revenue", amount: "0.00" }]} result=${{ label: "Will be paid", amount: "0.00" }} />
    <p class="note">Nothing will be paid, because nothing has been sold this month so far.</p>
    ${owed.map(({ amount, currency: owedCurrency }) => html`
      <p class="note">${format.money(negated(amount), owedCurrency)} is owed from earlier statements, and is settled first.</p>
    `)}
  `;
}

function Reserves({ reserves }) {
  return html`
    <div>
      <h3>Held in reserve</h3>
      ${reserves.length === 0
        ? html`<p class="note">Nothing is held. A part of each statement is, for a while, in case of refunds.</p>`
        : html`<${Table} caption="Held in reserve" rows=${reserves} rowKey=${(row) => row.payout_statement_id} columns=${[
            { title: "Statement", cell: (row) => format.month(row.period) },
            { title: "Held until", cell: (row) => format.day(row.due_at) },
            { title: "Amount", cell: (row) => format.money(row.held_amount, row.currency), end: true },
          ]} />`}
    </div>
  `;
}
