// A block answers one question. It has the same size while it loads, and says what is wrong if not.

import { html, useId } from "../../vendor/view.js";

/**
 * `answer` as of useAnswer; `children`: data -> what is shown. `lines`: of its skeleton.
 * `before`: what stands above the answer whatever becomes of it, such as a form of filters.
 */
export function Block({ title, note, actions, before, answer, lines = 4, empty, isEmpty, children }) {
  const id = useId();
  return html`
    <section class="block" aria-labelledby=${id} aria-busy=${answer?.isLoading ?? false}>
      <header class="block-head">
        <div>
          <h2 id=${id} tabindex="-1">${title}</h2>
          ${note && html`<p class="note">${note}</p>`}
        </div>
        ${actions && html`<div class="actions">${actions}</div>`}
      </header>
      ${before}
      <${Answered} answer=${answer} lines=${lines} empty=${empty} isEmpty=${isEmpty}>${children}<//>
    </section>
  `;
}

/** What an answer shows, without a heading. */
export function Answered({ answer, lines = 3, empty, isEmpty, children }) {
  if (!answer) return children();
  if (answer.error) return html`<${Failure} error=${answer.error} again=${answer.again} />`;
  if (!answer.data) return html`<${Skeleton} lines=${lines} wait=${answer.wait} />`;
  if (isEmpty?.(answer.data)) return empty;
  return html`
    <${Wait} text=${answer.wait} />
    <div class=${answer.isLoading ? "is-stale" : ""}>${children(answer.data)}</div>
  `;
}

const Wait = ({ text }) => text && html`<p class="note">${text}</p>`;

export const Skeleton = ({ lines, wait }) => html`
  <${Wait} text=${wait} />
  <div class="skeleton" aria-hidden="true">
    ${Array.from({ length: lines }, () => html`<i></i>`)}
  </div>
`;

export function Failure({ error, again }) {
  function retry(event) {
    headingOf(event.currentTarget)?.focus();
    again();
  }
  return html`
    <div class="failure" role="alert">
      <p>${error.message}</p>
      ${error.requestId && html`<p class="note">Request <code>${error.requestId}</code></p>`}
      ${again && html`<button type="button" onClick=${retry}>Try again</button>`}
    </div>
  `;
}

/** Where the focus goes when a control disappears: the heading of its block, or else of its page. */
export const headingOf = (control) => control.closest("section, main").querySelector("h1, h2");

/** What would fill a block, and how. `call`: lines for a shell. */
export const Empty = ({ children, call }) => html`
  <div class="empty">
    <p>${children}</p>
    ${call && html`<pre tabindex="0" aria-label="Example for a shell">${call}</pre>`}
  </div>
`;

/** The call with which a marketplace tells of something. */
export const eventCall = (type, data) => {
  const root = new URL("../v1/events", document.baseURI.split("#")[0]);
  const event = {
    specversion: "1.0",
    id: "1",
    source: "/shop",
    type,
    time: `${new Date().toISOString().slice(0, 19)}Z`,
    data,
  };
  return [
    `curl ${root} -H "X-API-Key: $EVENTS_KEY" \\`,
    `  -H "Content-Type: application/cloudevents+json" \\`,
    `  -d '${JSON.stringify(event, null, 2)}'`,
  ].join("\n");
};
