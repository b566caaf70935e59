// Spend over time, by kind.

import { html } from "../../vendor/view.js";
import { figure } from "../amounts.js";
import { read } from "../api.js";
import * as format from "../format.js";
import { isZero } from "../money.js";
import { useAnswer } from "../view/answer.js";
import { Block, Empty, eventCall } from "../view/block.js";
import { Chart } from "../view/chart.js";
import { isOpenPeriod } from "../view/period.js";
import { CsvButton } from "../view/pieces.js";

const PATH = "v1/buyer/series";

/** The period's series; null if the session may not see it. */
export function useSpend(mayRead, { from, to, granularity }) {
  const load = () => read(PATH, { from, to, granularity });
  const answer = useAnswer(mayRead ? load : async () => null, [from, to, granularity]);
  return mayRead ? answer : null;
}

export function Spend({ spend, range, session }) {
  const shown = spend.data ?? range;
  const currency = session.billing_currency;
  const sample = eventCall("search.performed", {
    tenant_id: session.tenant_id,
    query_text: "unpaid invoices",
    dataset_ids: ["a-dataset"],
    result_count: 12,
    charged_amount: "0.45",
    currency,
  });
  const query = { from: range.from, to: range.to, granularity: range.granularity };
  return html`
    <${Block} title="Spend" note="Refunds are subtracted. Each amount counts on the day it was booked" answer=${spend} lines=${13}
      actions=${html`<${CsvButton} path=${PATH} query=${query} name="spend ${range.from} ${range.to}" />`}
      isEmpty=${({ totals }) => isZero(totals.total_spend) && totals.searches + totals.accesses === 0}
      empty=${html`<${Empty} call=${sample}>
        Nothing was spent in ${currency} from ${format.range(shown)}. Spend appears here when the marketplace tells of a search or an access that you made:
      <//>`}>
      ${(series) => html`<${SpendChart} series=${series} />`}
    <//>
  `;
}

/** With the range of the answer: the page may be a range ahead. */
function SpendChart({ series }) {
  const { currency, totals, periods } = series;
  const when = format.range(series);
  const exact = (name) => (row) => format.exactMoney(row[name], currency);
  const parts = [
    { label: "Search", kind: "first", name: "search_spend" },
    { label: "Retrieval", kind: "second", name: "retrieval_spend" },
  ];
  const spent = figure(totals.total_spend, currency);
  return html`
    <${Chart} title="Spend, ${when}" rows=${periods} total=${{ label: "Spend", text: exact("total_spend") }}
      series=${parts.map((part) => ({ ...part, value: (row) => Number(row[part.name]), text: exact(part.name) }))}
      soFar=${isOpenPeriod(series)} formatTick=${(tick) => format.shortMoney(tick, currency)}
      summary=${{
        total: spent,
        when,
        parts: parts.map((part) => figure(totals[part.name], currency)),
        text: `${when}: ${spent}`,
      }} />
  `;
}
