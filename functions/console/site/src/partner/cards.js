// Four figures: organizations, identifications, credits left, the cost of this billing period.

import { html } from "../../vendor/view.js";
import { read } from "../api.js";
import * as format from "../format.js";
import { useAnswer } from "../view/answer.js";
import { Failure } from "../view/block.js";
import { Card, Cards, LoadingCard, PartsBar } from "../view/pieces.js";

export function PartnerCards({ seesUsage, billing, range }) {
  return html`
    <${Cards} label="At a glance">
      ${seesUsage && html`<${Analytics} range=${range} />`}
      ${billing && html`<${Billing} billing=${billing} />`}
    <//>
  `;
}

function Analytics({ range }) {
  const { data, error, again, isLoading } = useAnswer(
    () => read("partner/analytics", { startDate: range.from, endDate: range.to }),
    [range.from, range.to],
  );
  if (error) return html`<div class="card"><dt>Organizations</dt><dd><${Failure} error=${error} again=${again} /></dd></div>`;
  if (isLoading || !data) return ["Active organizations", "Identifications"].map((label) => html`<${LoadingCard} label=${label} />`);
  return html`
    <${Card} label="Active organizations" value=${format.number(data.activeOrganizations)} hint="of ${format.number(data.totalOrganizations)}" />
    <${Card} label="Identifications" value=${format.number(data.totalIdentifications)} hint="for ${format.number(data.creditsUsed)} credits in the period" />
  `;
}

function Billing({ billing: { data, error, again } }) {
  if (error) return html`<div class="card"><dt>Credits</dt><dd><${Failure} error=${error} again=${again} /></dd></div>`;
  if (!data) return ["Credits left", "Cost of this billing period"].map((label) => html`<${LoadingCard} label=${label} />`);
  const { terms, usage } = data;
  const parts = [
    { label: "used", count: terms.creditPoolUsed, kind: "first" },
    { label: "left", count: terms.creditPoolAvailable, kind: "rest" },
  ];
  return html`
    <${Card} label="Credits left" value=${format.number(terms.creditPoolAvailable)}>
      <${PartsBar} label="Credits of this billing period" parts=${parts} />
    <//>
    <${Card} label="Cost of this billing period" value=${format.money(usage.estimatedCost, usage.currency)}
      hint="so far; next billing on ${format.day(terms.nextBillingDate)}" />
  `;
}
