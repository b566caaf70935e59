// The statements of all providers of a month, and how their payments go on.

import { html, useState } from "../../vendor/view.js";
import { call, read } from "../api.js";
import { lastMonths } from "../dates.js";
import * as format from "../format.js";
import { useAnswer, useList } from "../view/answer.js";
import { Answered, Block, Empty } from "../view/block.js";
import { FormDialog } from "../view/dialog.js";
import { CsvButton, ShowMore, Status } from "../view/pieces.js";
import { Table } from "../view/table.js";

const PATH = "v1/admin/payouts";
const MONTHS = 13;
const MOVES = { pending: ["processing"], processing: ["paid", "failed"], failed: ["processing"], paid: [] };
const WORDS = { processing: "Start payment", paid: "Mark as paid", failed: "Mark as failed" };

export function AllStatements({ noteDeed }) {
  const [filters, setFilters] = useState({ period: lastMonths(2)[1], status: "" });
  const [moves, setMoves] = useState(0);
  const [asked, setAsked] = useState(null);
  const list = useList(async (cursor) => {
    const page = await read(PATH, { ...filters, cursor });
    return { rows: page.payouts, next: page.next_cursor, total: page.total };
  }, [filters.period, filters.status, moves]);

  async function move(row, status) {
    await call("POST", `${PATH}/${row.payout_statement_id}/status`, { body: { status } });
    setAsked(null);
    setMoves((before) => before + 1);
    noteDeed();
  }

  const set = (name) => (event) => setFilters({ ...filters, [name]: event.target.value });
  return html`
    <${Block} title="Statements" note=${list.data && `${format.number(list.total)} of ${format.month(filters.period)}`} answer=${list}
      actions=${html`
        <label><span class="unseen">Month</span>
          <select value=${filters.period} onChange=${set("period")}>
            ${lastMonths(MONTHS).slice(1).map((month) => html`<option value=${month}>${format.month(month)}</option>`)}
          </select>
        </label>
        <label><span class="unseen">Status</span>
          <select value=${filters.status} onChange=${set("status")}>
            <option value="">any status</option>
            ${Object.keys(MOVES).map((status) => html`<option>${status}</option>`)}
          </select>
        </label>
        <${CsvButton} path=${PATH} query=${{ ...filters, limit: 100 }} name="statements ${filters.period}" />
      `}>
      ${() => html`
        ${list.rows.length === 0 && html`<${Empty}>No statement of ${format.month(filters.period)}${filters.status && ` is ${filters.status}`}.<//>`}
        ${list.rows.length > 0 && html`
          <${Table} caption="Statements of ${format.month(filters.period)}" rows=${list.rows} rowKey=${(row) => row.payout_statement_id}
            columns=${[...COLUMNS, { title: "Payment", cell: (row) => html`<${Moves} row=${row} ask=${setAsked} />`, end: true }]}
            details=${(row) => html`<${Deeds} row=${row} />`} opens=${(row) => `What happened to the statement of ${row.provider_name}`} />
        `}
        <${ShowMore} more=${list.more} />
      `}
    <//>
    ${asked && html`<${Confirm} ...${asked} close=${() => setAsked(null)} move=${move} />`}
  `;
}

const money = (name) => (row) => format.money(row[name], row.currency);
const COLUMNS = [
  { title: "Provider", cell: (row) => html`${row.provider_name} <code class="id">${row.provider_id}</code>`, wide: true },
  { title: "Status", cell: (row) => html`<${Status} value=${row.status} />` },
  { title: "Gross", cell: money("gross_revenue"), end: true },
  { title: "Held", cell: money("held_amount"), end: true },
  { title: "To pay", cell: money("released_amount"), end: true },
];

const Moves = ({ row, ask }) => html`
  <span class="row-actions">
    ${MOVES[row.status].map((status) => html`
      <button type="button" class="quiet" aria-label="${WORDS[status]}: ${row.provider_name}" onClick=${() => ask({ row, status })}>${WORDS[status]}</button>
    `)}
    ${MOVES[row.status].length === 0 && html`<span class="hint">done</span>`}
  </span>
`;

const Confirm = ({ row, status, close, move }) => html`
  <${FormDialog} title=${WORDS[status]} close=${close} submit=${() => move(row, status)} action=${WORDS[status]} isGrave=${status !== "processing"}>
    <p>${row.provider_name}, ${format.month(row.billing_period_start.slice(0, 7))}:
      ${" "}<strong>${format.money(row.released_amount, row.currency)}</strong> is ${row.status} and becomes ${status}.</p>
    ${status === "paid" && html`<p>Do this once the money has left. A paid statement stays paid.</p>`}
  <//>
`;

/** Who moved it, and when, from the audit trail. */
function Deeds({ row }) {
  const answer = useAnswer(async () => {
    const { entries } = await read("v1/admin/audit", { limit: 100 });
    return entries.filter((entry) => entry.target === row.payout_statement_id && entry.details.status);
  }, [row.status]);
  return html`
    <${Answered} answer=${answer} isEmpty=${(entries) => entries.length === 0}
      empty=${html`<p class="note">Made on ${format.time(row.created_at)}. The latest 100 entries of the audit trail say nothing else of it.</p>`}>
      ${(entries) => html`
        <ol class="history">
          ${entries.map((entry) => html`
            <li>${entry.details.status.old} to ${entry.details.status.new} <span class="hint">${format.time(entry.occurred_at)} by <code>${entry.actor.id}</code></span></li>
          `)}
          <li>made <span class="hint">${format.time(row.created_at)}</span></li>
        </ol>
      `}
    <//>
  `;
}
