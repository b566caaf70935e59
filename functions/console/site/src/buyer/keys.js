// API keys: what there is, and how to make, replace and revoke one.

import { html, useState } from "../../vendor/view.js";
import { read } from "../api.js";
import { useFocusThatStays } from "../focus.js";
import * as format from "../format.js";
import { pageOf } from "../lists.js";
import { useList } from "../view/answer.js";
import { Block, Empty } from "../view/block.js";
import { CsvButton, ShowMore, Status } from "../view/pieces.js";
import { Table } from "../view/table.js";
import { CreateKey, NewKey, RevokeKey, RotateKey } from "./key_dialogs.js";

const PATH = "v1/api-keys";

export function Keys({ session }) {
  const [changes, setChanges] = useState(0);
  const [revoked, setRevoked] = useState([]);
  const [dialog, setDialog] = useState(null);
  const list = useList((cursor) => read(PATH, { cursor }).then(pageOf("api_keys")), [changes]);
  // What is revoked stays so: the row needs no list from the beginning.
  const rows = list.rows.map((row) => (revoked.includes(row.api_key_id) ? { ...row, status: "revoked" } : row));
  const close = () => setDialog(null);
  const done = (made) => {
    setDialog({ kind: "new", key: made });
    setChanges(changes + 1);
  };
  const doneRevoking = () => {
    setRevoked([...revoked, dialog.key.api_key_id]);
    close();
  };
  const dialogs = {
    create: () => html`<${CreateKey} session=${session} close=${close} done=${done} />`,
    rotate: () => html`<${RotateKey} session=${session} row=${dialog.key} close=${close} done=${done} />`,
    revoke: () => html`<${RevokeKey} row=${dialog.key} close=${close} done=${doneRevoking} />`,
    new: () => html`<${NewKey} made=${dialog.key} close=${close} />`,
  };
  return html`
    <${Block} title="API keys" answer=${list}
      actions=${html`
        <${CsvButton} path=${PATH} query=${{ limit: 100 }} name="api keys" />
        <button type="button" class="main" onClick=${() => setDialog({ kind: "create" })}>Create a key</button>
      `}
      isEmpty=${() => list.total === 0} empty=${html`<${Empty} call=${SAMPLE}>There are no keys yet. Create one here, or with a credential that may manage keys:<//>`}>
      ${() => html`
        <${Table} caption="API keys, newest first" rows=${rows} rowKey=${(row) => row.api_key_id}
          columns=${[...COLUMNS, { title: "Actions", cell: (row) => html`<${Actions} row=${row} ask=${setDialog} />`, end: true }]} />
        <${ShowMore} more=${list.more} />
      `}
    <//>
    ${dialog && dialogs[dialog.kind]()}
  `;
}

const SAMPLE = [
  `curl ${new URL("../v1/api-keys", document.baseURI.split("#")[0])} -H "Authorization: Bearer $TOKEN" \\`,
  `  -H "Content-Type: application/json" \\`,
  `  -d '${JSON.stringify({ name: "Nightly export", scopes: ["usage:read"] })}'`,
].join("\n");

const stateOf = (row) => (row.status === "active" && row.expires_at && Date.parse(row.expires_at) < Date.now() ? "expired" : row.status);

const COLUMNS = [
  { title: "Name", cell: (row) => row.name },
  { title: "Key", tight: true, cell: (row) => html`<code>${`ipto_${row.key_prefix}_…`}</code>` },
  { title: "Status", cell: (row) => html`<${Status} value=${stateOf(row)} />` },
  { title: "Scopes", cell: (row) => html`<span class="scopes">${row.scopes.join(" ")}</span>` },
  { title: "Last used", tight: true, cell: (row) => (row.last_used_at ? format.day(row.last_used_at) : "never") },
  { title: "Expires", tight: true, cell: (row) => (row.expires_at ? format.day(row.expires_at) : "never") },
];

function Actions({ row, ask }) {
  const isActive = stateOf(row) === "active";
  const place = useFocusThatStays(isActive);
  if (!isActive) return html`<span class="hint" ref=${place} tabindex="-1">none<span class="unseen">: ${row.name} is ${stateOf(row)}</span></span>`;
  return html`
    <span class="row-actions">
      <button type="button" class="quiet" aria-label="Rotate ${row.name}" onClick=${() => ask({ kind: "rotate", key: row })}>Rotate</button>
      <button type="button" class="quiet" aria-label="Revoke ${row.name}" onClick=${() => ask({ kind: "revoke", key: row })}>Revoke</button>
    </span>
  `;
}
