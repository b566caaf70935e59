// Identifications over time, with the mean of seven days.

import { html } from "../../vendor/view.js";
import { read } from "../api.js";
import * as format from "../format.js";
import { useAnswer } from "../view/answer.js";
import { Block, Empty, eventCall } from "../view/block.js";
import { Chart } from "../view/chart.js";
import { isOpenPeriod } from "../view/period.js";
import { CsvButton } from "../view/pieces.js";

const PATH = "partner/analytics/series";
const WEEK = 7;

export function Identifications({ range, session }) {
  const query = { startDate: range.from, endDate: range.to, granularity: range.granularity };
  const answer = useAnswer(() => read(PATH, query), Object.values(query));
  const shown = answer.data ? rangeOf(answer.data) : range;
  const sample = eventCall("identification.recorded", {
    partner_id: session.tenant_id,
    organization_id: "an-organization",
    quantity: 1,
  });
  return html`
    <${Block} title="Identifications" answer=${answer} lines=${13}
      actions=${html`<${CsvButton} path=${PATH} query=${query} name="identifications ${range.from} ${range.to}" />`}
      isEmpty=${({ totals }) => totals.events === 0}
      empty=${html`<${Empty} call=${sample}>Nothing was identified from ${format.range(shown)}. Identifications appear here as they are recorded:<//>`}>
      ${(series) => html`<${UsageChart} series=${series} />`}
    <//>
  `;
}

/** The range of an answer: while the next one loads, the page is a range ahead. */
const rangeOf = ({ startDate, endDate }) => ({ from: startDate, to: endDate });

function UsageChart({ series }) {
  const { periods, totals, granularity } = series;
  const when = format.range(rangeOf(series));
  const count = (name) => (row) => format.number(row[name]);
  const identifications = { label: "Identifications", kind: "first", value: (row) => row.identifications, text: count("identifications") };
  const means = granularity === "day" ? weeklyMeans(periods.map((row) => row.identifications)) : null;
  const overlay = means && {
    label: "Mean of 7 days",
    values: means,
    text: (index) => (means[index] === null ? "" : format.number(Math.round(means[index]))),
  };
  return html`
    <${Chart} title="Identifications, ${when}" rows=${periods} series=${[identifications]}
      aside=${[{ label: "Credits", text: count("creditsUsed") }]} overlay=${overlay}
      soFar=${isOpenPeriod(rangeOf(series))} formatTick=${format.shortNumber}
      summary=${{
        total: format.number(totals.identifications),
        when: `identifications, ${when}`,
        parts: ["", format.number(totals.creditsUsed)],
        text: `${when}: ${format.number(totals.identifications)} identifications`,
      }} />
  `;
}

/** From the seventh day on. */
const weeklyMeans = (counts) =>
  counts.map((_, n) => {
    if (n < WEEK - 1) return null;
    return counts.slice(n - WEEK + 1, n + 1).reduce((total, count) => total + count) / WEEK;
  });
