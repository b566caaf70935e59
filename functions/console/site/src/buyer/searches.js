// Searches, newest first. A row opens into its whole query and its datasets.

import { html } from "../../vendor/view.js";
import { read } from "../api.js";
import * as format from "../format.js";
import { pageOf } from "../lists.js";
import { useList } from "../view/answer.js";
import { Block, Empty, eventCall } from "../view/block.js";
import { Amount, CsvButton, ShowMore } from "../view/pieces.js";
import { Table } from "../view/table.js";

const PATH = "v1/agent/activity/searches";
const LIMIT = 10;

export function Searches({ session }) {
  const list = useList((cursor) => read(PATH, { limit: LIMIT, cursor }).then(pageOf("searches")));
  const sample = eventCall("search.performed", {
    tenant_id: session.tenant_id,
    query_text: "unpaid invoices",
    dataset_ids: ["a-dataset"],
    result_count: 12,
    charged_amount: "0.45",
    currency: session.billing_currency,
  });
  return html`
    <${Block} title="Searches" note=${list.data && `${format.number(list.total)} in all, newest first`} answer=${list} lines=${6}
      actions=${html`<${CsvButton} path=${PATH} query=${{ limit: 100 }} name="searches" />`}
      isEmpty=${() => list.rows.length === 0}
      empty=${html`<${Empty} call=${sample}>There are no searches yet. One appears here when the marketplace tells of it:<//>`}>
      ${() => html`
        <${Table} caption="Searches, newest first" rows=${list.rows} rowKey=${(row) => row.search_activity_id}
          columns=${COLUMNS} details=${(row) => html`<${Search} row=${row} />`} opens=${(row) => `Search of ${format.time(row.occurred_at)}`} />
        <${ShowMore} more=${list.more} />
      `}
    <//>
  `;
}

const COLUMNS = [
  {
    title: "Query",
    cell: (row) =>
      row.query_text === null
        ? html`<span class="hint">no longer kept</span>`
        : html`<span class="clip">${row.query_text}</span>`,
    wide: true,
  },
  { title: "Time", cell: (row) => format.time(row.occurred_at) },
  { title: "Datasets", cell: (row) => format.number(row.dataset_ids.length), end: true },
  { title: "Results", cell: (row) => format.number(row.result_count), end: true },
  { title: "Charge", cell: (row) => html`<${Amount} value=${row.charged_amount} currency=${row.currency} exact=${true} />`, end: true },
];

const Search = ({ row }) => html`
  <div class="columns">
    <div>
      <h3>Query</h3>
      <p>${row.query_text ?? "The text is no longer kept."}</p>
    </div>
    <div>
      <h3>Searched datasets</h3>
      <ul>${row.dataset_ids.map((id) => html`<li><code>${id}</code></li>`)}</ul>
    </div>
  </div>
`;
