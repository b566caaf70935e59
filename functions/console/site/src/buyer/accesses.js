// Datasets that the buyer accessed, latest first.

import { html } from "../../vendor/view.js";
import { read } from "../api.js";
import * as format from "../format.js";
import { pageOf } from "../lists.js";
import { useList } from "../view/answer.js";
import { Block, Empty, eventCall } from "../view/block.js";
import { CsvButton, ShowMore } from "../view/pieces.js";
import { Table } from "../view/table.js";

const PATH = "v1/agent/activity/accesses";
const LIMIT = 10;

export function Accesses({ session }) {
  const list = useList((cursor) => read(PATH, { limit: LIMIT, cursor }).then(pageOf("accesses")));
  const sample = eventCall("dataset.accessed", {
    tenant_id: session.tenant_id,
    dataset_id: "a-dataset",
    kind: "retrieval",
    charged_amount: "0.10",
    currency: session.billing_currency,
  });
  return html`
    <${Block} title="Accessed datasets" note=${list.data && `${format.number(list.total)} in all, latest access first`} answer=${list}
      actions=${html`<${CsvButton} path=${PATH} query=${{ limit: 100 }} name="accesses" />`}
      isEmpty=${() => list.rows.length === 0}
      empty=${html`<${Empty} call=${sample}>No dataset was accessed yet. One appears here when the marketplace tells of an access:<//>`}>
      ${() => html`
        <${Table} caption="Accessed datasets, latest access first" rows=${list.rows} rowKey=${(row) => row.dataset_id} columns=${COLUMNS} />
        <${ShowMore} more=${list.more} />
      `}
    <//>
  `;
}

const COLUMNS = [
  { title: "Dataset", cell: (row) => html`${row.dataset_name} <code class="id">${row.dataset_id}</code>`, wide: true },
  { title: "Accesses", cell: (row) => format.number(row.access_count), end: true },
  { title: "Last access", cell: (row) => format.time(row.last_accessed_at), end: true },
];
