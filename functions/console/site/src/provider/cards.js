// Four figures: datasets, objects by state, storage, revenue.

import { html } from "../../vendor/view.js";
import { figure } from "../amounts.js";
import { read } from "../api.js";
import * as format from "../format.js";
import { change, isZero } from "../money.js";
import { useAnswer } from "../view/answer.js";
import { Failure } from "../view/block.js";
import { Card, Cards, LoadingCard, PartsBar } from "../view/pieces.js";

export function ProviderCards({ seesUsage, revenue }) {
  return html`
    <${Cards} label="At a glance">
      ${seesUsage && html`<${Inventory} />`}
      ${revenue && html`<${RevenueCard} revenue=${revenue} />`}
    <//>
  `;
}

function Inventory() {
  const answer = useAnswer(() => read("v1/provider/dashboard"));
  const shown = answer.data;
  if (answer.error) return html`<div class="card wide"><dt>Datasets</dt><dd><${Failure} error=${answer.error} again=${answer.again} /></dd></div>`;
  if (!shown) return ["Datasets", "Objects", "Storage"].map((label) => html`<${LoadingCard} label=${label} />`);
  const parts = [
    { label: "approved", count: shown.objects_approved, kind: "first" },
    { label: "pending", count: shown.objects_pending_review, kind: "second" },
    { label: "rejected", count: shown.objects_rejected, kind: "warned" },
  ];
  return html`
    <${Card} label="Datasets" value=${format.number(shown.total_datasets)} />
    <${Card} label="Objects" value=${format.number(shown.total_objects)}>
      <${PartsBar} label="Objects by state" parts=${parts} />
    <//>
    <${Card} label="Storage" value=${format.bytes(shown.total_storage_bytes)} />
  `;
}

function RevenueCard({ revenue }) {
  const { data, error, again, isLoading } = revenue;
  if (error) return html`<div class="card"><dt>Revenue</dt><dd><${Failure} error=${error} again=${again} /></dd></div>`;
  if (isLoading || !data) return html`<${LoadingCard} label="Revenue in the period" />`;
  const { now, before } = data;
  const than = format.changeText(change(now.totals.revenue, before.totals.revenue));
  const hint = isZero(before.totals.revenue)
    ? "Nothing in the period before"
    : `${than ? `${than} against ` : ""}${figure(before.totals.revenue, now.currency)} in the period before`;
  return html`<${Card} label="Revenue in the period" value=${figure(now.totals.revenue, now.currency)} hint=${hint} />`;
}
