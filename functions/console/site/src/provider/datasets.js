// Datasets, newest first. A row opens into its own revenue.

import { html } from "../../vendor/view.js";
import { read } from "../api.js";
import * as format from "../format.js";
import { pageOf } from "../lists.js";
import { isZero } from "../money.js";
import { mayDo } from "../session.js";
import { useAnswer, useList } from "../view/answer.js";
import { Answered, Block, Empty, eventCall } from "../view/block.js";
import { CsvButton, ShowMore } from "../view/pieces.js";
import { Table } from "../view/table.js";
import { RevenueChart } from "./revenue.js";

const PATH = "v1/provider/datasets";

export function Datasets({ session, query }) {
  const list = useList((cursor) => read(PATH, { cursor }).then(pageOf("datasets")));
  const details = (row) => html`<${DatasetRevenue} dataset=${row} query=${query} />`;
  return html`
    <${Block} title="Datasets" note=${list.data && `${format.number(list.total)} in all, newest first`} answer=${list}
      actions=${html`<${CsvButton} path=${PATH} query=${{ limit: 100 }} name="datasets" />`}
      isEmpty=${() => list.total === 0}
      empty=${html`<${Empty} call=${eventCall("dataset.created", { tenant_id: session.tenant_id, dataset_id: "dset_1", name: "My dataset" })}>
        There are no datasets yet. One appears here when the marketplace tells of it:
      <//>`}>
      ${() => html`
        <${Table} caption="Datasets, newest first" rows=${list.rows} rowKey=${(row) => row.dataset_id} columns=${COLUMNS}
          details=${mayDo(session, "billing:read") ? details : null} opens=${(row) => `Revenue of ${row.dataset_name}`} />
        <${ShowMore} more=${list.more} />
      `}
    <//>
  `;
}

const COLUMNS = [
  { title: "Dataset", cell: (row) => html`${row.dataset_name} <code class="id">${row.dataset_id}</code>`, wide: true },
  { title: "Objects", cell: (row) => format.number(row.object_count), end: true },
  { title: "Active", cell: (row) => format.number(row.active_object_count), end: true },
  { title: "Storage", cell: (row) => format.bytes(row.storage_bytes), end: true },
  { title: "Since", cell: (row) => format.day(row.created_at), end: true },
];

function DatasetRevenue({ dataset, query }) {
  const answer = useAnswer(() => read("v1/provider/series", { ...query, dataset_id: dataset.dataset_id }), Object.values(query));
  const shown = answer.data ?? query;
  return html`
    <${Answered} answer=${answer} lines=${13} isEmpty=${({ totals }) => totals.sales === 0 && isZero(totals.revenue)}
      empty=${html`<p class="note">This dataset earned nothing in ${shown.currency} from ${format.range(shown)}.</p>`}>
      ${(series) => html`<${RevenueChart} series=${series} title="Revenue of ${dataset.dataset_name}" />`}
    <//>
  `;
}
