// Revenue over time, by kind, and what was refunded.

import { html } from "../../vendor/view.js";
import { adjust } from "../address.js";
import { figure } from "../amounts.js";
import { read } from "../api.js";
import { rangeBefore } from "../dates.js";
import * as format from "../format.js";
import { amountOf, isZero, micros, negated } from "../money.js";
import { useAnswer } from "../view/answer.js";
import { Block, Empty, eventCall } from "../view/block.js";
import { Chart } from "../view/chart.js";
import { CsvButton } from "../view/pieces.js";
import { isOpenPeriod } from "../view/period.js";

const PATH = "v1/provider/series";

/** The period's series and that of the period before; null if the session may not see it. */
export function useRevenue(mayRead, query) {
  const load = async () => {
    const [now, before] = await Promise.all([query, { ...query, ...rangeBefore(query) }].map((each) => read(PATH, each)));
    return { now, before };
  };
  const answer = useAnswer(mayRead ? load : async () => null, Object.values(query));
  return mayRead ? answer : null;
}

/** `currencies`: those to choose from. */
export function Revenue({ revenue, query, currencies }) {
  const shown = revenue.data?.now ?? query;
  return html`
    <${Block} title="Revenue" note="Refunds are subtracted. Each amount counts on the day it was booked" answer=${revenue} lines=${13}
      actions=${html`
        ${currencies.length > 1 && html`<${CurrencyChoice} currency=${query.currency} currencies=${currencies} />`}
        <${CsvButton} path=${PATH} query=${query} name="revenue ${query.from} ${query.to} ${query.currency}" />
      `}
      isEmpty=${({ now }) => now.totals.sales === 0 && isZero(now.totals.revenue)}
      empty=${html`<${Empty} call=${sampleOf(shown.currency)}>
        Nothing was sold in ${shown.currency} from ${format.range(shown)}. Revenue appears here when the marketplace tells of a search or an access that was charged:
      <//>`}>
      ${({ now }) => html`<${RevenueChart} series=${now} title="Revenue" />`}
    <//>
  `;
}

const CurrencyChoice = ({ currency, currencies }) => html`
  <label><span class="unseen">Currency</span>
    <select value=${currency} onChange=${(event) => adjust({ currency: event.target.value })}>
      ${currencies.map((each) => html`<option value=${each}>${each}</option>`)}
    </select>
  </label>
`;

const sampleOf = (currency) => eventCall("search.performed", {
  tenant_id: "a-buyer",
  query_text: "unpaid invoices",
  dataset_ids: ["your-dataset"],
  result_count: 12,
  charged_amount: "0.45",
  currency,
});

/** A provider's or a dataset's revenue, with the range of the answer: the page may be a range ahead. */
export function RevenueChart({ series, title }) {
  const { currency, totals, periods } = series;
  const when = format.range(series);
  const sales = `${format.number(totals.sales)} ${totals.sales === 1 ? "sale" : "sales"}`;
  const parts = [
    { label: "Search", kind: "first", amount: (row) => row.search_revenue, value: (row) => Number(row.search_revenue) },
    { label: "Retrieval", kind: "second", amount: (row) => row.retrieval_revenue, value: (row) => Number(row.retrieval_revenue) },
  ];
  if (!isZero(totals.refunds)) {
    parts.push({ label: "Refunded, already subtracted", kind: "warned", amount: (row) => negated(row.refunds), value: refundBar });
  }
  const exact = (amount) => (row) => format.exactMoney(amount(row), currency);
  return html`
    <${Chart} title="${title}, ${when}" rows=${periods} total=${{ label: "Revenue", text: exact((row) => row.revenue) }}
      series=${parts.map((part) => ({ ...part, text: exact(part.amount) }))}
      soFar=${isOpenPeriod(series)} formatTick=${(tick) => format.shortMoney(tick, currency)}
      summary=${{
        total: figure(totals.revenue, currency),
        when: `in ${sales}, ${when}`,
        parts: parts.map((part) => figure(part.amount(totals), currency)),
        text: `${when}: ${figure(totals.revenue, currency)} in ${sales}`,
      }} />
  `;
}

/** What is drawn as refunded: the bar of a kind that lost more than it earned shows that part already. */
export function refundBar({ refunds, search_revenue, retrieval_revenue }) {
  const losses = [search_revenue, retrieval_revenue].map(micros).filter((net) => net < 0n);
  return -Number(amountOf(losses.reduce((left, loss) => left + loss, micros(refunds))));
}
