// Who did what to credentials, tenants and payouts, newest first.

import { html } from "../../vendor/view.js";
import { read } from "../api.js";
import * as format from "../format.js";
import { pageOf } from "../lists.js";
import { useList } from "../view/answer.js";
import { Block, Empty } from "../view/block.js";
import { CsvButton, ShowMore } from "../view/pieces.js";
import { Table } from "../view/table.js";

const PATH = "v1/admin/audit";
const LIMIT = 10;

/** `deeds`: how many were done on this page, so that each shows. */
export function Audit({ deeds }) {
  const list = useList((cursor) => read(PATH, { limit: LIMIT, cursor }).then(pageOf("entries")), [deeds]);
  return html`
    <${Block} title="Audit trail" note="Newest first" answer=${list}
      actions=${html`<${CsvButton} path=${PATH} query=${{ limit: 100 }} name="audit trail" />`}
      isEmpty=${() => list.rows.length === 0} empty=${html`<${Empty}>Nothing was done yet. What is done to keys, tenants and payouts appears here.<//>`}>
      ${() => html`
        <${Table} caption="Audit trail, newest first" rows=${list.rows} rowKey=${(row) => row.audit_id} columns=${COLUMNS} />
        <${ShowMore} more=${list.more} />
      `}
    <//>
  `;
}

const COLUMNS = [
  { title: "What was done", cell: (row) => inWords(row.action) },
  { title: "To what", cell: (row) => html`<code>${row.target}</code>` },
  { title: "Tenant", cell: (row) => row.tenant_id ?? "none" },
  { title: "By", cell: (row) => html`<code>${row.actor.id}</code>` },
  { title: "Time", cell: (row) => format.time(row.occurred_at), end: true },
];

/** "api_key.issued" -> "API key issued" */
function inWords(action) {
  const words = action.replaceAll(/[._]/g, " ").replace(/^(api|oidc) /, (name) => name.toUpperCase());
  return words[0].toUpperCase() + words.slice(1);
}
