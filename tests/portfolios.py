"""Histories of partners' organizations and usage, and a slow model that rules on them.

The model reads DESIGN.md's rules off the whole set of events; it shares no code with the domain.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from tally.aws.table import Table
from tally.partners.items import (
    USAGE_PREFIX,
    lone_usage_from,
    partner_key,
    usage_entry_from,
    usages_pk,
)
from tally.partners.model.usage import LoneUsage, UsageEntry
from tests.world import World

PARTNERS = ("acme", "globex")
ORGANIZATIONS = ("org_1", "org_2")
# Few, so that ties and late events are common; around midnight, a month's end and a leap day.
TIMES = (
    "2024-02-29T12:00:00Z",
    "2026-03-31T23:59:59.999999999Z",
    "2026-04-01T00:00:00Z",
    "2026-04-05T09:00:00Z",
    "2026-04-05T09:30:00Z",
)
RANKS = {"created": 0, "updated": 1, "deleted": 4}
FIELDS = ("identifications", "quantity", "events", "credits")

type Event = dict[str, Any]
type Sums = Mapping[str, Mapping[str, int]]
"""Day -> field -> amount, of days with any usage."""


@st.composite
def portfolio_histories(draw: st.DrawFn, *, most: int = 25) -> list[Event]:
    """Events of two partners whose organizations have the same names, in order of arrival."""
    kind = st.sampled_from(
        ["organization.created", "organization.updated", "organization.deleted"]
        + ["identification.recorded"] * 3
        + ["usage.recorded"] * 2
    )
    drawn = draw(
        st.lists(
            st.tuples(
                kind,
                st.sampled_from(PARTNERS),
                st.sampled_from(ORGANIZATIONS),
                st.sampled_from(TIMES),
                st.integers(0, 9),
            ),
            max_size=most,
        )
    )
    first = [
        ("organization.created", partner, organization, TIMES[0], 0)
        for partner in PARTNERS
        for organization in ORGANIZATIONS
    ]
    return [_event(n, *each) for n, each in enumerate([*first, *drawn])]


def _event(  # noqa: PLR0917  a drawn tuple, spread
    n: int, kind: str, partner: str, organization: str, time: str, number: int
) -> Event:
    data: Event = {"partner_id": partner, "organization_id": organization}
    if kind in ("organization.created", "organization.updated"):
        data["name"] = f"Name {number}"
        if number % 3:
            data["status"] = ("active", "suspended", "canceled")[number // 3 - 1]
    if kind == "identification.recorded":
        data |= {"quantity": number} if number % 2 else {}
        data |= {"credits": number * 2} if number % 3 else {}
    if kind == "usage.recorded":
        data |= {"kind": "page_view", "quantity": number}
    return {
        "specversion": "1.0",
        "id": f"e{n:03}",
        "source": "/test",
        "type": kind,
        "time": time,
        "data": data,
    }


def organizations(accepted: Sequence[Event]) -> tuple[int, int]:
    """How many organizations a partner has after these events, and how many of them are active."""
    about: dict[str, list[Event]] = defaultdict(list)
    for event in accepted:
        if event["type"].startswith("organization."):
            about[event["data"]["organization_id"]].append(event)
    there = [life for said in about.values() if (life := _life(said))]
    return len(there), sum(_status(life) == "active" for life in there)


def _life(said: Sequence[Event]) -> Sequence[Event]:
    """What was said of an organization since its last deletion, oldest first."""
    in_order = sorted(said, key=_version)
    deleted = [n for n, event in enumerate(in_order) if event["type"] == "organization.deleted"]
    return in_order[deleted[-1] + 1 :] if deleted else in_order


def _status(life: Sequence[Event]) -> str:
    stated = [event["data"]["status"] for event in life if "status" in event["data"]]
    return stated[-1] if stated else "active"


def _version(event: Event) -> tuple[str, int, str]:
    time = event["time"].removesuffix("Z")
    return f"{time:.<29}", RANKS[event["type"].partition(".")[2]], event["id"]


def usage(accepted: Iterable[Event]) -> Sums:
    """A partner's usage, day by day."""
    days: dict[str, Counter[str]] = defaultdict(Counter)
    for event in accepted:
        if event["type"].startswith("organization."):
            continue
        data, is_identification = event["data"], event["type"] == "identification.recorded"
        quantity = data.get("quantity", 1)
        days[event["time"][:10]].update(
            identifications=quantity if is_identification else 0,
            quantity=quantity,
            events=1,
            credits=data.get("credits", quantity) if is_identification else 0,
        )
    return {day: dict(sums) for day, sums in days.items()}


def usage_of_organizations(accepted: Iterable[Event]) -> Mapping[str, Sums]:
    """A partner's usage, month by month and in each organization by organization."""
    by_organization: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in accepted:
        by_organization[event["time"][:7], event["data"].get("organization_id", "")].append(event)
    months: dict[str, dict[str, Mapping[str, int]]] = defaultdict(dict)
    for (month, organization), events in by_organization.items():
        if days := usage(events):
            months[month][organization] = {
                field: sum(day[field] for day in days.values()) for field in FIELDS
            }
    return months


def counted_of_organizations(world: World, partner_id: str) -> Mapping[str, Sums]:
    """What the organizations' months say."""
    months: dict[str, dict[str, Mapping[str, int]]] = defaultdict(dict)
    for item in world.table.query(f"USED#{partner_id}", "MONTH#"):
        _, month, organization = item["SK"].split("#")
        months[month][organization] = {field: item.get(field, 0) for field in FIELDS}
    return months


def entered(entries: Iterable[UsageEntry | LoneUsage]) -> Sums:
    """What the stored entries add up to."""
    days: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        days[entry.day].update(entry.usage._asdict())
    return {day: dict(sums) for day, sums in days.items()}


def counted(world: World, partner_id: str) -> Sums:
    """What the days' counters say."""
    partition, days = partner_key(partner_id).pk, "USED#DAY#"
    return {
        item["SK"].removeprefix(days): {field: item.get(field, 0) for field in FIELDS}
        for item in world.table.query(partition, days)
    }


def usage_entries(table: Table, partner_id: str) -> Iterator[UsageEntry | LoneUsage]:
    """All usage entries of a partner, oldest day first; then what its days have of lone events."""
    for item in table.query(usages_pk(partner_id), USAGE_PREFIX, consistent=True):
        yield usage_entry_from(item)
    for item in table.query(partner_key(partner_id).pk, "USED#DAY#", consistent=True):
        if "lone_e" in item:
            yield lone_usage_from(item)
