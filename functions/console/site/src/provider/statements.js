// Statements, newest first. A row opens into its sum, its lines, its reserve and its payment.

import { html } from "../../vendor/view.js";
import { read } from "../api.js";
import * as format from "../format.js";
import { pageOf } from "../lists.js";
import { isZero } from "../money.js";
import { useAnswer, useList } from "../view/answer.js";
import { Answered, Block, Empty } from "../view/block.js";
import { CsvButton, ShowMore, Status } from "../view/pieces.js";
import { Sum } from "../view/sum.js";
import { Table } from "../view/table.js";
import { partsOf, whyNothing } from "./sums.js";

const PATH = "v1/provider/payouts";
const LIMIT = 12;
const NONE = { payouts: [], next_cursor: null, total: 0 };

/** None if the session may not see them. */
export function useStatements(mayRead) {
  const load = (cursor) => read(PATH, { limit: LIMIT, cursor });
  return useList((cursor) => (mayRead ? load(cursor) : Promise.resolve(NONE)).then(pageOf("payouts")));
}

/** `reserves`: what is held of them, and until when. */
export function Statements({ statements: list, reserves }) {
  const reserveOf = (row) => reserves.find((each) => each.payout_statement_id === row.payout_statement_id);
  return html`
    <${Block} title="Statements" answer=${list} actions=${html`<${CsvButton} path=${PATH} query=${{ limit: 100 }} name="statements" />`}
      isEmpty=${() => list.total === 0}
      empty=${html`<${Empty}>There is no statement yet. One is made on the 1st of each month for the month before, if anything was sold in it.<//>`}>
      ${() => html`
        <${Table} caption="Statements, newest first" rows=${list.rows} rowKey=${(row) => row.payout_statement_id}
          columns=${COLUMNS} details=${(row) => html`<${Statement} id=${row.payout_statement_id} held=${reserveOf(row)} />`}
          opens=${(row) => `Statement of ${monthOf(row)}, ${row.currency}`} />
        <${ShowMore} more=${list.more} />
      `}
    <//>
  `;
}

const monthOf = (row) => format.month(row.billing_period_start.slice(0, 7));
const money = (name) => (row) => format.money(row[name], row.currency);
const COLUMNS = [
  { title: "Month", cell: monthOf },
  { title: "Status", cell: (row) => html`<${Status} value=${row.status} />` },
  { title: "Gross", cell: money("gross_revenue"), end: true },
  { title: "Earnings", cell: money("seller_earnings"), end: true },
  { title: "Held", cell: money("held_amount"), end: true },
  { title: "Payout", cell: money("released_amount"), end: true },
];

/** `held`: what is still held of it; undefined if nothing is, or if that is not known. */
function Statement({ id, held }) {
  const answer = useAnswer(() => read(`${PATH}/${id}`));
  return html`
    <${Answered} answer=${answer} lines=${6}>
      ${(shown) => html`
        <div class="columns">
          <div>
            <h3>How it adds up</h3>
            <${Sum} currency=${shown.currency} parts=${partsOf(shown)} result=${{ label: shown.status === "paid" ? "Paid out" : "To be paid", amount: shown.released_amount }} />
            ${isZero(shown.released_amount) && html`<p class="note">Nothing is paid, because ${whyNothing(shown)}.</p>`}
          </div>
          <div>
            <h3>Payment</h3>
            <${History} statement=${shown} />
            <h3>Reserve</h3>
            <${Reserve} statement=${shown} held=${held} />
          </div>
        </div>
        <h3>By dataset</h3>
        <${Table} caption="Lines of the statement" rows=${shown.lines} rowKey=${(line) => line.dataset_id} columns=${[
          { title: "Dataset", cell: (line) => line.dataset_name },
          { title: "Sales and refunds", cell: (line) => format.number(line.entry_count), end: true },
          { title: "Amount", cell: (line) => format.exactMoney(line.amount, shown.currency), end: true },
        ]} />
        ${shown.next_cursor && html`<p class="note">There are more lines. The CSV has all of them.</p>`}
        <p><${CsvButton} path="${PATH}/${id}" name="statement ${shown.billing_period_start.slice(0, 7)} ${shown.currency}" /></p>
      `}
    <//>
  `;
}

const History = ({ statement }) => html`
  <ol class="history">
    ${statement.status_history.map((change) => html`
      <li><${Status} value=${change.status} /> <span class="hint">${format.time(change.changed_at)}</span></li>
    `)}
  </ol>
`;

function Reserve({ statement, held }) {
  const { reserve, currency } = statement;
  if (isZero(reserve.held)) return html`<p class="note">Nothing was held.</p>`;
  const now = isZero(reserve.still_held) ? "all of it is released" : `${format.money(reserve.still_held, currency)} still is`;
  return html`
    <p>${format.money(reserve.held, currency)} was held, and ${now}${held ? `, until ${format.day(held.due_at)}` : ""}.</p>
    ${reserve.releases.map((release) => html`
      <p class="note">Released on ${format.day(release.released_at)}: ${format.money(release.amount, currency)}, of which
        ${isZero(release.settled) ? "" : ` ${format.money(release.settled, currency)} settled what was owed and`}
        ${" "}${format.money(release.paid_out, currency)} is paid out.</p>
    `)}
  `;
}
