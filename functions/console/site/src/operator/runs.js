// Payout runs: what each expected and made, and how long it took.

import { html, useState } from "../../vendor/view.js";
import { call, read } from "../api.js";
import { lastMonths } from "../dates.js";
import * as format from "../format.js";
import { pageOf } from "../lists.js";
import { useList } from "../view/answer.js";
import { Block, Empty } from "../view/block.js";
import { Field, FormDialog } from "../view/dialog.js";
import { CsvButton, ShowMore } from "../view/pieces.js";
import { Table } from "../view/table.js";

const PATH = "v1/admin/payout-runs";
const LIMIT = 10;
const MONTHS = 25;

export function Runs({ noteDeed }) {
  const [starts, setStarts] = useState(0);
  const [isAsking, setAsking] = useState(false);
  const list = useList((cursor) => read(PATH, { limit: LIMIT, cursor }).then(pageOf("payout_runs")), [starts]);

  async function start(values) {
    await call("POST", PATH, { body: { period: values.get("period") } });
    setAsking(false);
    setStarts((before) => before + 1);
    noteDeed();
  }

  return html`
    <${Block} title="Payout runs" note="One starts by itself on the 1st of each month, for the month before" answer=${list}
      actions=${html`
        <button type="button" class="quiet" onClick=${list.again} aria-label="Look again at payout runs">Look again</button>
        <${CsvButton} path=${PATH} query=${{ limit: 100 }} name="payout runs" />
        <button type="button" onClick=${() => setAsking(true)}>Start a run</button>
      `}
      isEmpty=${() => list.total === 0} empty=${html`<${Empty}>No run has been started yet. Start one here, or wait for the 1st of the month.<//>`}>
      ${() => html`
        <${Table} caption="Payout runs, newest first" rows=${list.rows} rowKey=${(row) => row.payout_run_id} columns=${COLUMNS} />
        <${ShowMore} more=${list.more} />
      `}
    <//>
    ${isAsking && html`
      <${FormDialog} title="Start a payout run" close=${() => setAsking(false)} submit=${start} action="Start the run">
        <p>It makes the statements that are missing. Those that exist never change.</p>
        <${Field} label="Month">
          <select name="period">${lastMonths(MONTHS).slice(1).map((month) => html`<option value=${month}>${format.month(month)}</option>`)}</select>
        <//>
      <//>
    `}
  `;
}

const count = (name) => (row) => format.number(row[name]);
const COLUMNS = [
  { title: "Month", cell: (row) => format.month(row.period) },
  { title: "Begun", cell: (row) => format.time(row.started_at) },
  { title: "Took", cell: took },
  { title: "Expected", cell: count("expected"), end: true },
  { title: "Made", cell: count("generated"), end: true },
  { title: "Unchanged", cell: count("unchanged"), end: true },
  { title: "Failed", cell: (row) => (row.failed ? html`<span class="status bad"><span aria-hidden="true">▲</span> ${format.number(row.failed)}</span>` : "0"), end: true },
];

function took(row) {
  if (row.finished_at) return format.duration(row.started_at, row.finished_at);
  return row.status === "running" ? "running" : "not noted";
}
