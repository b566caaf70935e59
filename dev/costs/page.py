"""docs/costs.md: the text in page.md, filled with what the benchmark's figures come to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dev.bench import payouts
from dev.bench.figures import Figure, number
from dev.costs import assumptions, bills, prices
from dev.costs.bills import LARGE, SMALL, Workload
from dev.costs.prices import MILLION, PRICES, Price
from dev.costs.takes import (
    KINDS,
    SEARCH,
    UPLOAD,
    Measured,
    Takes,
    dollars,
    memory_mb,
    share,
    times,
    total,
)
from dev.template import route_of, routes

_TEXT = Path(__file__).with_name("page.md")
_COLUMNS: Mapping[str, tuple[Price, ...]] = {
    "DynamoDB": (prices.READ_UNITS, prices.WRITE_UNITS),
    "Lambda": (prices.INVOCATIONS, prices.GB_SECONDS),
    "API, bus, queues": (prices.API_REQUESTS, prices.BUS_EVENTS, prices.QUEUE_REQUESTS),
    "logs, traces": (prices.LOGS, prices.TRACES),
}


def page(figures: Sequence[Figure]) -> str:
    """The page for the benchmark's figures."""
    measured = Measured(figures)
    rest = bills.at_rest(measured)
    values = (
        _fixed()
        | _durations(measured)
        | _tables(measured)
        | {"canary": _money(dollars(rest["the canary"])), "at_rest": _bill(rest)}
        | _checks(measured)
        | _month("small", measured, SMALL, rest)
        | _month("large", measured, LARGE, rest)
    )
    return _TEXT.read_text().format(**values)


def _fixed() -> dict[str, Any]:
    """What does not depend on measurements."""
    rows = [
        [price.what, f"{price.dollars:g}", f"{price.per:,} {price.unit}", f"<{price.source}>"]
        for price in PRICES
    ]
    return {
        "region": prices.REGION,
        "as_of": prices.AS_OF,
        "prices": _table(["", "$", "for", "source"], rows, "|---|--:|---|---|"),
        "assumptions": assumptions.EXPLAINED,
        "stored": _money(prices.STORED.each),
        "backup": _money(prices.BACKUP.each),
        "web_acl": _money(prices.WEB_ACLS.each),
        "web_rule": _money(prices.WEB_RULES.each),
        "web_requests": _money(prices.WEB_REQUESTS.dollars),
    }


def _durations(measured: Measured) -> dict[str, Any]:
    """A read's GB-seconds, step by step."""
    route = route_of("GET", "/v1/provider/dashboard")
    name, function = str(route), route.function
    start_ms = measured.start_ms(function)
    gb_seconds = measured.gb_seconds(name, function, assumptions.COLD)
    return {
        "read": name,
        "mb": memory_mb(function),
        "whole_mb": assumptions.MB_OF_A_PROCESSOR,
        "share": share(function),
        "cpu_ms": measured.cpu_ms(name),
        "calls": measured.calls(name),
        "ms_of_a_call": assumptions.MS_OF_A_CALL,
        "ms_of_the_runtime": assumptions.MS_OF_THE_RUNTIME,
        "warm_ms": measured.duration_ms(name, function),
        "cold": assumptions.COLD,
        "start_ms": start_ms,
        "cold_ms": assumptions.COLD * start_ms,
        "gb_seconds": gb_seconds,
        "gb_second_price": prices.GB_SECONDS.dollars,
        "gb_seconds_dollars": _money(gb_seconds * prices.GB_SECONDS.dollars),
    }


def _tables(measured: Measured) -> dict[str, Any]:
    """What a million events and reads, a thousand statements, and a million events kept cost."""
    gets = [route for route in routes() if route.method == "GET"]
    units = measured.figure(payouts.PART, "100,000 entries", "read units")
    return {
        "events": _priced(_events(measured)),
        "an_upload": "\n".join(_an_upload(measured)),
        "reads": _priced({f"`{route}`": measured.read(route) for route in gets}),
        "statements": _priced({"a thousand statements": measured.statement()}, 1_000),
        "entries_units": units,
        "entries_dollars": _money(units * prices.READ_UNITS.each * 1_000),
        "storage": _storage(measured),
    }


def _events(measured: Measured) -> dict[str, Takes]:
    """An event of each kind, accepted and counted, in each way."""
    rows = {}
    for kind in KINDS:
        for alone, how in ((True, "alone"), (False, "in 100")):
            if kind.alone or not alone:
                accepting = measured.accepting(kind, alone=alone)
                counting = measured.counting(kind, alone=alone)
                rows[f"{kind.name}, {how}"] = total(accepting, counting)
    for kind in (UPLOAD, SEARCH):
        accepting = measured.accepting_from_bus(kind)
        rows[f"{kind.name}, over the bus"] = total(accepting, measured.counting(kind))
    return rows


def _an_upload(measured: Measured) -> Iterator[str]:
    """The arithmetic, a line for each unit."""
    parts = {"to accept it": measured.accepting(UPLOAD), "to count it": measured.counting(UPLOAD)}
    for name, takes in parts.items():
        for price in _COLUMNS["DynamoDB"]:
            if units := takes[price]:
                product = _money(units * price.dollars)
                yield f"    {name:12}  {units:.2f} {price.unit:11} × ${price.dollars:g} = {product}"  # noqa: RUF001  a formula


def _storage(measured: Measured) -> str:
    each = prices.STORED.each + prices.BACKUP.each
    rows = []
    for kind in KINDS:
        kept, expiring = measured.kept_gb(kind), measured.expiring_gb(kind)
        amounts = kept, expiring, kept * each, expiring * each
        rows.append([kind.name, *(f"{amount:,.3f}" for amount in amounts)])
    header = ["a million of", "GB that stay", "GB that expire"]
    return _table([*header, "$ a month, staying", "$ a month, expiring"], rows)


def _checks(measured: Measured) -> dict[str, Any]:
    """The scheduled checks, if each takes all the time that it has."""
    check, runs = bills.longest_check(measured), bills.checks_a_month()
    return {
        "check_minutes": bills.check_seconds() / 60,
        "check_units": _amount(check[prices.READ_UNITS]),
        "check_gb_seconds": check[prices.GB_SECONDS],
        "check": _money(dollars(check)),
        "checks": runs,
        "checks_dollars": _money(runs * dollars(check)),
    }


def _month(
    name: str, measured: Measured, load: Workload, rest: Mapping[str, Takes]
) -> dict[str, Any]:
    """The bill of a workload, its values named after it."""
    parts = {**bills.busy(measured, load), "what a stack at rest takes": total(*rest.values())}
    whole = total(*parts.values())
    writes = whole[prices.WRITE_UNITS] * prices.WRITE_UNITS.each
    return {
        name: load,
        f"{name}_events": f"{load.events / MILLION:,.1f}",
        f"{name}_reads": f"{load.reads / MILLION:,.1f}",
        f"{name}_writes": writes / dollars(whole),
        f"{name}_bill": _bill(parts),
    }


def _bill(parts: Mapping[str, Takes]) -> str:
    """What each part costs; and what AWS bills, with amounts and prices."""
    whole = total(*parts.values())
    together = f"**{_dollars(dollars(whole))}**"
    by_part = [[name, _dollars(dollars(takes))] for name, takes in parts.items()]
    by_price = [
        [
            price.what,
            _amount(amount),
            f"{price.dollars:g} for {price.per:,} {price.unit}",
            _dollars(amount * price.each),
        ]
        for price, amount in whole.items()
    ]
    return "\n".join(
        (
            _table(["what for", "$"], [*by_part, ["**together**", together]]),
            _table(
                ["what AWS bills", "amount", "price in $", "$"],
                [*by_price, ["**together**", "", "", together]],
                "|---|--:|---|--:|",
            ),
        )
    )


def _amount(value: float) -> str:
    return f"{value / MILLION:,.2f} million" if value >= MILLION else number(round(value, 2))


def _dollars(value: float) -> str:
    """Without the sign; more decimals if it is less than ten cents."""
    return f"{value:,.{2 if value >= 0.1 else 4}f}"


def _priced(rows: Mapping[str, Takes], per: int = MILLION) -> str:
    """A row for each, with the dollars of each group of prices and their sum."""
    table = []
    for name, takes in rows.items():
        many = times(takes, per)
        parts = [{price: many.get(price, 0) for price in group} for group in _COLUMNS.values()]
        table.append([name, *(_dollars(dollars(each)) for each in (*parts, many))])
    return _table(["", *_COLUMNS, "$ together"], table)


def _money(value: float) -> str:
    return f"${value:,.2f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], rule: str = "") -> str:
    """Markdown; unless `rule` says otherwise, all but the first column are numbers."""
    lines = [header, *rows]
    first, *others = (f"| {' | '.join(line)} |\n" for line in lines)
    return "".join([first, f"{rule or '|---|' + '--:|' * (len(header) - 1)}\n", *others])
