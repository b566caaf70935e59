"""docs/benchmarks.md, made from the figures in docs/benchmarks.json: one question after the other.

`python -m dev.bench.report docs/benchmarks.json > docs/benchmarks.md`, or `make bench-docs`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from dev.bench import (
    activity,
    comparison,
    end_to_end,
    imports,
    invocations,
    packages,
    partners,
    payouts,
    reads,
    rivals,
    series,
    storage,
    widest,
    writes,
)
from dev.bench.figures import ALTERNATIVES, Figure, by_part, load, number
from dev.costs import prices
from dev.load import outcome

_PRICES = {
    "read units": prices.READ_UNITS.dollars,
    "write units": prices.WRITE_UNITS.dollars,
}

_INTRODUCTION = """\
# Benchmarks

`make bench` measures what requests, events and counting cost, on an embedded AWS of its own. It
takes about eight minutes on two cores, prints each figure beside its goal, and ends with exit
status 1 if a goal is missed. This page is generated: `python -m dev.bench --json
docs/benchmarks.json` keeps the figures, and `make bench-docs` writes the page from them.

- **Calls and units** are DynamoDB's. The real handlers run in one process against the embedded
  DynamoDB, and a botocore event hook watches their calls. Write units are those that the embedded
  DynamoDB reports. The read units that it reports are constants, so they are computed from the
  sizes of the items that it returns, by DynamoDB's rules (`dev/bench/units.py`).
- **Goals** are in parentheses: 2.08 (≤ 2.5). A figure that misses its goal is bold.
- **$ per million** is what a million of them cost in the row's read and write units, at the
  on-demand list prices of $0.125 and $0.625 per million units. [Costs](costs.md) has the rest.
- **Seconds** depend on the machine. The embedded AWS is one process and shares two cores with its
  clients, so seconds show regressions; they do not predict AWS.
"""


class _Section(NamedTuple):
    question: str
    method: str
    parts: Sequence[str]


_SECTIONS = (
    _Section(
        "What does a dashboard cost?",
        """\
A request is warm if the function knows its key from a request of the last 20 seconds; a cold
request also reads the key. The tenant has 10,000 objects, and the goal for the read units is what
a tenant with 10 objects takes. The pages are of a buyer with 1,000 searches, 20 on a page, and 50
accessed datasets.""",
        (reads.PART, activity.LISTING),
    ),
    _Section(
        "What does an event cost?",
        """\
The figures are for accepting one event, alone or in a request of 100. A search is charged for,
and costs more the more providers share its price. Charges are measured once the process knows
which months have entries, as in all but the first requests of a month. Deleting a dataset must
cost the same however many objects it has.""",
        (writes.ACCEPTING, activity.ACCEPTING, writes.DELETING),
    ),
    _Section(
        "What does counting cost?",
        """\
The figures are for one change of a stored record, as the stream delivers it. Changes are counted
in batches: one transaction writes their markers and the sums of what they add to each counter.
The alternative, a transaction for each change, counts the same stream records on a table of its
own.""",
        (writes.COUNTING, activity.COUNTING, comparison.PART),
    ),
    _Section(
        "What do series cost?",
        """\
Searches and accesses come in requests of 100, and are counted in batches of 100 changes, and of
1,000, the most that the stream's function receives: with series, and as it was without them. A
search and an access are two changes each, three with series. The series read are of a provider, a
dataset and a buyer with something on each of 1,096 days, and with ids of 36 characters.""",
        (series.ADDING, series.READING),
    ),
    _Section(
        "What does a statement cost?",
        """\
The ledger entries are put into the embedded DynamoDB in the form in which events write them; the
function's own code makes the statement. CPU seconds and memory are those of summing the ledger
once more from the same answers, without network or meter. The embedded AWS sorts and filters the
whole partition for each page, which is most of the other seconds. A run over 2,000 providers
handles them one after the other here; the deployed stack handles ten at a time.""",
        (payouts.PART, payouts.BY_DATASETS, payouts.RUN),
    ),
    _Section(
        "What does a partner's portfolio cost?",
        """\
Usage is counted by day, so analytics and series read the days of the range. The partner has usage
on every day, and 5,000 organizations must cost what 10 cost. A page of the list of organizations
reads the whole list to filter and sort it, and so does a page of what they used in a month. A
request stores one entry for all of a partner's usage events of a day, so events cost less in full
requests; each organization among them has a counter of its own.""",
        (partners.WATCHING, partners.SERIES, partners.LISTING, partners.USED, partners.FEEDING),
    ),
    _Section(
        "What does an invocation take of the function?",
        """\
CPU time is the process's own, of warm invocations in this process, and so without what Lambda and
its runtime add. The function also waits for its calls. The caller's lists fill their first pages.
[Costs](costs.md) are reckoned from these figures and from the bytes that events leave behind.""",
        (invocations.PART, storage.PART),
    ),
    _Section(
        "How heavy is a cold start?",
        """\
CPU time is user and system time of a new process that imports the function and makes its client,
with the files laid out as on Lambda. The ratio is to a process that runs beside it and makes a
bare `boto3.client("dynamodb")`: unlike seconds, a ratio can be compared between machines. Each
figure is the median of nine rounds. It varies by a tenth, so a function that seems to miss the
goal gets 27 more. Imports are light because the client is botocore's, not boto3's, with a loader
that reads only what one service needs ([ADR 6](adr/0006-cold-starts.md)), and because endpoints are
thin ([ADR 26](adr/0026-thin-endpoints.md)).""",
        (imports.PART,),
    ),
    _Section(
        "How large is what is deployed?",
        """\
Lambda takes up to 250 MB, unzipped, of a function and its layer together.""",
        (packages.PART,),
    ),
    _Section(
        "What happens under load?",
        """\
Mixed events are posted over HTTP by four clients and counted by the deployed stack. A hot
provider's 1,000 changes are delivered in twenties to several consumers at once. Each has the
datasets of a shard of its own, and all meet at the provider's totals. The embedded AWS never
refuses a transaction because of a conflict, so the client does what DynamoDB does: it refuses a
transaction if another one in progress has the same item, and holds items for 10 ms more. The rows
"as before" give each change a marker of its own and each counter one part. All entries of a
partner are in one shard; eight consumers at once for them are more than there can be.
`tests/store/test_contention.py` shows that conflicts never change a count.

`make load` sends 20,000 mixed events from eight clients, sends five percent of them twice, and
kills the stream function's workers ten times on the way. Then it compares every number that the
API and the ledger tell with what was sent, summed in plain Python that shares no code with Tally
(`dev/load/truth.py`). A fifth of the events belong to one hot partner. `make load LOAD="--events
2000 --kills 3 --seed 7"` changes what it does, and `--json docs/benchmarks.json` keeps its
figures for this page.""",
        (end_to_end.PART, rivals.PROVIDER, rivals.PARTNER, outcome.PART),
    ),
    _Section(
        "How long does the widest request take?",
        """\
These requests hold as much as the API allows: 100 searches of 50 datasets each, all of different
providers, and 100 refunds of them. The function has 29 seconds; the goal is 10 on this machine.""",
        (widest.PART,),
    ),
    _Section(
        "What would the alternatives cost?",
        """\
Each ratio is measured in the same run: what ours takes, divided by what the other way takes.""",
        (ALTERNATIVES,),
    ),
)


def report(figures: Sequence[Figure]) -> str:
    """The page for these figures; ValueError if no section has a place for one."""
    parts = by_part(figures)
    if lost := parts.keys() - {part for section in _SECTIONS for part in section.parts}:
        raise ValueError(f"no section of the report shows {', '.join(sorted(lost))}")
    blocks = [_INTRODUCTION]
    for question, method, names in _SECTIONS:
        blocks += [f"## {question}\n", f"{method}\n"]
        blocks += [_table(name, parts[name]) for name in names if name in parts]
    return "\n".join(blocks)


def _table(part: str, figures: Sequence[Figure]) -> str:
    names = list(dict.fromkeys(figure.name for figure in figures))
    units = list(dict.fromkeys(figure.unit for figure in figures))
    if len(names) == len(figures) and len(units) > 1:
        rows = [["", "measured"], *([f.name, f"{_cell(f)} {f.unit}"] for f in figures)]
    else:
        cells = {(figure.name, figure.unit): figure for figure in figures}
        priced = [unit for unit in _PRICES if unit in units]
        rows = [[""] + units + ["$ per million"] * bool(priced)]
        for name in names:
            of_name = [cells.get((name, unit)) for unit in units]
            row = [name, *(_cell(figure) if figure else "" for figure in of_name)]
            if priced:
                of_price = (cells.get((name, unit)) for unit in priced)
                row.append(_dollars([figure for figure in of_price if figure]))
            rows.append(row)
    rows[0][0] = part
    return "\n".join(_lines(rows)) + "\n"


def _lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Markdown; the first row is the header, and numbers are aligned to the right."""
    header, *others = rows
    yield f"| {' | '.join(header)} |"
    yield f"|---|{'--:|' * (len(header) - 1)}"
    for row in others:
        yield f"| {' | '.join(row)} |"


def _cell(figure: Figure) -> str:
    goal = "" if figure.at_most is None else f" (≤ {number(figure.at_most)})"
    cell = f"{number(figure.value)}{goal}"
    return cell if figure.ok else f"**{cell}**"


def _dollars(figures: Sequence[Figure]) -> str:
    """Of the units that the figures are in; empty if there are none."""
    cost = sum(figure.value * _PRICES[figure.unit] for figure in figures)
    return f"{cost:,.2f}" if figures else ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.report", description=__doc__)
    parser.add_argument("file", type=Path, help="figures that `python -m dev.bench --json` wrote")
    sys.stdout.write(report(load(parser.parse_args().file)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
