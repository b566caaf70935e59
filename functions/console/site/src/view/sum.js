// A sum as it is written by hand: a line for each part, a rule, the result.

import { html } from "../../vendor/view.js";
import * as format from "../format.js";

/** `parts`: `[{label, amount, hint?}]`; `result`: `{label, amount}`. */
export const Sum = ({ parts, result, currency }) => html`
  <dl class="sum">
    ${parts.map((part, n) => html`
      <div>
        <dt>${part.label}${part.hint && html` <span class="hint">${part.hint}</span>`}</dt>
        <dd>${n ? format.signed(part.amount, currency) : format.money(part.amount, currency)}</dd>
      </div>
    `)}
    <div class="result"><dt>${result.label}</dt><dd>${format.money(result.amount, currency)}</dd></div>
  </dl>
`;
