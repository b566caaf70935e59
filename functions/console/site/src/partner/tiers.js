// Prices by volume: where this billing period stands, and what more would cost.

import { html } from "../../vendor/view.js";
import * as format from "../format.js";
import { amountOf, micros } from "../money.js";
import { Block, Empty } from "../view/block.js";
import { Table } from "../view/table.js";

const NEXT = 1000;

export const Tiers = ({ billing }) => html`
  <${Block} title="Prices" answer=${billing} note=${billing.data && noteOf(billing.data)}
    isEmpty=${({ terms }) => terms.pricingTiers.length === 0}
    empty=${html`<${Empty}>The marketplace has set no prices. Usage is counted, and costs nothing.<//>`}>
    ${({ terms, usage }) => html`
      <${Table} caption="Prices by identifications in a billing period" rows=${terms.pricingTiers} rowKey=${(tier) => tier.tier}
        columns=${columnsOf(terms, usage)} />
      <p class="note">The next ${format.number(NEXT)} identifications would cost
        ${" "}<strong>${format.money(costOfMore(terms.pricingTiers, usage.totalIdentifications, NEXT), terms.currency)}</strong>.</p>
    `}
  <//>
`;

const noteOf = ({ usage }) =>
  `${format.number(usage.totalIdentifications)} identifications between ${format.day(usage.periodStart)} and ${format.day(usage.periodEnd)}`;

const nameOf = ({ tier }) => (typeof tier === "number" ? `Tier ${tier}` : tier);

const columnsOf = ({ currency, pricingTiers }, usage) => [
  { title: "Tier", cell: nameOf },
  { title: "Identifications", cell: (tier) => volumeOf(tier, pricingTiers) },
  { title: "Each", cell: (tier) => format.exactMoney(tier.pricePerIdentification, currency), end: true },
  {
    title: "This period",
    cell: (tier) => (tier === presentTier(pricingTiers, usage.totalIdentifications) ? html`<span class="status good"><span aria-hidden="true">●</span> you are here</span>` : ""),
    end: true,
  },
];

function volumeOf(tier, tiers) {
  const end = endOf(tier, tiers);
  return end === Infinity ? `from ${format.number(tier.minUsage)}` : `${format.number(tier.minUsage)} to ${format.number(end)}`;
}

/** What is beyond the last tier costs its price, whatever end it has: so Tally bills it. */
const endOf = (tier, tiers) => (tier === tiers.at(-1) ? Infinity : tier.maxUsage ?? Infinity);

/** The tier of the next identification. */
export const presentTier = (tiers, used) => tiers.find((tier) => used < endOf(tier, tiers));

/** What so many more cost, each at the price of its tier. */
export function costOfMore(tiers, used, more) {
  let [cost, from] = [0n, used];
  for (const tier of tiers) {
    const count = Math.min(used + more, endOf(tier, tiers)) - from;
    if (count <= 0) continue;
    cost += BigInt(count) * micros(tier.pricePerIdentification);
    from += count;
  }
  return amountOf(cost);
}
