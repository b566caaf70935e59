"""A made-up market to load Tally with, and what Tally must tell of it, in plain Python.

The truth is read off what was sent by the contract's own words; it shares no code with Tally.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from random import Random
from typing import Any

type Event = dict[str, Any]

# Tenants by number: some are providers and buyers at once, and some are billed in euros. One of
# both has a portfolio beside, and is the partner of all that is identified and used.
_TENANTS, _PROVIDERS, _BUYERS, _IN_EUROS, _PARTNER = 10, range(6), range(4, 10), (8, 9), 5
# What becomes of an object, in order of time; its events are sent in any order.
_LIVES = (
    ("uploaded",),
    ("uploaded", "approved", "indexed"),
    ("uploaded", "rejected"),
    ("uploaded", "indexed", "approved"),
    ("uploaded", "approved", "indexed", "uploaded", "rejected"),
    ("uploaded", "approved", "deleted"),
    ("uploaded", "approved", "indexed", "deleted", "uploaded", "approved"),
)
_REFUND = "charge.refunded"
_CHARGES = "search.performed", "dataset.accessed"
_USES = "identification.recorded", "usage.recorded"
_MOST_ORGANIZATIONS = 60
# A part of what was used is told of as late as this.
_LATE, _LATEST_DAYS = 0.3, 99
_CREDITS = 10**11
# Price, up to which identification of a month.
_TIERS = (("0.05", 100), ("0.0315", 2_000), ("0.000001", None))


@dataclass(frozen=True, slots=True)
class Market:
    """`phases`: what is sent; each needs those before it to be accepted, and is in no order.

    All of it lies in one month, `period`, but for usage, which may be older.
    """

    currencies: Mapping[str, str]
    providers: Sequence[str]
    buyers: Sequence[str]
    partner: str
    period: str
    phases: Sequence[Sequence[Event]]


@dataclass(frozen=True, slots=True)
class Used:
    """What was used in some days."""

    identifications: int
    quantity: int
    events: int
    credits: int

    @property
    def cost(self) -> Decimal:
        """If the days are a month: each identification at the price of its own tier."""
        cost, below = Decimal(), 0
        for price, upto in _TIERS:
            end = self.identifications if upto is None else min(self.identifications, upto)
            cost += max(0, end - below) * Decimal(price)
            below = upto or 0
        return cost


@dataclass(frozen=True, slots=True)
class Portfolio:
    """`organizations`: id -> name and status, newest first. `uses`: the day and data of each."""

    organizations: Mapping[str, Mapping[str, Any]]
    uses: Sequence[tuple[str, Mapping[str, Any]]]
    credit_pool_total: int = _CREDITS

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
    """What Tally must tell, as its API spells it; amounts of the ledger are in micro-units.

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


def make(name: str, number: int, random: Random, now: datetime) -> Market:
    """So many events, at least 100, of tenants and datasets whose ids begin with `name`."""
    tenants = [f"{name}-{n}" for n in range(_TENANTS)]
    currencies = {t: "EUR" if n in _IN_EUROS else "USD" for n, t in enumerate(tenants)}
    providers, buyers = [tenants[n] for n in _PROVIDERS], [tenants[n] for n in _BUYERS]
    world = _World(name, random, providers, buyers, tenants[_PARTNER], currencies)
    few = max(10, number // 100)
    datasets = [world.dataset() for _ in range(few)]
    organizations = [world.organization() for _ in range(min(few, _MOST_ORGANIZATIONS))]
    beginnings = [*datasets, world.terms(), *organizations]
    endings = few // 10 + len(organizations) // 5
    refunds = number // 12
    goings_on = list(islice(world.activity(), number - len(beginnings) - endings - refunds))
    cut = len(goings_on) * 3 // 5
    first, rest = goings_on[:cut], goings_on[cut:]
    later = [*rest, *islice(world.refunds(first), refunds)]
    # In a small market there may be too few charges to refund.
    later += islice(world.activity(), refunds + len(rest) - len(later))
    later += [world.deletion(event) for event in random.sample(datasets, few // 10)]
    leaving = random.sample(organizations, len(organizations) // 5)
    later += [world.departure(event) for event in leaving]
    phases = [beginnings, first, later]
    _set_times(phases, now, random)
    return Market(currencies, providers, buyers, world.partner, f"{now:%Y-%m}", phases)


@dataclass(slots=True)
class _World:
    """Makes events in the order of their times."""

    name: str
    random: Random
    providers: Sequence[str]
    buyers: Sequence[str]
    partner: str
    currencies: Mapping[str, str]
    organizations: list[str] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)
    made: int = 0

    def dataset(self) -> Event:
        dataset_id = f"{self.name}-d{len(self.owners)}"
        # The first are spread over all, so that even a small market has no provider without any.
        place = len(self.owners)
        of_all = place < len(self.providers)
        owner = self.providers[place] if of_all else self.random.choice(self.providers)
        self.owners[dataset_id] = owner
        name = f"Dataset {place}"
        return self._event("dataset.created", owner, dataset_id=dataset_id, name=name)

    def deletion(self, created: Event) -> Event:
        owner, dataset_id = created["data"]["tenant_id"], created["data"]["dataset_id"]
        return self._event("dataset.deleted", owner, dataset_id=dataset_id)

    def terms(self) -> Event:
        tiers, below = [], 0
        for n, (price, upto) in enumerate(_TIERS):
            ends = {"price_per_identification": price, "min_usage": below, "max_usage": upto}
            tiers.append({"tier": n} | ends)
            below = upto or 0
        return self._of_partner(
            "partner.configured", credit_pool_total=_CREDITS, pricing_tiers=tiers
        )

    def organization(self) -> Event:
        number = len(self.organizations)
        self.organizations.append(f"org_{number}")
        return self._of_partner(
            "organization.created",
            organization_id=self.organizations[-1],
            name=f"Organization {number}",
        )

    def departure(self, created: Event) -> Event:
        organization_id = created["data"]["organization_id"]
        return self._of_partner("organization.deleted", organization_id=organization_id)

    def activity(self) -> Iterator[Event]:
        while True:
            kinds = (self._life, self._search, self._access, self._use)
            (kind,) = self.random.choices(kinds, weights=(20, 30, 20, 30))
            yield from kind()

    def refunds(self, events: Iterable[Event]) -> Iterator[Event]:
        """Of every second charge: a part, all at once, or all in two steps."""
        charges = [e for e in events if e["type"] in _CHARGES and _micros(e["data"])]
        for charge in self.random.sample(charges, len(charges) // 2):
            whole = _micros(charge["data"])
            part = self.random.randint(1, whole)
            for amount in self.random.choice(((part,), (whole,), (part, whole - part))):
                yield self._event(
                    _REFUND,
                    charge["data"]["tenant_id"],
                    charge_event={"source": charge["source"], "id": charge["id"]},
                    amount=_written(amount),
                    currency=charge["data"]["currency"],
                )

    def _life(self) -> Iterator[Event]:
        dataset_id, owner = self.random.choice(list(self.owners.items()))
        about = {"dataset_id": dataset_id, "object_id": f"obj_{self.made}"}
        for kind in self.random.choice(_LIVES):
            size = {"size_bytes": self.random.randrange(2**31)} if kind == "uploaded" else {}
            yield self._event(f"object.{kind}", owner, **about, **size)

    def _search(self) -> Iterator[Event]:
        buyer, amount = self._charge()
        searched = self.random.sample(list(self.owners), self.random.randint(1, 3))
        allocations = {}
        if self.random.random() < 0.5:
            cuts = sorted(self.random.randint(0, amount) for _ in searched[1:])
            parts = [b - a for a, b in zip([0, *cuts], [*cuts, amount], strict=True)]
            allocated = zip(searched, parts, strict=True)
            allocations["allocations"] = [
                {"dataset_id": dataset_id, "amount": _written(part)}
                for dataset_id, part in allocated
            ]
        yield self._event(
            "search.performed",
            buyer,
            search_activity_id=f"sa_{self.made}",
            query_text=f"invoices of {self.made}",
            dataset_ids=searched,
            result_count=self.random.randrange(100),
            charged_amount=_written(amount),
            currency=self.currencies[buyer],
            **allocations,
        )

    def _access(self) -> Iterator[Event]:
        buyer, amount = self._charge()
        yield self._event(
            "dataset.accessed",
            buyer,
            dataset_id=self.random.choice(list(self.owners)),
            kind=self.random.choice(("retrieval", "download")),
            charged_amount=_written(amount),
            currency=self.currencies[buyer],
        )

    def _use(self) -> Iterator[Event]:
        """Of an organization, some more often than others; now and then it changes itself."""
        weights = range(1, len(self.organizations) + 1)
        (organization_id,) = self.random.choices(self.organizations, weights=weights)
        of = {"organization_id": organization_id}
        quantity = self.random.randint(0, self.random.choice((3, 10**6)))
        (kind,) = self.random.choices(("all", "one", "usage", "update"), weights=(40, 30, 25, 5))
        match kind:
            case "all":
                amounts = {"quantity": quantity, "credits": self.random.randrange(1_000)}
                yield self._of_partner(_USES[0], **of, **amounts)
            case "one":
                yield self._of_partner(_USES[0], **of)
            case "usage":
                kind = self.random.choice(("page_view", "session"))
                yield self._of_partner(_USES[1], **of, kind=kind, quantity=quantity)
            case _:
                status = self.random.choice(("active", "suspended", "canceled", None))
                said = {"status": status} if status else {}
                name = f"Renamed {self.made}"
                yield self._of_partner("organization.updated", **of, name=name, **said)

    def _charge(self) -> tuple[str, int]:
        """A buyer, some more often than others, and micro-units: few, many, or none."""
        (buyer,) = self.random.choices(self.buyers, weights=range(1, len(self.buyers) + 1))
        most = self.random.choice((0, 10, 5_000_000, 5_000_000, 10**15))
        return buyer, self.random.randint(0, most)

    def _event(self, kind: str, tenant_id: str, /, **data: object) -> Event:
        return self._made(kind, {"tenant_id": tenant_id} | data)

    def _of_partner(self, kind: str, /, **data: object) -> Event:
        return self._made(kind, {"partner_id": self.partner} | data)

    def _made(self, kind: str, data: Mapping[str, object]) -> Event:
        self.made += 1
        return {
            "specversion": "1.0",
            "id": f"{self.made:08}",
            "source": f"/{self.name}",
            "type": kind,
            "data": data,
        }


def truth(market: Market) -> Truth:
    """What Tally must tell once all was accepted and counted."""
    # Not in the order of their making: a market makes its refunds before it is over.
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
    """After events in the order of their times."""
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
            case kind if kind in _USES:
                uses.append((event["time"][:10], data))
    return Portfolio(dict(reversed(organizations.items())), uses)


def _objects(events: Iterable[Event]) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """(dataset, object) -> its state after events in the order of their times."""
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
    for event in by_type[_REFUND]:
        refunded[event["data"]["charge_event"]["id"]] += _micros(event["data"], "amount")
    net: Counter[tuple[str, str]] = Counter()
    credited: Counter[tuple[str, str, str]] = Counter()
    for kind in _CHARGES:
        for event in by_type[kind]:
            data, whole, back = event["data"], _micros(event["data"]), refunded[event["id"]]
            net[data["tenant_id"], kind] += whole - back
            parts = _parts(data, whole)
            returned = _shares(back, parts) if back else dict.fromkeys(parts, 0)
            for dataset_id, part in parts.items():
                key = owners[dataset_id], data["currency"], dataset_id
                credited[key] += part - returned[dataset_id]
    spend = {
        buyer: {
            "currency": market.currencies[buyer],
            "total_spend": _units(sum(net[buyer, kind] for kind in _CHARGES)),
            "search_spend": _units(net[buyer, _CHARGES[0]]),
            "retrieval_spend": _units(net[buyer, _CHARGES[1]]),
        }
        for buyer in market.buyers
    }
    debits = {buyer: sum(net[buyer, kind] for kind in _CHARGES) for buyer in market.buyers}
    return spend, debits, {key: amount for key, amount in credited.items() if amount}


def _parts(data: Mapping[str, Any], whole: int) -> Mapping[str, int]:
    """Dataset -> its part of a charge."""
    if "allocations" in data:
        return {part["dataset_id"]: _micros(part, "amount") for part in data["allocations"]}
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


def _set_times(phases: Sequence[Sequence[Event]], now: datetime, random: Random) -> None:
    """One after the other, up to now, in the last hour; not before the month began.

    Only what was used may be of days long gone: no other event is resolved by its time.
    """
    events = sorted((e for phase in phases for e in phase), key=lambda e: e["id"])
    begun = max(
        now - timedelta(hours=1), now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    )
    step = max((now - begun) / len(events), timedelta(microseconds=1))
    for n, event in enumerate(events):
        time = begun + n * step
        if event["type"] in _USES and random.random() < _LATE:
            time -= timedelta(days=random.randint(0, _LATEST_DAYS))
        event["time"] = f"{time:%Y-%m-%dT%H:%M:%S.%f}Z"


def _micros(data: Mapping[str, Any], name: str = "charged_amount") -> int:
    return int(Decimal(data[name]).scaleb(6))


def _units(micros: int) -> Decimal:
    return Decimal(micros).scaleb(-6)


def _written(micros: int) -> str:
    return f"{_units(micros):f}"
