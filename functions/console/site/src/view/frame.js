// What surrounds each page: whose it is, the audiences, the period, the way out.

import { html } from "../../vendor/view.js";
import { adjust, hrefTo } from "../address.js";
import { RANGES, rangeFault, rangeOf, today } from "../dates.js";
import * as format from "../format.js";

export const Frame = ({ session, pages, page, query, signOut, children }) => html`
  <a class="skip" href="#main" onClick=${skipToMain}>Skip to the content</a>
  <header class="frame">
    <div>
      <p class="tenant">${session.display_name}</p>
      <nav aria-label="Pages">
        ${pages.map((each) => html`
          <a href=${hrefTo(each.name, { range: query.range, from: query.from, to: query.to })}
            aria-current=${each.name === page.name ? "page" : null}>${each.title}</a>
        `)}
      </nav>
      <button type="button" class="quiet" onClick=${signOut}>Sign out</button>
    </div>
  </header>
  <main id="main" tabindex="-1">
    <div class="page-head">
      <h1 tabindex="-1">${page.title}</h1>
      ${page.hasPeriod && html`<${PeriodPicker} query=${query} />`}
    </div>
    ${children}
  </main>
  <footer>All days and times are UTC.</footer>
`;

function skipToMain(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

/** The period stands in the URL, so that a link shows the same. */
function PeriodPicker({ query }) {
  const range = rangeOf(query);
  const custom = query.range === "custom";
  const fault = custom && rangeFault(query);
  return html`
    <form class="period" aria-label="Period" onSubmit=${(event) => event.preventDefault()}>
      <fieldset>
        <legend class="unseen">Period</legend>
        ${Object.entries(RANGES).map(([name, title]) => html`
          <label>
            <input type="radio" name="range" value=${name} checked=${name === (custom ? "custom" : range.name)}
              onChange=${() => adjust(name === "custom" ? { range: name, from: range.from, to: range.to } : { range: name, from: "", to: "" })} />
            <span>${title}</span>
          </label>
        `)}
      </fieldset>
      ${custom && html`
        <div class="days">
          <input type="date" aria-label="First day" value=${query.from} min="2000-01-01" max=${query.to}
            aria-describedby="fault" aria-invalid=${String(Boolean(fault))}
            onChange=${(event) => adjust({ from: event.target.value })} />
          <input type="date" aria-label="Last day" value=${query.to} min=${query.from} max=${today()}
            aria-describedby="fault" aria-invalid=${String(Boolean(fault))}
            onChange=${(event) => adjust({ to: event.target.value })} />
        </div>
        <p id="fault" role="status">${fault && `${fault} These are the last 30 days:`}</p>
      `}
      <p class="hint">${format.range(range)}</p>
    </form>
  `;
}
