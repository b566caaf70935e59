// Small parts: figures, states, bars, buttons.

import { html, useState } from "../../vendor/view.js";
import * as format from "../format.js";
import { readCsv } from "../api.js";

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

export const Cards = ({ label, children }) => html`<dl class="cards" aria-label=${label}>${children}</dl>`;

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
  const [state, setState] = useState("ready");
  async function download() {
    setState("working");
    try {
      const csv = await readCsv(path, query);
      save(new Blob([csv], { type: "text/csv" }), `${name}.csv`);
      setState("ready");
    } catch {
      setState("failed");
    }
  }
  const words = { ready: "↓ CSV", working: "↓ CSV …", failed: "CSV failed, try again" };
  return html`
    <button type="button" class="quiet small" disabled=${state === "working"} onClick=${download}
      aria-label="Download ${name} as CSV">${words[state]}</button>
  `;
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export function CopyButton({ text, label }) {
  const [isCopied, setCopied] = useState(false);
  async function copy() {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  }
  return html`
    <button type="button" onClick=${copy} aria-label=${label}>${isCopied ? "Copied" : "Copy"}</button>
    <span role="status" class="unseen">${isCopied ? "Copied to the clipboard" : ""}</span>
  `;
}

/** An amount that cannot break over two lines. */
export const Amount = ({ value, currency, exact }) => html`
  <span class="amount">${exact ? format.exactMoney(value, currency) : format.money(value, currency)}</span>
`;

export const ShowMore = ({ more }) => more && html`
  <p class="more">
    <button type="button" disabled=${more.isLoading} onClick=${more.show}>
      ${more.isLoading ? "Loading …" : "Show more"}
    </button>
    ${more.error && html`<span role="alert">${more.error.message}</span>`}
  </p>
`;
