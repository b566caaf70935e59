// What waits for an operator, and what the checks proved last.

import { html } from "../../vendor/view.js";
import { read } from "../api.js";
import * as format from "../format.js";
import { useAnswer } from "../view/answer.js";
import { Block } from "../view/block.js";
import { Card, Cards } from "../view/pieces.js";
import { Table } from "../view/table.js";

const WAITING = [
  { name: "parked_records", label: "Parked records", command: "tally parked list", none: "Every change is counted" },
  { name: "rejected_events", label: "Rejected events", command: "tally rejected list", none: "Every event was taken" },
  { name: "failed_batches", label: "Failed batches", command: "tally failed list", none: "Nothing was given up" },
];
const PROOFS = [
  { name: "counters", label: "Each count equals a recount of what it counts" },
  { name: "books", label: "What buyers were charged equals what providers were credited, in each currency" },
  { name: "statements", label: "Statements equal the sales and refunds that they are made of" },
];

export function Health() {
  const answer = useAnswer(() => read("v1/admin/health"));
  return html`
    <${Block} title="Health" answer=${answer} lines=${5}
      actions=${html`<button type="button" class="quiet" onClick=${answer.again}>Look again</button>`}>
      ${(health) => html`
        <${Cards} label="What waits for you">
          ${WAITING.map((each) => html`<${Waiting} kind=${each} waiting=${health[each.name]} />`)}
        <//>
        ${health.parked_records.reasons.length > 0 && html`
          <h3>Why records are parked</h3>
          <${Table} caption="Why records are parked" rows=${health.parked_records.reasons} rowKey=${(row) => row.reason} columns=${[
            { title: "Reason", cell: (row) => row.reason, wide: true },
            { title: "Records", cell: (row) => format.number(row.number), end: true },
          ]} />
        `}
        <h3>The latest proofs</h3>
        <${Table} caption="The latest proofs" rows=${PROOFS} rowKey=${(row) => row.name} columns=${[
          { title: "What is proved", cell: (row) => row.label, wide: true },
          { title: "Result", cell: (row) => html`<${Proof} proof=${health.proofs[row.name]} />` },
          { title: "Time", cell: (row) => (health.proofs[row.name] ? format.time(health.proofs[row.name].finished_at) : "not yet"), end: true },
        ]} />
      `}
    <//>
  `;
}

function Waiting({ kind, waiting }) {
  const since = waiting.oldest_at ? `oldest from ${format.time(waiting.oldest_at)}; ` : "";
  const hint = waiting.number === 0 ? kind.none : html`${since}see <code>${kind.command}</code>`;
  return html`<${Card} label=${kind.label} value=${format.number(waiting.number)} hint=${hint} />`;
}

function Proof({ proof }) {
  if (!proof) return html`<span class="hint">not proved yet</span>`;
  if (proof.result === "equal") return html`<span class="status good"><span aria-hidden="true">●</span> equal</span>`;
  return html`
    <span class="status bad"><span aria-hidden="true">▲</span> ${format.number(proof.differences)} different</span>
    <span class="hint"> ${proof.wrong.join(", ")}</span>
  `;
}
