// Searches, newest first.

import { html } from "../../vendor/view.js";
import { read } from "../api.js";
import * as format from "../format.js";
import { useList } from "../view/answer.js";
import { Block, Empty, eventCall } from "../view/block.js";
import { Amount, CsvButton, ShowMore } from "../view/pieces.js";
import { Table } from "../view/table.js";

const PATH = "v1/agent/activity/searches";
const LIMIT = 10;

export function Searches({ session }) {
  const list = useList(async (cursor) => {
    const page = await read(PATH, { limit: LIMIT, cursor });
    return { rows: page.searches, next: page.next_cursor, total: page.total };
  });
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
        <${Table} caption="Searches, newest first" rows=${list.rows} rowKey=${(row) => row.search_activity_id} columns=${COLUMNS} />
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
        : html`<span class="clip" title=${row.query_text}>${row.query_text}</span>`,
    wide: true,
  },
  { title: "Time", cell: (row) => format.time(row.occurred_at) },
  { title: "Datasets", cell: (row) => html`<span title=${row.dataset_ids.join(", ")}>${format.number(row.dataset_ids.length)}</span>`, end: true },
  { title: "Results", cell: (row) => format.number(row.result_count), end: true },
  { title: "Charge", cell: (row) => html`<${Amount} value=${row.charged_amount} currency=${row.currency} exact=${true} />`, end: true },
];
