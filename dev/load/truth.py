"""The numbers that Tally must show for a market, in plain Python.

They follow from the events by the words of the contract; no code is shared with Tally.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from dev.load.market import (
    CHARGES,
    CREDITS,
    REFUND,
    TIERS,
    USES,
    Event,
    Market,
    micros_of,
    units_of,
)


@dataclass(frozen=True, slots=True)
class Used:
    """Usage over some days."""

    identifications: int
    quantity: int
    events: int
    credits: int

    @property
    def cost(self) -> Decimal:
        """The cost of a month: each identification at the price of its tier."""
        cost, below = Decimal(), 0
        for price, upto in TIERS:
            end = self.identifications if upto is None else min(self.identifications, upto)
            cost += max(0, end - below) * Decimal(price)
            below = upto or 0
        return cost


@dataclass(frozen=True, slots=True)
class Portfolio:
    """`organizations`: id -> name and status, newest first. `uses`: the day and data of each."""

    organizations: Mapping[str, Mapping[str, Any]]
    uses: Sequence[tuple[str, Mapping[str, Any]]]
    credit_pool_total: int = CREDITS

    @property
    def active(self) -> int:
        return sum(each["status"] == "active" for each in self.organizations.values())

    def used(self, first: str, last: str) -> Used:
        """From day to day, both included; only identifications have no kind."""
        uses = [data for day, data in self.uses if first <= day <= last]
        found = [data for data in uses if "kind" not in data]
        quantities = [data.get("quantity", 1) for data in found]
        return Used(
            identifications=sum(quantities),
            quantity=sum(data.get("quantity", 1) for data in uses),
            events=len(uses),
            credits=sum(d.get("credits", n) for d, n in zip(found, quantities, strict=True)),
        )


@dataclass(frozen=True, slots=True)
class Truth:
    """What Tally must show, as its API spells it; amounts of the ledger are in micro-units.

    `analytics`: (owner, dataset) -> answer, without the deleted ones. `searches` are newest first,
    as (search_activity_id, charged_amount). `credits`: (provider, currency, dataset) -> net.
    """

    dashboards: Mapping[str, Mapping[str, int]]
    analytics: Mapping[tuple[str, str], Mapping[str, Any]]
    searches: Mapping[str, Sequence[tuple[str, Decimal]]]
    accesses: Mapping[str, Sequence[Mapping[str, Any]]]
    spend: Mapping[str, Mapping[str, Any]]
    debits: Mapping[str, int]
    credits: Mapping[tuple[str, str, str], int]
    portfolio: Portfolio


def truth(market: Market) -> Truth:
    """What Tally must show once all is accepted and counted."""
    # By time, because a market makes its refunds before later events.
    events = sorted((e for phase in market.phases for e in phase), key=lambda e: e["time"])
    by_type: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_type[event["type"]].append(event)
    gone = {e["data"]["dataset_id"] for e in by_type["dataset.deleted"]}
    names = {e["data"]["dataset_id"]: e["data"]["name"] for e in by_type["dataset.created"]}
    owners = {e["data"]["dataset_id"]: e["data"]["tenant_id"] for e in by_type["dataset.created"]}
    analytics = _analytics(events, {d: n for d, n in names.items() if d not in gone}, owners)
    spend, debits, credited = _ledger(market, by_type, owners)
    return Truth(
        dashboards={p: _dashboard(p, events, gone) for p in market.providers},
        analytics=analytics,
        searches={b: _searches(b, by_type["search.performed"]) for b in market.buyers},
        accesses={b: _accesses(b, by_type["dataset.accessed"], names) for b in market.buyers},
        spend=spend,
        debits=debits,
        credits=credited,
        portfolio=_portfolio(events),
    )


def _portfolio(events: Iterable[Event]) -> Portfolio:
    """The portfolio after these events, which are in order of time."""
    organizations: dict[str, dict[str, Any]] = {}
    uses = []
    for event in events:
        data = event["data"]
        match event["type"]:
            case "organization.created":
                created = {"name": data["name"], "status": "active"}
                organizations[data["organization_id"]] = created
            case "organization.updated":
                said = {field: data[field] for field in ("name", "status") if field in data}
                organizations[data["organization_id"]] |= said
            case "organization.deleted":
                del organizations[data["organization_id"]]
            case kind if kind in USES:
                uses.append((event["time"][:10], data))
    return Portfolio(dict(reversed(organizations.items())), uses)


def _objects(events: Iterable[Event]) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """(dataset, object) -> its state after these events, which are in order of time."""
    states: dict[tuple[str, str], dict[str, Any]] = {}
    for event in events:
        noun, _, kind = event["type"].partition(".")
        if noun != "object":
            continue
        key = event["data"]["dataset_id"], event["data"]["object_id"]
        match kind:
            case "uploaded":
                size = event["data"]["size_bytes"]
                states[key] = {"size": size, "review": "pending_review", "indexed": False}
            case "deleted":
                del states[key]
            case "indexed":
                states[key]["indexed"] = True
            case review:
                states[key]["review"] = review
    return states


def _dashboard(provider: str, events: Sequence[Event], gone: set[str]) -> Mapping[str, int]:
    own = [e for e in events if e["data"].get("tenant_id") == provider]
    created = [e["data"]["dataset_id"] for e in own if e["type"] == "dataset.created"]
    objects = [state for (d, _), state in _objects(own).items() if d not in gone]
    return {
        "total_datasets": len([dataset_id for dataset_id in created if dataset_id not in gone]),
        "total_objects": len(objects),
        "total_storage_bytes": sum(state["size"] for state in objects),
    } | {
        f"objects_{review}": sum(state["review"] == review for state in objects)
        for review in ("pending_review", "approved", "rejected")
    }


def _analytics(
    events: Sequence[Event], names: Mapping[str, str], owners: Mapping[str, str]
) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    inside: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for (dataset_id, _), state in _objects(events).items():
        inside[dataset_id].append(state)
    return {
        (owners[dataset_id], dataset_id): {
            "dataset_id": dataset_id,
            "dataset_name": name,
            "object_count": len(inside[dataset_id]),
            "active_object_count": sum(
                state["review"] == "approved" and state["indexed"] for state in inside[dataset_id]
            ),
            "storage_bytes": sum(state["size"] for state in inside[dataset_id]),
        }
        for dataset_id, name in names.items()
    }


def _searches(buyer: str, searches: Iterable[Event]) -> Sequence[tuple[str, Decimal]]:
    own = [e["data"] for e in searches if e["data"]["tenant_id"] == buyer]
    return [(d["search_activity_id"], Decimal(d["charged_amount"])) for d in reversed(own)]


def _accesses(
    buyer: str, accesses: Iterable[Event], names: Mapping[str, str]
) -> Sequence[Mapping[str, Any]]:
    own = [e for e in accesses if e["data"]["tenant_id"] == buyer]
    counts = Counter(e["data"]["dataset_id"] for e in own)
    last = {e["data"]["dataset_id"]: e["time"] for e in own}
    return [
        {
            "dataset_id": dataset_id,
            "dataset_name": names[dataset_id],
            "access_count": counts[dataset_id],
            "last_accessed_at": f"{time[:19]}Z",
        }
        for dataset_id, time in sorted(last.items(), key=lambda item: item[1], reverse=True)
    ]


def _ledger(
    market: Market, by_type: Mapping[str, Sequence[Event]], owners: Mapping[str, str]
) -> tuple[Mapping[str, Mapping[str, Any]], Mapping[str, int], Mapping[Any, int]]:
    """Spend, debits and credits, net of refunds."""
    refunded: Counter[str] = Counter()
    for event in by_type[REFUND]:
        refunded[event["data"]["charge_event"]["id"]] += micros_of(event["data"], "amount")
    net: Counter[tuple[str, str]] = Counter()
    credited: Counter[tuple[str, str, str]] = Counter()
    for kind in CHARGES:
        for event in by_type[kind]:
            data, whole, back = event["data"], micros_of(event["data"]), refunded[event["id"]]
            net[data["tenant_id"], kind] += whole - back
            parts = _parts(data, whole)
            returned = _shares(back, parts) if back else dict.fromkeys(parts, 0)
            for dataset_id, part in parts.items():
                key = owners[dataset_id], data["currency"], dataset_id
                credited[key] += part - returned[dataset_id]
    spend = {
        buyer: {
            "currency": market.currencies[buyer],
            "total_spend": units_of(sum(net[buyer, kind] for kind in CHARGES)),
            "search_spend": units_of(net[buyer, CHARGES[0]]),
            "retrieval_spend": units_of(net[buyer, CHARGES[1]]),
        }
        for buyer in market.buyers
    }
    debits = {buyer: sum(net[buyer, kind] for kind in CHARGES) for buyer in market.buyers}
    return spend, debits, {key: amount for key, amount in credited.items() if amount}


def _parts(data: Mapping[str, Any], whole: int) -> Mapping[str, int]:
    """Dataset -> its part of a charge."""
    if "allocations" in data:
        return {part["dataset_id"]: micros_of(part, "amount") for part in data["allocations"]}
    dataset_ids = data.get("dataset_ids") or [data["dataset_id"]]
    return _shares(whole, dict.fromkeys(dataset_ids, 1))


def _shares(whole: int, weights: Mapping[str, int]) -> Mapping[str, int]:
    """By largest remainder, ties in the order of the names."""
    exact = {n: Fraction(whole * weight, sum(weights.values())) for n, weight in weights.items()}
    shares = {n: int(share) for n, share in exact.items()}
    by_remainder = sorted(exact, key=lambda n: (shares[n] - exact[n], n))
    for name in by_remainder[: whole - sum(shares.values())]:
        shares[name] += 1
    return shares
