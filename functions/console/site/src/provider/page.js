// For providers: what they have, what it earns, what will be paid and was.

import { html } from "../../vendor/view.js";
import { useAddress } from "../address.js";
import { mayDo } from "../session.js";
import { ProviderCards } from "./cards.js";
import { Datasets } from "./datasets.js";
import { Revenue, useRevenue } from "./revenue.js";
import { Statements, useStatements } from "./statements.js";
import { Upcoming, useUpcoming } from "./upcoming.js";

export function Page({ session, range: { from, to, granularity } }) {
  const seesUsage = mayDo(session, "usage:read");
  const seesMoney = mayDo(session, "billing:read");
  const currency = useCurrency(session.billing_currency);
  const query = { from, to, granularity, currency };
  const revenue = useRevenue(seesMoney, query);
  const upcoming = useUpcoming(seesMoney);
  const statements = useStatements(seesMoney);
  const currencies = currenciesOf([session.billing_currency, currency], upcoming, statements);
  return html`
    <${ProviderCards} seesUsage=${seesUsage} revenue=${revenue} />
    ${seesMoney && html`
      <${Revenue} revenue=${revenue} query=${query} currencies=${currencies} />
      <${Upcoming} upcoming=${upcoming} currency=${session.billing_currency} />
      <${Statements} statements=${statements} reserves=${upcoming.data?.reserves ?? []} />
    `}
    ${seesUsage && html`<${Datasets} session=${session} query=${query} />`}
  `;
}

/** The one in the address, so that a link shows the same; else the tenant's own. */
function useCurrency(usual) {
  const { currency } = useAddress().query;
  return /^[A-Z]{3}$/.test(currency) ? currency : usual;
}

/** Those `known`, and all in which anything was earned: buyers pay in theirs. */
function currenciesOf(known, { data }, statements) {
  const { upcoming = [], carried = [], reserves = [] } = data ?? {};
  const seen = [...upcoming, ...carried, ...reserves, ...statements.rows];
  return [...new Set([...known, ...seen.map((each) => each.currency)])];
}
