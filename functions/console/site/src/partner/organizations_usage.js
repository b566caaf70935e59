// Which organizations used most in a month.

import { html, useState } from "../../vendor/view.js";
import { read } from "../api.js";
import { lastMonths, thisMonth } from "../dates.js";
import * as format from "../format.js";
import { numberedPageOf } from "../lists.js";
import { useList } from "../view/answer.js";
import { Block, Empty, eventCall } from "../view/block.js";
import { CsvButton, ShareBar, ShowMore } from "../view/pieces.js";
import { Table } from "../view/table.js";

const PATH = "partner/organizations/usage";
const MONTHS = 12;

export function OrganizationsUsage({ session }) {
  const [month, setMonth] = useState(thisMonth());
  const list = useList(async (page) => {
    // The rows come with their whole, so that no row is ever a share of another month.
    const [used, whole] = await Promise.all([
      read(PATH, { month, page: page ?? 1 }),
      page ? null : read("partner/analytics/series", monthQuery(month)),
    ]);
    return { ...numberedPageOf("organizations")(used), month, whole };
  }, [month]);
  const shown = list.data?.month ?? month;
  const sample = eventCall("identification.recorded", { partner_id: session.tenant_id, organization_id: "an-organization", quantity: 1 });
  const all = list.data?.whole.totals.identifications ?? 0;
  return html`
    <${Block} title="Usage by organization" note="${format.month(shown)}, most identifications first" answer=${list}
      actions=${html`
        <label><span class="unseen">Month</span>
          <select value=${month} onChange=${(event) => setMonth(event.target.value)}>
            ${lastMonths(MONTHS).map((each) => html`<option value=${each}>${format.month(each)}</option>`)}
          </select>
        </label>
        <${CsvButton} path=${PATH} query=${{ month, pageSize: 100 }} name="usage by organization ${month}" />
      `}
      isEmpty=${() => list.total === 0}
      empty=${html`<${Empty} call=${sample}>No organization used anything in ${format.month(shown)}. Usage appears here as it is recorded:<//>`}>
      ${() => html`
        <${Table} caption="Usage by organization in ${format.month(shown)}" rows=${list.rows} rowKey=${(row) => row.id} columns=${columns(all, list.rows[0])} />
        <${ShowMore} more=${list.more} />
      `}
    <//>
  `;
}

function monthQuery(month) {
  const [year, number] = month.split("-").map(Number);
  const end = new Date(Date.UTC(year, number, 0)).toISOString().slice(0, 10);
  return { startDate: `${month}-01`, endDate: end, granularity: "month" };
}

/** `all`: the identifications of the month; `largest`: the organization with most of them. */
const columns = (all, largest) => [
  {
    title: "Organization",
    cell: (row) => html`${row.name}${row.deleted && html` <span class="hint">deleted</span>`}`,
    wide: true,
  },
  { title: "Share", cell: (row) => html`<${Share} row=${row} all=${all} largest=${largest} />` },
  { title: "Identifications", cell: (row) => format.number(row.identifications), end: true },
  { title: "Credits", cell: (row) => format.number(row.creditsUsed), end: true },
  { title: "All usage", cell: (row) => format.number(row.quantity), end: true },
  { title: "Events", cell: (row) => format.number(row.events), end: true },
];

const Share = ({ row, all, largest }) => html`
  <span class="shared">
    <${ShareBar} fraction=${row.identifications / (largest.identifications || 1)} />
    <span>${all ? format.share(row.identifications / all) : ""}</span>
  </span>
`;
