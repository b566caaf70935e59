// For buyers: what they spend and on what, what they searched and accessed, their keys.

import { html } from "../../vendor/view.js";
import { mayDo } from "../session.js";
import { Accesses } from "./accesses.js";
import { BuyerCards } from "./cards.js";
import { Keys } from "./keys.js";
import { Searches } from "./searches.js";
import { Spend, useSpend } from "./spend.js";

export function Page({ session, range }) {
  const seesUsage = mayDo(session, "usage:read");
  const seesMoney = mayDo(session, "billing:read");
  const spend = useSpend(seesMoney, range);
  return html`
    <${BuyerCards} seesUsage=${seesUsage} seesMoney=${seesMoney} spend=${spend} />
    ${seesMoney && html`<${Spend} spend=${spend} range=${range} session=${session} />`}
    ${seesUsage && html`<${Searches} session=${session} /><${Accesses} session=${session} />`}
    ${mayDo(session, "keys:write") && html`<${Keys} session=${session} />`}
  `;
}
