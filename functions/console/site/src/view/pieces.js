// Small parts: figures, states, bars, buttons.

import { html, useEffect, useRef, useState } from "../../vendor/view.js";
import { readCsv } from "../api.js";
import * as format from "../format.js";
import { Failure, headingOf } from "./block.js";

const MARKS = { good: "●", waiting: "◐", bad: "▲", off: "○" };
const KINDS = {
  active: "good",
  paid: "good",
  processing: "waiting",
  pending: "waiting",
  failed: "bad",
  suspended: "bad",
  revoked: "off",
  expired: "off",
  canceled: "off",
};

/** A figure with its name. `hint`: a line below it. */
export const Card = ({ label, value, hint, children }) => html`
  <div class="card">
    <dt>${label}</dt>
    <dd>
      <span class="figure">${value}</span>
      ${children}
      ${hint && html`<span class="hint">${hint}</span>`}
    </dd>
  </div>
`;

/** Nothing at all, if a session may see none of them. */
export const Cards = ({ label, children }) => [children].flat().some(Boolean) && html`
  <dl class="cards" aria-label=${label}>${children}</dl>
`;

export const LoadingCard = ({ label }) => html`
  <div class="card"><dt>${label}</dt><dd><span class="figure skeleton"><i></i></span></dd></div>
`;

/** A state: a mark and a word. */
export function Status({ value }) {
  const kind = KINDS[value] ?? "off";
  return html`<span class="status ${kind}"><span aria-hidden="true">${MARKS[kind]}</span> ${value}</span>`;
}

/** Parts of a whole, as one bar: `[{label, count, kind}]`. */
export function PartsBar({ parts, label }) {
  const whole = parts.reduce((total, part) => total + part.count, 0);
  const told = parts.map((part) => `${format.number(part.count)} ${part.label}`).join(", ");
  return html`
    <span class="parts" role="img" aria-label="${label}: ${told}">
      ${whole > 0 && parts.map((part) => part.count > 0 && html`
        <i class=${part.kind} style=${{ flexGrow: part.count }}></i>
      `)}
    </span>
    <span class="legend" aria-hidden="true">
      ${parts.map((part) => html`<span><i class="key ${part.kind}"></i>${format.number(part.count)} ${part.label}</span>`)}
    </span>
  `;
}

/** A part of the largest, as a bar. */
export const ShareBar = ({ fraction }) => html`
  <span class="share"><i style=${{ width: `${Math.max(0, Math.min(1, fraction)) * 100}%` }}></i></span>
`;

/** Downloads a list with all of its pages. */
export function CsvButton({ path, query, name }) {
  const [{ isWorking, error }, setState] = useState({ isWorking: false, error: null });
  async function download() {
    if (isWorking) return;
    setState({ isWorking: true, error: null });
    try {
      const csv = await readCsv(path, query);
      // Excel takes a file for UTF-8 by its byte order mark alone.
      save(new Blob(["\ufeff", csv], { type: "text/csv" }), `${name}.csv`);
      setState({ isWorking: false, error: null });
    } catch (failed) {
      setState({ isWorking: false, error: failed });
    }
  }
  const state = (isWorking && ", working on it") || (error && ", failed, try again") || "";
  const words = (isWorking && "↓ CSV …") || (error && "CSV failed, try again") || "↓ CSV";
  return html`
    <button type="button" class="quiet small" aria-disabled=${String(isWorking)} onClick=${download}
      aria-label="Download ${name} as CSV${state}">${words}</button>
    ${error && html`<${Failure} error=${error} />`}
  `;
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

const COPIED = "Copied to the clipboard";

export function CopyButton({ text, label }) {
  const [told, setTold] = useState("");
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setTold(COPIED);
    } catch {
      setTold("The browser does not allow it. Select and copy it by hand.");
    }
  }
  const isCopied = told === COPIED;
  return html`
    <span role="status" class=${isCopied ? "unseen" : "note"}>${told}</span>
    <button type="button" onClick=${copy} aria-label=${label}>${isCopied ? "Copied" : "Copy"}</button>
  `;
}

/** An amount that cannot break over two lines. */
export const Amount = ({ value, currency, exact }) => html`
  <span class="amount">${exact ? format.exactMoney(value, currency) : format.money(value, currency)}</span>
`;

export function ShowMore({ more }) {
  const heading = useRef(null);
  const isLast = !more;
  useEffect(() => {
    // With the last page the button goes away, and the focus with it, unless it has moved on.
    const isLost = document.activeElement === document.body;
    if (isLast && isLost) heading.current?.focus({ preventScroll: true });
  }, [isLast]);
  if (!more) return null;
  function show(event) {
    heading.current = headingOf(event.currentTarget);
    if (!more.isLoading) more.show();
  }
  return html`
    <p class="more">
      <button type="button" aria-disabled=${String(more.isLoading)} onClick=${show}>
        ${more.isLoading ? "Loading …" : "Show more"}
      </button>
      ${more.error && html`<span role="alert">${more.error.message}</span>`}
    </p>
  `;
}
