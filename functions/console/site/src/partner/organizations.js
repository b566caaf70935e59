// Organizations, newest first, with the filters of the API.

import { html, useState } from "../../vendor/view.js";
import { read } from "../api.js";
import * as format from "../format.js";
import { numberedPageOf } from "../lists.js";
import { useList } from "../view/answer.js";
import { Block, Empty, eventCall } from "../view/block.js";
import { CsvButton, ShowMore, Status } from "../view/pieces.js";
import { Table } from "../view/table.js";

const PATH = "partner/organizations";
const STATUSES = ["active", "suspended", "canceled"];

export function Organizations({ session }) {
  const [filters, setFilters] = useState({ search: "", status: "", externalId: "" });
  const load = (page) => read(PATH, { ...filters, page: page ?? 1 }).then(numberedPageOf("organizations"));
  const list = useList(load, Object.values(filters));
  const isFiltered = list.readFor?.some(Boolean);
  const found = list.data && `${format.number(list.total)} ${isFiltered ? "found" : "in all"}, newest first`;
  const sample = eventCall("organization.created", { partner_id: session.tenant_id, organization_id: "org_1", name: "A customer" });
  return html`
    <${Block} title="Organizations" note=${html`<span role="status">${found}</span>`} answer=${list} lines=${6}
      actions=${html`<${CsvButton} path=${PATH} query=${{ ...filters, pageSize: 100 }} name=${fileNameOf(filters)} />`}
      before=${html`<${Filters} filters=${filters} setFilters=${setFilters} />`}
      isEmpty=${() => list.total === 0}
      empty=${isFiltered
        ? html`<p class="note">No organization is like that.</p>`
        : html`<${Empty} call=${sample}>There are no organizations yet. One appears here when you tell of it:<//>`}>
      ${() => html`
        <${Table} caption="Organizations, newest first" rows=${list.rows} rowKey=${(row) => row.id} columns=${COLUMNS} />
        <${ShowMore} more=${list.more} />
      `}
    <//>
  `;
}

/** With what it was filtered by, so that two downloads are told apart. */
const fileNameOf = (filters) => ["organizations", ...Object.values(filters).filter(Boolean)].join(" ");

function Filters({ filters, setFilters }) {
  const set = (name) => (event) => setFilters({ ...filters, [name]: event.target.value.trim() });
  return html`
    <form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
      <label class="field"><span>Name</span><input type="search" value=${filters.search} onChange=${set("search")} /></label>
      <label class="field"><span>External id</span><input type="search" value=${filters.externalId} onChange=${set("externalId")} /></label>
      <label class="field"><span>Status</span>
        <select value=${filters.status} onChange=${set("status")}>
          <option value="">any</option>
          ${STATUSES.map((status) => html`<option>${status}</option>`)}
        </select>
      </label>
    </form>
  `;
}

const COLUMNS = [
  { title: "Name", cell: (row) => html`${row.name} <code class="id">${row.id}</code>`, wide: true },
  { title: "External id", cell: (row) => row.externalId ?? "none" },
  { title: "Status", cell: (row) => html`<${Status} value=${row.status} />` },
  { title: "Tier", cell: (row) => row.tier },
  { title: "Credits", cell: (row) => (row.credits === null ? "none" : format.number(row.credits)), end: true },
  { title: "Since", cell: (row) => format.day(row.createdAt), end: true },
];
