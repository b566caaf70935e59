// Bars over time, in SVG: stacked from a zero baseline, read out by hover and by keyboard.

import { max, min, line, scaleBand, scaleLinear, stack, stackOffsetDiverging } from "../../vendor/d3.js";
import { html, useEffect, useRef, useState } from "../../vendor/view.js";
import * as format from "../format.js";
import { Table } from "./table.js";

const HEIGHT = 260;
const MARGIN = { top: 18, right: 4, bottom: 26, left: 52 };
const LABEL_WIDTH = 76;
const TICKS = 4;

/**
 * `rows`: `[{period, ...}]`. `series`: `[{label, kind, value: (row) => number, text: (row) => ...}]`,
 * stacked, of which negative values go below zero. Not drawn: `total`, if it is not the only series,
 * and what stands `aside`; both have the same shape.
 * `overlay`: a line over the bars, `{label, values, text: (index) => ...}`. `soFar`: the last period is not over yet.
 */
export function Chart({ rows, series, total = series[0], aside = [], overlay, title, summary, formatTick, soFar }) {
  const [pointed, setRead] = useState(null);
  // There may be fewer rows than when one was pointed at.
  const read = pointed !== null && pointed < rows.length ? pointed : null;
  const row = read === null ? null : rows[read];
  const last = rows.length - 1;

  function onKey(event) {
    const steps = { ArrowLeft: (read ?? rows.length) - 1, ArrowRight: (read ?? -1) + 1, Home: 0, End: last };
    if (event.key === "Escape") setRead(null);
    if (!(event.key in steps)) return;
    event.preventDefault();
    setRead(Math.max(0, Math.min(last, steps[event.key])));
  }

  // A finger leaves as soon as it has tapped: what it tapped at stays.
  const onLeave = (event) => event.pointerType === "mouse" && setRead(null);

  const told = (each) =>
    `${format.period(each.period)}${soFar && each === rows[last] ? ", so far" : ""}: ` +
    [...new Set([total, ...series, ...aside])].map((one) => `${one.label} ${one.text(each)}`).join(", ");
  return html`
    <div class="chart">
      <${Readout} row=${row} series=${series} total=${total} aside=${aside} summary=${summary}
        isSoFar=${soFar && read === last} overlay=${overlay} index=${read} />
      <div class="plot" tabindex="0" role="slider" aria-label="${title}. Read it out with the arrow keys"
        aria-valuemin="0" aria-valuemax=${last} aria-valuenow=${read ?? last}
        aria-valuetext=${row ? told(row) : summary.text} onKeyDown=${onKey}
        onFocus=${(event) => event.target.matches(":focus-visible") && setRead(read ?? last)}
        onBlur=${() => setRead(null)} onPointerLeave=${onLeave}>
        <${Plot} rows=${rows} series=${series} overlay=${overlay} formatTick=${formatTick}
          soFar=${soFar} read=${read} setRead=${setRead} />
      </div>
      <details class="as-table">
        <summary>As a table</summary>
        <${Table} caption=${title} rows=${rows} rowKey=${(each) => each.period} columns=${[
          { title: rows[0]?.period.length === 7 ? "Month" : "Day", cell: (each) => format.period(each.period) },
          ...[...new Set([...series, ...aside, total])].map((one) => ({ title: one.label, cell: one.text, end: true })),
        ]} />
      </details>
    </div>
  `;
}

/** The values of the period under the pointer, else those of all. Its lines never move. */
function Readout({ row, series, total, aside, overlay, summary, isSoFar, index }) {
  const value = (one, n) => (one === total ? "" : row ? one.text(row) : summary.parts[n]);
  const when = row ? `${format.period(row.period)}${isSoFar ? ", so far" : ""}` : summary.when;
  return html`
    <div class="readout">
      <p><strong>${row ? total.text(row) : summary.total}</strong> <span class="hint">${when}</span></p>
      <ul class="legend" aria-label="Legend">
        ${[...series, ...aside].map((one, n) => html`
          <li>${one.kind && html`<i class="key ${one.kind}"></i>`}${one.label} <span>${value(one, n)}</span></li>
        `)}
        ${overlay && html`
          <li><i class="key line"></i>${overlay.label} <span>${row ? overlay.text(index) : ""}</span></li>
        `}
      </ul>
    </div>
  `;
}

function Plot({ rows, series, overlay, formatTick, soFar, read, setRead }) {
  const frame = useRef(null);
  const width = useWidth(frame);
  const x = scaleBand().domain(rows.map((row) => row.period)).range([MARGIN.left, width - MARGIN.right])
    .paddingInner(rows.length > 60 ? 0.15 : 0.3).paddingOuter(0.1);
  const layers = layersOf(rows, series);
  const ends = [0, ...layers.flat(2), ...(overlay?.values ?? [])];
  const [low, high] = [min(ends), max(ends)];
  const y = scaleLinear().domain([low, high === low ? 1 : high])
    .nice(TICKS).range([HEIGHT - MARGIN.bottom, MARGIN.top]);
  const every = Math.ceil(rows.length / Math.max(1, Math.floor((width - MARGIN.left) / LABEL_WIDTH)));
  const onPoint = (event) => setRead(indexAt(event.offsetX, x, rows.length));
  const last = rows.length - 1;
  return html`
    <svg ref=${frame} width="100%" height=${HEIGHT} aria-hidden="true" focusable="false" onPointerDown=${onPoint} onPointerMove=${onPoint}>
      <g class="grid">
        ${y.ticks(TICKS).map((tick) => html`
          <line class=${tick === 0 ? "zero" : ""} x1=${MARGIN.left} x2=${width - MARGIN.right} y1=${y(tick)} y2=${y(tick)} />
          <text x=${MARGIN.left - 8} y=${y(tick)} dy="0.32em" text-anchor="end">${formatTick(tick)}</text>
        `)}
      </g>
      ${read !== null && html`
        <rect class="cursor" x=${x(rows[read].period) - (x.step() - x.bandwidth()) / 2} width=${x.step()}
          y=${MARGIN.top} height=${HEIGHT - MARGIN.top - MARGIN.bottom} />
      `}
      ${layers.map((layer, n) => html`
        <g class="bars ${series[n].kind}">
          ${layer.map(([low, high], index) => high !== low && html`
            <rect class=${soFar && index === last ? "so-far" : ""} x=${x(rows[index].period)} width=${x.bandwidth()}
              y=${y(Math.max(low, high))} height=${Math.max(1, Math.abs(y(low) - y(high)))} />
          `)}
        </g>
      `)}
      ${overlay && html`<path class="overlay" d=${curve(overlay.values, rows, x, y)} />`}
      <g class="labels">
        ${rows.map((row, index) => (last - index) % every === 0 && html`
          <text x=${x(row.period) + x.bandwidth() / 2} y=${HEIGHT - 6} text-anchor=${index === last ? "end" : "middle"}
            dx=${index === last ? x.bandwidth() / 2 : 0}>${soFar && index === last ? "so far" : format.shortPeriod(row.period)}</text>
        `)}
      </g>
    </svg>
  `;
}

/** Of each series, `[low, high]` of each row. */
function layersOf(rows, series) {
  return stack()
    .keys(series.keys())
    .value((row, n) => series[n].value(row))
    .offset(stackOffsetDiverging)(rows);
}

/** Through the middles of the bars; it begins where there are values. */
const curve = (values, rows, x, y) =>
  line()
    .defined((value) => value !== null)
    .x((_, index) => x(rows[index].period) + x.bandwidth() / 2)
    .y((value) => y(value))(values);

function indexAt(offset, x, count) {
  const index = Math.floor((offset - x.range()[0]) / x.step());
  return index >= 0 && index < count ? index : null;
}

/** The width of an element, as it changes. */
function useWidth(element) {
  const [width, setWidth] = useState(640);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(entry.contentRect.width));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return width;
}
