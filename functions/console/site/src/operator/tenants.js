// Tenants, their rates and limits.

import { html, useState } from "../../vendor/view.js";
import { call, read } from "../api.js";
import * as format from "../format.js";
import { pageOf } from "../lists.js";
import { useList } from "../view/answer.js";
import { Block, Empty } from "../view/block.js";
import { Field, FormDialog } from "../view/dialog.js";
import { CsvButton, ShowMore } from "../view/pieces.js";
import { Table } from "../view/table.js";

const PATH = "v1/admin/tenants";
const LIMIT = 50;

export function Tenants({ noteDeed }) {
  const [changes, setChanges] = useState(0);
  const [wanted, setWanted] = useState("");
  const [changed, setChanged] = useState(null);
  const list = useList((cursor) => find(wanted, cursor), [wanted, changes]);

  async function change(values) {
    const limit = values.get("limit");
    const body = {
      display_name: values.get("name"),
      fee_rate: values.get("fee"),
      reserve_rate: values.get("reserve"),
      requests_per_minute: limit === "" ? null : Number(limit),
    };
    await call("PATCH", `${PATH}/${changed.tenant_id}`, { body });
    setChanged(null);
    setChanges((before) => before + 1);
    noteDeed();
  }

  return html`
    <${Block} title="Tenants" note=${html`<span role="status">${list.data && `${format.number(list.total)} ${list.readFor[0] ? "found" : "in all"}`}</span>`} answer=${list}
      actions=${html`<${CsvButton} path=${PATH} query=${{ limit: 100 }} name="all tenants" />`}
      before=${html`<${Search} wanted=${wanted} setWanted=${setWanted} />`}
      isEmpty=${() => list.rows.length === 0} empty=${html`<${Empty}>No tenant has this in its id or name.<//>`}>
      ${() => html`
        <${Table} caption="Tenants" rows=${list.rows} rowKey=${(row) => row.tenant_id}
          columns=${[...COLUMNS, { title: "Actions", cell: (row) => html`<button type="button" class="quiet" aria-label="Change ${row.display_name}" onClick=${() => setChanged(row)}>Change</button>`, end: true }]} />
        <${ShowMore} more=${list.more} />
      `}
    <//>
    ${changed && html`<${ChangeTenant} tenant=${changed} close=${() => setChanged(null)} submit=${change} />`}
  `;
}

const Search = ({ wanted, setWanted }) => html`
  <form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
    <label class="field"><span>Id or name</span>
      <input type="search" value=${wanted} onChange=${(event) => setWanted(event.target.value.trim())} /></label>
  </form>
`;

/** A page of all; or all that have a text in their id or name, which the API cannot look for. */
async function find(text, cursor) {
  if (!text) return read(PATH, { limit: LIMIT, cursor }).then(pageOf("tenants"));
  const found = [];
  const isWanted = (row) => `${row.tenant_id} ${row.display_name}`.toLowerCase().includes(text.toLowerCase());
  for (let next = null, page = null; page === null || next; next = page.next_cursor) {
    page = await read(PATH, { limit: 100, cursor: next });
    found.push(...page.tenants.filter(isWanted));
  }
  return { rows: found, next: null, total: found.length };
}

const COLUMNS = [
  { title: "Name", cell: (row) => html`${row.display_name} <code class="id">${row.tenant_id}</code>`, wide: true },
  { title: "Currency", cell: (row) => row.billing_currency },
  { title: "Fee", cell: (row) => format.rate(row.fee_rate), end: true },
  { title: "Reserve", cell: (row) => format.rate(row.reserve_rate), end: true },
  { title: "Requests a minute", cell: (row) => limitOf(row), end: true },
  { title: "Since", cell: (row) => format.day(row.created_at), end: true },
];

function limitOf({ requests_per_minute: limit }) {
  if (limit === null) return "as usual";
  return limit === 0 ? "no limit" : format.number(limit);
}

const ChangeTenant = ({ tenant, close, submit }) => html`
  <${FormDialog} title="Change ${tenant.display_name}" close=${close} submit=${submit} action="Save">
    <p class="note">Rates hold for the statements that are made from now on.</p>
    <${Field} label="Name"><input name="name" required value=${tenant.display_name} /><//>
    <${Field} label="Fee" hint="A fraction: 0.30 is 30%"><input name="fee" required inputmode="decimal" value=${tenant.fee_rate} /><//>
    <${Field} label="Reserve" hint="A fraction"><input name="reserve" required inputmode="decimal" value=${tenant.reserve_rate} /><//>
    <${Field} label="Requests a minute" hint="Empty for the usual limit, 0 for none">
      <input name="limit" type="number" min="0" value=${tenant.requests_per_minute} />
    <//>
  <//>
`;
