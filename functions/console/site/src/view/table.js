// A table. On a narrow screen each row becomes pairs of a name and a value. A row may open.

import { Fragment, html, useId, useState } from "../../vendor/view.js";

/**
 * `columns`: `[{title, cell: (row) => ..., end?, wide?, tight?}]`; `end` aligns amounts to the right,
 * and what is `tight` stays on one line.
 * `rowKey`: row -> text. `details`: row -> what an open row shows, named by `opens(row)`.
 */
export function Table({ caption, columns, rows, rowKey, details, opens, foot }) {
  return html`
    <table>
      <caption class="unseen">${caption}</caption>
      <thead>
        <tr>
          ${columns.map((column) => html`<th scope="col" class=${classOf(column)}>${column.title}</th>`)}
          ${details && html`<th scope="col" class="opener"><span class="unseen">Details</span></th>`}
        </tr>
      </thead>
      <tbody>
        ${rows.map((row) => html`
          <${Row} key=${rowKey(row)} row=${row} columns=${columns} details=${details} opens=${opens} />
        `)}
      </tbody>
      ${foot && html`<tfoot>${foot}</tfoot>`}
    </table>
  `;
}

function Row({ row, columns, details, opens }) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const [first, ...others] = columns;
  return html`
    <${Fragment}>
      <tr class=${isOpen ? "is-open" : ""}>
        <th scope="row" class=${classOf(first)}>${first.cell(row)}</th>
        ${others.map((column) => html`
          <td class=${classOf(column)} data-label=${column.title}>${column.cell(row)}</td>
        `)}
        ${details && html`
          <td class="opener">
            <button type="button" class="quiet" aria-expanded=${String(isOpen)} aria-controls=${id}
              aria-label=${opens(row)} onClick=${() => setOpen(!isOpen)}>
              <span class="chevron" aria-hidden="true"></span>
            </button>
          </td>
        `}
      </tr>
      ${details && html`
        <tr class="details" id=${id} hidden=${!isOpen}>
          <td colspan=${columns.length + 1}>${isOpen && details(row)}</td>
        </tr>
      `}
    <//>
  `;
}

const classOf = (column) => [column.end && "end", column.wide && "wide", column.tight && "tight"].filter(Boolean).join(" ");
