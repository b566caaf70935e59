// Revenue over time, by kind, and what was refunded.

import { html } from "../../vendor/view.js";
import { read } from "../api.js";
import { rangeBefore } from "../dates.js";
import * as format from "../format.js";
import { isZero, negated } from "../money.js";
import { useAnswer } from "../view/answer.js";
import { Block, Empty, eventCall } from "../view/block.js";
import { Chart } from "../view/chart.js";
import { CsvButton } from "../view/pieces.js";
import { isOpenPeriod } from "../view/period.js";

const PATH = "v1/provider/series";

/** The period's series and that of the period before; null if the session may not see it. */
export function useRevenue(mayRead, range) {
  const load = async () => {
    const [now, before] = await Promise.all([range, rangeBefore(range)].map(({ from, to, granularity }) => read(PATH, { from, to, granularity })));
    return { now, before };
  };
  const answer = useAnswer(mayRead ? load : async () => null, [range.from, range.to, range.granularity]);
  return mayRead ? answer : null;
}

export function Revenue({ revenue, range }) {
  const shown = revenue.data?.now ?? range;
  const query = { from: range.from, to: range.to, granularity: range.granularity };
  return html`
    <${Block} title="Revenue" note="Net of refunds, by the day on which it was posted" answer=${revenue} lines=${13}
      actions=${html`<${CsvButton} path=${PATH} query=${query} name="revenue ${range.from} ${range.to}" />`}
      isEmpty=${({ now }) => now.totals.sales === 0 && isZero(now.totals.revenue)}
      empty=${html`<${Empty} call=${SAMPLE}>
        Nothing was sold from ${format.range(shown)}. Revenue appears here when the marketplace tells of a search or an access that was charged:
      <//>`}>
      ${({ now }) => html`<${RevenueChart} series=${now} title="Revenue" />`}
    <//>
  `;
}

const SAMPLE = eventCall("search.performed", {
  tenant_id: "a-buyer",
  query_text: "unpaid invoices",
  dataset_ids: ["your-dataset"],
  result_count: 12,
  charged_amount: "0.45",
  currency: "USD",
});

/** A provider's or a dataset's revenue, with the range of the answer: the page may be a range ahead. */
export function RevenueChart({ series, title }) {
  const { currency, totals, periods } = series;
  const when = format.range(series);
  const money = (name, turn = (amount) => amount) => (row) => format.money(turn(row[name]), currency);
  const parts = [
    { label: "Search", kind: "first", value: (row) => Number(row.search_revenue), text: money("search_revenue") },
    { label: "Retrieval", kind: "second", value: (row) => Number(row.retrieval_revenue), text: money("retrieval_revenue") },
  ];
  if (!isZero(totals.refunds)) {
    parts.push({
      label: "Refunded, already subtracted",
      kind: "warned",
      value: (row) => -Number(row.refunds),
      text: money("refunds", negated),
    });
  }
  const net = { label: "Revenue", text: money("revenue") };
  return html`
    <${Chart} title="${title}, ${when}" rows=${periods} series=${parts} total=${net}
      soFar=${isOpenPeriod(series)} formatTick=${(tick) => format.shortMoney(tick, currency)}
      summary=${{
        total: net.text(totals),
        when: `in ${format.number(totals.sales)} sales, ${when}`,
        parts: parts.map((part) => part.text(totals)),
        text: `${when}: ${net.text(totals)} in ${format.number(totals.sales)} sales`,
      }} />
  `;
}
