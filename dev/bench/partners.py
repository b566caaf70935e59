"""What a portfolio costs: to read it, to send events for it, and to list its organizations.

Years of counters and thousands of organizations are put into the table as counting and ingestion
write them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import batched
from typing import Any

from dev.bench import samples
from dev.bench.figures import ALTERNATIVES, Figure
from dev.bench.lab import BATCH, Lab
from dev.bench.meter import Usage as Metered
from dev.bench.samples import Event
from tally.access.model.scopes import Scope
from tally.aws.items import to_item
from tally.counting.engine import count
from tally.intake.accepting import leave_to_the_stream
from tally.kernel.counters import Totals
from tally.kernel.instants import plus
from tally.kernel.series import Granularity
from tally.kernel.versions import Version
from tally.partners.counters import OrganizationMonth, UsageTotals
from tally.partners.items import (
    listed_organization_key,
    listing_attributes,
    lone_amounts,
    organization_attributes,
    organization_key,
)
from tally.partners.model.organizations import (
    OrganizationEvent,
    OrganizationEventKind,
    new_organization,
)
from tally.partners.model.usage import Usage

WATCHING = "A partner's analytics, warm"
FEEDING = "An identification"
LISTING = "A page of a partner's organizations, warm"
SERIES = "A partner's series, warm"
USED = "A page of the usage of a partner's organizations, warm"
_FEW, _SOME, _MANY = 10, 20, 5_000
_DAYS = 1_250  # counted ones, up to today
_RANGES = (("1 day", 1), ("30 days", 30), ("1 year", 365), ("3 years", 1_096))
_LONG_AGO = 100
_USED = Usage(identifications=51_234, quantity=1_234_567, events=52_345, credits=61_234)
_MOST_CALLS_OF_A_SERIES, _MOST_READ_UNITS_OF_A_SERIES = 8, 20
# One for the terms, and one for the days.
_MOST_CALLS, _MOST_READ_UNITS = 2, 21
# And one for the days of the present billing period, if the range ended before it.
_MOST_CALLS_OF_THE_PAST, _MOST_READ_UNITS_OF_THE_PAST = 3, 22
# The record that it was accepted takes two of them.
_MOST_WRITE_UNITS = 2.5
_MOST_WRITE_UNITS_ALONE = 6
# Of as many organizations as events: each has a counter of its own.
_MOST_WRITE_UNITS_OF_MANY = 4.75


def measure(lab: Lab) -> Iterator[Figure]:
    """Calls and units, and those of the alternatives."""
    lab.count()  # whatever still waits
    for organizations in (_FEW, _SOME, _MANY):
        _portfolio(lab, organizations)
    yield from _watch(lab)
    yield from _watch_by_period(lab)
    yield from _list(lab)
    yield from _feed(lab)


def _watch(lab: Lab) -> Iterator[Figure]:
    today = _today(lab)
    few, many = _Watcher(lab, _FEW), _Watcher(lab, _MANY)
    for name, days in _RANGES:
        since = today - timedelta(days=days - 1)
        of_few, _ = few.analytics(since, today)
        of_many, _ = many.analytics(since, today)
        yield from _read(WATCHING, name, of_few, _MOST_CALLS, _MOST_READ_UNITS)
        limits = of_few.calls, of_few.read_units
        yield from _read(WATCHING, f"{name}, {_MANY:,} organizations", of_many, *limits)
    end = today - timedelta(days=_LONG_AGO)
    of_past, _ = few.analytics(end - timedelta(days=days - 1), end)
    name = f"{name} until {_LONG_AGO} days ago"
    limits = _MOST_CALLS_OF_THE_PAST, _MOST_READ_UNITS_OF_THE_PAST
    yield from _read(WATCHING, name, of_past, *limits)


def _watch_by_period(lab: Lab) -> Iterator[Figure]:
    watcher, (name, days) = _Watcher(lab, _FEW), _RANGES[-1]
    first = _today(lab) - timedelta(days=days - 1)
    for granularity in Granularity:
        usage, told = watcher.series(first, _today(lab), granularity)
        if told["totals"]["events"] != days * _USED.events:
            raise RuntimeError("not all days were summed")
        limits = _MOST_CALLS_OF_A_SERIES, _MOST_READ_UNITS_OF_A_SERIES
        yield from _read(SERIES, f"{name} by {granularity}", usage, *limits)


def _list(lab: Lab) -> Iterator[Figure]:
    for organizations in (_SOME, _MANY):
        usage, told = _Watcher(lab, organizations).organizations()
        if (told["total"], len(told["organizations"])) != (organizations, 20):
            raise RuntimeError("not all organizations were listed")
        yield from _read(LISTING, f"20 of {organizations:,}", usage)
        usage, told = _Watcher(lab, organizations).organizations_usage()
        if (told["total"], len(told["organizations"])) != (organizations, 20):
            raise RuntimeError("not all organizations with usage were listed")
        yield from _read(USED, f"20 of {organizations:,}", usage)


def _feed(lab: Lab) -> Iterator[Figure]:
    """Sent in requests of 1 and of 100, and counted request by request or all at once. An event
    that comes alone is counted when it is accepted, unless it is left to the stream."""
    partner_id, ids = "bench-fed", [f"org_{n}" for n in range(BATCH)]
    lab.tenant(partner_id)
    lab.post([samples.organization(partner_id, each) for each in ids])
    lab.count()

    def alone(number: int) -> list[list[Event]]:
        return [[samples.identification(partner_id, ids[0])] for _ in range(number)]

    def full(requests: int, organizations: int = 1) -> list[list[Event]]:
        return [
            [samples.identification(partner_id, ids[n % organizations]) for n in range(BATCH)]
            for _ in range(requests)
        ]

    by_request, at_once = "counted by request", "counted at once"
    alone_as_accepted = _fed(lab, alone(20), 1)
    yield from alone_as_accepted.figures("alone", _MOST_WRITE_UNITS_ALONE)
    leave_to_the_stream(lab.table, partner_id, plus(lab.now, timedelta(days=1)))
    alone_by_request = _fed(lab, alone(20), 1)
    yield from alone_by_request.figures(f"alone, left to the stream, {by_request}")
    name = "write units of a lone identification: counted as accepted / by the stream"
    ratio = alone_as_accepted.write_units / alone_by_request.write_units
    yield Figure(ALTERNATIVES, name, ratio, "ratio")
    full_by_request = _fed(lab, full(4), 1)
    yield from full_by_request.figures(f"in {BATCH}, {by_request}", _MOST_WRITE_UNITS)
    of_many = _fed(lab, full(4, BATCH), 1)
    name = f"in {BATCH} of {BATCH} organizations, {by_request}"
    yield from of_many.figures(name, _MOST_WRITE_UNITS_OF_MANY)
    alone_at_once = _fed(lab, alone(BATCH), BATCH)
    yield from alone_at_once.figures(f"alone, left to the stream, {BATCH} {at_once}")
    full_at_once = _fed(lab, full(10), 10)
    name = f"in {BATCH}, 10 requests {at_once}"
    yield from full_at_once.figures(name, _MOST_WRITE_UNITS)
    # Requests of one event store an entry for each, which full requests would without sums.
    for what, part, whole in (
        ("accept", full_at_once.accepting.write_units, alone_at_once.accepting.write_units),
        ("count", full_at_once.counting.write_units, alone_at_once.counting.write_units),
    ):
        per_event = part / full_at_once.events, whole / alone_at_once.events
        name = f"write units to {what} identifications: an entry per request / per event"
        yield Figure(ALTERNATIVES, name, per_event[0] / per_event[1], "ratio")
    ratio = full_at_once.write_units / alone_at_once.write_units
    name = "write units to accept and count identifications: an entry per request / per event"
    yield Figure(ALTERNATIVES, name, ratio, "ratio")


@dataclass(frozen=True, slots=True)
class _Fed:
    """What it took to accept events and to count them."""

    events: int
    accepting: Metered
    counting: Metered

    @property
    def write_units(self) -> float:
        """Per event."""
        return (self.accepting.write_units + self.counting.write_units) / self.events

    def figures(self, name: str, at_most: float | None = None) -> Iterator[Figure]:
        """Per event; the calls and read units are those of accepting it."""
        accepting, counting = self.accepting, self.counting
        yield Figure(FEEDING, name, accepting.calls / self.events, "calls")
        yield Figure(FEEDING, name, accepting.read_units / self.events, "read units")
        for unit, units in (("accepting", accepting), ("counting", counting)):
            yield Figure(FEEDING, name, units.write_units / self.events, f"write units {unit}")
        yield Figure(FEEDING, name, self.write_units, "write units", at_most)


def _fed(lab: Lab, requests: Sequence[Sequence[Event]], at_once: int) -> _Fed:
    """Send the requests, then deliver the changes of so many of them together."""
    delivered = []
    with lab.meter.measure() as accepting:
        for request in requests:
            lab.post(request)
            delivered.append(lab.changes())
    with lab.meter.measure() as counting:
        for some in batched(delivered, at_once, strict=True):
            changes = [change for of_request in some for change in of_request]
            for batch in batched(changes, BATCH, strict=False):
                count(lab.table, batch, lab.now)
    return _Fed(sum(map(len, requests)), accepting, counting)


def _partner(organizations: int) -> str:
    return f"bench-of-{organizations:04}"  # all of one length, which each read pays for


def _today(lab: Lab) -> date:
    return date.fromisoformat(lab.now[:10])


def _portfolio(lab: Lab, organizations: int) -> None:
    """A partner with usage on every day, and its organizations."""
    partner_id = _partner(organizations)
    lab.tenant(partner_id)
    days = [str(_today(lab) - timedelta(days=n)) for n in range(_DAYS)]
    lab.put(_counter(UsageTotals(partner_id, day)) for day in days)
    month, ids = days[0][:7], map(_organization_id, range(organizations))
    lab.put(_counter(OrganizationMonth(partner_id, month, each)) for each in ids)
    lab.put(item for n in range(organizations) for item in _organization(partner_id, n))
    if lab.count().counted != organizations:
        raise RuntimeError("not all organizations were counted")


def _counter(totals: Totals) -> Mapping[str, Any]:
    """As large as they become: all of it also counted alone."""
    return to_item(totals.key, lone_amounts(_USED))


def _organization_id(n: int) -> str:
    return f"org_{n:05}"


def _organization(partner_id: str, n: int) -> Iterator[Mapping[str, Any]]:
    """The item of the organization, and that of its place in the list."""
    organization_id = _organization_id(n)
    created = OrganizationEvent(
        OrganizationEventKind.CREATED,
        partner_id,
        organization_id,
        Version("2026-01-05T08:00:00.000000000Z", 0, f"bench-{n:08}", "/bench"),
        {"name": f"Organization {n} of the portfolio", "external_id": f"crm-{n:05}"},
    )
    made = new_organization(created)
    stored = organization_attributes(made) | {"revision": 1}
    yield to_item(organization_key(partner_id, organization_id), stored)
    listing = listing_attributes(made.profile)
    yield to_item(listed_organization_key(partner_id, organization_id), listing)


class _Watcher:
    """Sends requests with a key that the function already knows."""

    def __init__(self, lab: Lab, organizations: int) -> None:
        self.lab = lab
        self.key = lab.new_key(_partner(organizations), Scope.USAGE_READ)

    def analytics(self, first: date, last: date) -> tuple[Metered, Mapping[str, Any]]:
        return self._ask("/partner/analytics", startDate=str(first), endDate=str(last))

    def series(
        self, first: date, last: date, granularity: Granularity
    ) -> tuple[Metered, Mapping[str, Any]]:
        days = {"startDate": str(first), "endDate": str(last)}
        return self._ask("/partner/analytics/series", **days, granularity=granularity)

    def organizations_usage(self) -> tuple[Metered, Mapping[str, Any]]:
        return self._ask("/partner/organizations/usage")

    def organizations(self) -> tuple[Metered, Mapping[str, Any]]:
        return self._ask("/partner/organizations")

    def _ask(self, path: str, **query: str) -> tuple[Metered, Mapping[str, Any]]:
        """What the second of two equal requests takes, and its answer."""
        self.lab.request("GET", path, self.key, query=query)
        with self.lab.meter.measure() as usage:
            told = self.lab.request("GET", path, self.key, query=query)
        return usage, told


def _read(
    part: str,
    name: str,
    usage: Metered,
    most_calls: float | None = None,
    most_units: float | None = None,
) -> Iterator[Figure]:
    yield Figure(part, name, usage.calls, "calls", most_calls)
    yield Figure(part, name, usage.read_units, "read units", most_units)
