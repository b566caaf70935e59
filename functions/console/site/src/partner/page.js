// For partners: what their organizations use, what it costs, what is left.

import { html } from "../../vendor/view.js";
import { read } from "../api.js";
import { mayDo } from "../session.js";
import { useAnswer } from "../view/answer.js";
import { PartnerCards } from "./cards.js";
import { Identifications } from "./identifications.js";
import { Organizations } from "./organizations.js";
import { OrganizationsUsage } from "./organizations_usage.js";
import { Tiers } from "./tiers.js";

export function Page({ session, range }) {
  const seesUsage = mayDo(session, "usage:read");
  const seesMoney = mayDo(session, "billing:read");
  const billing = useAnswer(
    seesMoney
      ? async () => {
          const [terms, usage] = await Promise.all(["partner/billing", "partner/billing/usage"].map((path) => read(path)));
          return { terms, usage };
        }
      : async () => null,
  );
  return html`
    <${PartnerCards} seesUsage=${seesUsage} billing=${seesMoney && billing} range=${range} />
    ${seesUsage && html`<${Identifications} range=${range} session=${session} />`}
    ${seesMoney && html`<${Tiers} billing=${billing} />`}
    ${seesUsage && html`<${OrganizationsUsage} session=${session} /><${Organizations} session=${session} />`}
  `;
}
