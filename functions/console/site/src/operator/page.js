// For the operator: whether all is well, payouts and their runs, tenants, who did what.

import { html, useState } from "../../vendor/view.js";
import { Audit } from "./audit.js";
import { Health } from "./health.js";
import { AllStatements } from "./statements.js";
import { Runs } from "./runs.js";
import { Tenants } from "./tenants.js";

export function Page() {
  const [deeds, setDeeds] = useState(0);
  const noteDeed = () => setDeeds((before) => before + 1);
  return html`
    <${Health} />
    <${AllStatements} noteDeed=${noteDeed} />
    <${Runs} noteDeed=${noteDeed} />
    <${Tenants} noteDeed=${noteDeed} />
    <${Audit} deeds=${deeds} />
  `;
}
