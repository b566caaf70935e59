// Spend over time, by kind.

import { html } from "../../vendor/view.js";
import { read } from "../api.js";
import * as format from "../format.js";
import { isZero } from "../money.js";
import { useAnswer } from "../view/answer.js";
import { Block, Empty } from "../view/block.js";
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

export function Spend({ spend, range }) {
  const query = { from: range.from, to: range.to, granularity: range.granularity };
  return html`
    <${Block} title="Spend" note="Net of refunds, by the day on which it was posted" answer=${spend} lines=${13}
      actions=${html`<${CsvButton} path=${PATH} query=${query} name="spend ${range.from} ${range.to}" />`}
      isEmpty=${({ totals }) => isZero(totals.total_spend) && totals.searches + totals.accesses === 0}
      empty=${html`<${Empty}>Nothing was spent from ${format.range(range)}. Spend appears here when you search or access a dataset.<//>`}>
      ${(series) => html`<${SpendChart} series=${series} range=${range} />`}
    <//>
  `;
}

function SpendChart({ series, range }) {
  const { currency, totals, periods } = series;
  const money = (name) => (row) => format.money(row[name], currency);
  const parts = [
    { label: "Search", kind: "first", value: (row) => Number(row.search_spend), text: money("search_spend") },
    { label: "Retrieval", kind: "second", value: (row) => Number(row.retrieval_spend), text: money("retrieval_spend") },
  ];
  const total = { label: "Spend", text: money("total_spend") };
  return html`
    <${Chart} title="Spend, ${format.range(range)}" rows=${periods} series=${parts} total=${total}
      soFar=${isOpenPeriod(range)} formatTick=${(tick) => format.shortMoney(tick, currency)}
      summary=${{
        total: total.text(totals),
        when: format.range(range),
        parts: parts.map((part) => part.text(totals)),
        text: `${format.range(range)}: ${total.text(totals)}`,
      }} />
  `;
}
