// Four figures: spend this month, searches, accesses, keys.

import { html } from "../../vendor/view.js";
import { figure } from "../amounts.js";
import { read } from "../api.js";
import * as format from "../format.js";
import { useAnswer } from "../view/answer.js";
import { Failure } from "../view/block.js";
import { Card, Cards, LoadingCard } from "../view/pieces.js";

export function BuyerCards({ seesUsage, seesMoney, spend }) {
  return html`
    <${Cards} label="At a glance">
      ${seesMoney && html`<${ThisMonth} /><${Counts} spend=${spend} />`}
      ${seesUsage && html`<${KeyCount} />`}
    <//>
  `;
}

function ThisMonth() {
  const { data, error, again } = useAnswer(() => read("v1/buyer/spend"));
  if (error) return html`<div class="card"><dt>Spend this month</dt><dd><${Failure} error=${error} again=${again} /></dd></div>`;
  if (!data) return html`<${LoadingCard} label="Spend this month" />`;
  const money = (name) => figure(data[name], data.currency);
  return html`
    <${Card} label="Spend this month" value=${money("total_spend")}
      hint="${money("search_spend")} search, ${money("retrieval_spend")} retrieval" />
  `;
}

function Counts({ spend }) {
  if (spend.error) return null;
  if (spend.isLoading || !spend.data) return ["Searches", "Accesses"].map((label) => html`<${LoadingCard} label=${label} />`);
  const { totals } = spend.data;
  return html`
    <${Card} label="Searches" value=${format.number(totals.searches)} hint="in the period" />
    <${Card} label="Accesses" value=${format.number(totals.accesses)} hint="in the period" />
  `;
}

function KeyCount() {
  const { data, error, again } = useAnswer(() => read("v1/buyer/dashboard"));
  if (error) return html`<div class="card"><dt>Active API keys</dt><dd><${Failure} error=${error} again=${again} /></dd></div>`;
  if (!data) return html`<${LoadingCard} label="Active API keys" />`;
  return html`
    <${Card} label="Active API keys" value=${format.number(data.active_api_key_count)}
      hint="of ${format.number(data.api_key_count)} ever made" />
  `;
}
