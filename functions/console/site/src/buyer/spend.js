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
  const shown = spend.data ?? range;
  const query = { from: range.from, to: range.to, granularity: range.granularity };
  return html`
    <${Block} title="Spend" note="Net of refunds, by the day on which it was posted" answer=${spend} lines=${13}
      actions=${html`<${CsvButton} path=${PATH} query=${query} name="spend ${range.from} ${range.to}" />`}
      isEmpty=${({ totals }) => isZero(totals.total_spend) && totals.searches + totals.accesses === 0}
      empty=${html`<${Empty}>Nothing was spent from ${format.range(shown)}. Spend appears here when you search or access a dataset.<//>`}>
      ${(series) => html`<${SpendChart} series=${series} />`}
    <//>
  `;
}

/** With the range of the answer: the page may be a range ahead. */
function SpendChart({ series }) {
  const { currency, totals, periods } = series;
  const when = format.range(series);
  const money = (name) => (row) => format.money(row[name], currency);
  const parts = [
    { label: "Search", kind: "first", value: (row) => Number(row.search_spend), text: money("search_spend") },
    { label: "Retrieval", kind: "second", value: (row) => Number(row.retrieval_spend), text: money("retrieval_spend") },
  ];
  const total = { label: "Spend", text: money("total_spend") };
  return html`
    <${Chart} title="Spend, ${when}" rows=${periods} series=${parts} total=${total}
      soFar=${isOpenPeriod(series)} formatTick=${(tick) => format.shortMoney(tick, currency)}
      summary=${{
        total: total.text(totals),
        when,
        parts: parts.map((part) => part.text(totals)),
        text: `${when}: ${total.text(totals)}`,
      }} />
  `;
}
