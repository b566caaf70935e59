// The statements of all providers of a month, and how their payments go on.

import { html, useState } from "../../vendor/view.js";
import { call, read } from "../api.js";
import { lastMonths } from "../dates.js";
import { useFocusThatStays } from "../focus.js";
import * as format from "../format.js";
import { pageOf } from "../lists.js";
import { useAnswer, useList } from "../view/answer.js";
import { Answered, Block, Empty } from "../view/block.js";
import { FormDialog } from "../view/dialog.js";
import { CsvButton, ShowMore, Status } from "../view/pieces.js";
import { Table } from "../view/table.js";

const PATH = "v1/admin/payouts";
const MONTHS = 13;
const PAGE = 100;
const MOST_PAGES = 20;
const MOVES = { pending: ["processing"], processing: ["paid", "failed"], failed: ["processing"], paid: [] };
const WORDS = { processing: "Start payment", paid: "Mark as paid", failed: "Mark as failed" };

export function AllStatements({ noteDeed }) {
  const [filters, setFilters] = useState({ period: lastMonths(2)[1], status: "" });
  const [moved, setMoved] = useState({ in: null, statuses: {} });
  const [asked, setAsked] = useState(null);
  const list = useList((cursor) => read(PATH, { ...filters, cursor }).then(pageOf("payouts")), Object.values(filters));
  // A moved row stays where it is, with its new status, until the list is read again.
  const statuses = moved.in === list.data ? moved.statuses : {};
  const rows = list.rows.map((row) => ({ ...row, status: statuses[row.payout_statement_id] ?? row.status }));
  const [period, status] = list.readFor ?? Object.values(filters);

  async function move(row, wanted) {
    const { payout_statement_id: id } = row;
    const made = await call("POST", `${PATH}/${id}/status`, { body: { status: wanted } });
    setAsked(null);
    setMoved({ in: list.data, statuses: { ...statuses, [id]: made.status } });
    noteDeed();
  }

  const set = (name) => (event) => setFilters({ ...filters, [name]: event.target.value });
  return html`
    <${Block} title="Statements" answer=${list}
      note=${html`<span role="status">${list.data && `${format.month(period)}: ${countOf(rows, status, list)}`}</span>`}
      actions=${html`
        <label><span class="unseen">Month</span>
          <select value=${filters.period} onChange=${set("period")}>
            ${lastMonths(MONTHS).slice(1).map((month) => html`<option value=${month}>${format.month(month)}</option>`)}
          </select>
        </label>
        <label><span class="unseen">Status</span>
          <select value=${filters.status} onChange=${set("status")}>
            <option value="">any status</option>
            ${Object.keys(MOVES).map((each) => html`<option>${each}</option>`)}
          </select>
        </label>
        <${CsvButton} path=${PATH} query=${{ ...filters, limit: 100 }} name=${["statements", ...Object.values(filters).filter(Boolean)].join(" ")} />
      `}>
      ${() => html`
        ${rows.length === 0 && html`<${Empty}>${whyEmpty(period, status, list.more)}<//>`}
        ${rows.length > 0 && html`
          <${Table} caption="Statements of ${format.month(period)}" rows=${rows} rowKey=${(row) => row.payout_statement_id}
            columns=${[...COLUMNS, { title: "Payment", cell: (row) => html`<${Moves} row=${row} ask=${setAsked} />`, end: true }]}
            details=${(row) => html`<${History} row=${row} />`} opens=${(row) => `What happened to the statement of ${row.provider_name}`} />
        `}
        <${ShowMore} more=${list.more} />
      `}
    <//>
    ${asked && html`<${Confirm} ...${asked} close=${() => setAsked(null)} move=${move} />`}
  `;
}

/** The API counts a month's statements whatever their status; those of a status are found page by page. */
function countOf(rows, status, { total, more }) {
  const all = `${format.number(total)} in all`;
  if (!status) return all;
  const found = rows.filter((row) => row.status === status).length;
  return `${format.number(found)} ${status}${more ? " so far" : ""}, of ${all}`;
}

function whyEmpty(period, status, more) {
  if (more) return `None of the statements looked through so far is ${status}.`;
  if (status) return `No statement of ${format.month(period)} is ${status}.`;
  return `There is no statement of ${format.month(period)}. A payout run makes those of a month, if anything was sold in it.`;
}

const money = (name) => (row) => format.money(row[name], row.currency);
const COLUMNS = [
  { title: "Provider", cell: (row) => html`${row.provider_name} <code class="id">${row.provider_id}</code>`, wide: true },
  { title: "Status", cell: (row) => html`<${Status} value=${row.status} />` },
  { title: "Gross", cell: money("gross_revenue"), end: true },
  { title: "Held", cell: money("held_amount"), end: true },
  { title: "To pay", cell: money("released_amount"), end: true },
];

function Moves({ row, ask }) {
  const moves = MOVES[row.status];
  const place = useFocusThatStays(moves.length > 0);
  if (!moves.length) return html`<span class="hint" ref=${place} tabindex="-1">done<span class="unseen">: ${row.provider_name} is ${row.status}</span></span>`;
  return html`
    <span class="row-actions">
      ${moves.map((status) => html`
        <button type="button" class="quiet" aria-label="${WORDS[status]}: ${row.provider_name}" onClick=${() => ask({ row, status })}>${WORDS[status]}</button>
      `)}
    </span>
  `;
}

const Confirm = ({ row, status, close, move }) => html`
  <${FormDialog} title=${WORDS[status]} close=${close} submit=${() => move(row, status)} action=${WORDS[status]} isGrave=${status !== "processing"}>
    <p>${row.provider_name}, ${format.month(row.billing_period_start.slice(0, 7))}:
      ${" "}<strong>${format.money(row.released_amount, row.currency)}</strong> is ${row.status} and becomes ${status}.</p>
    ${status === "paid" && html`<p>Do this once the money has left. A paid statement stays paid.</p>`}
  <//>
`;

/** Who moved it, and when, from the audit trail. */
function History({ row }) {
  const answer = useAnswer(() => movesOf(row), [row.status]);
  return html`
    <${Answered} answer=${answer}>
      ${({ entries, missing }) => html`
        <ol class="history">
          ${entries.map((entry) => html`
            <li>${entry.details.status.old} to ${entry.details.status.new} <span class="hint">${format.time(entry.occurred_at)} by <code>${entry.actor.id}</code></span></li>
          `)}
          <li>made <span class="hint">${format.time(row.created_at)}</span></li>
        </ol>
        ${missing && html`<p class="note">${missing}</p>`}
      `}
    <//>
  `;
}

/** Newest first, back to the first one, which was from pending. `missing`: why that was not found. */
async function movesOf(row) {
  const found = [];
  const isWhole = () => row.status === "pending" || found.some((entry) => entry.details.status.old === "pending");
  let cursor = null;
  for (let page = 0; page < MOST_PAGES && !isWhole(); page += 1) {
    const { entries, next_cursor } = await read("v1/admin/audit", { limit: PAGE, cursor });
    found.push(...entries.filter((entry) => entry.target === row.payout_statement_id && entry.details.status));
    cursor = entries.at(-1)?.occurred_at < row.created_at ? null : next_cursor;
    if (!cursor) break;
  }
  const far = `Earlier moves are not among the latest ${format.number(PAGE * MOST_PAGES)} entries of the audit trail.`;
  const gone = "Earlier moves are not in the audit trail any more.";
  return { entries: found, missing: isWhole() ? null : cursor ? far : gone };
}
