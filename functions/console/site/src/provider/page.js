// For providers: what they have, what it earns, what will be paid and was.

import { html } from "../../vendor/view.js";
import { mayDo } from "../session.js";
import { ProviderCards } from "./cards.js";
import { Datasets } from "./datasets.js";
import { Revenue, useRevenue } from "./revenue.js";
import { Statements } from "./statements.js";
import { Upcoming } from "./upcoming.js";

export function Page({ session, range }) {
  const seesUsage = mayDo(session, "usage:read");
  const seesMoney = mayDo(session, "billing:read");
  const revenue = useRevenue(seesMoney, range);
  return html`
    <${ProviderCards} seesUsage=${seesUsage} revenue=${revenue} />
    ${seesMoney && html`
      <${Revenue} revenue=${revenue} range=${range} />
      <${Upcoming} currency=${session.billing_currency} />
      <${Statements} />
    `}
    ${seesUsage && html`<${Datasets} session=${session} range=${range} />`}
  `;
}
