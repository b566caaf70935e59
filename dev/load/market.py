"""A made-up market to load Tally with: tenants, and events that are all valid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from random import Random
from typing import Any

type Event = dict[str, Any]

# Tenants by number. Some are both provider and buyer, and some are billed in euros. One that is
# both is also the partner of all organizations and their usage.
_TENANTS, _PROVIDERS, _BUYERS, _IN_EUROS, _PARTNER = 10, range(6), range(4, 10), (8, 9), 5
# Lives of objects, in order of time; their events are sent in any order.
_LIVES = (
    ("uploaded",),
    ("uploaded", "approved", "indexed"),
    ("uploaded", "rejected"),
    ("uploaded", "indexed", "approved"),
    ("uploaded", "approved", "indexed", "uploaded", "rejected"),
    ("uploaded", "approved", "deleted"),
    ("uploaded", "approved", "indexed", "deleted", "uploaded", "approved"),
)
REFUND = "charge.refunded"
CHARGES = "search.performed", "dataset.accessed"
USES = "identification.recorded", "usage.recorded"
_MOST_ORGANIZATIONS = 60
# This part of the usage events is late, by up to so many days.
_LATE, _LATEST_DAYS = 0.3, 99
CREDITS = 10**11
# The price, and up to which identification of a month it holds.
TIERS = (("0.05", 100), ("0.0315", 2_000), ("0.000001", None))


@dataclass(frozen=True, slots=True)
class Market:
    """`phases`: the events to send. A phase needs the ones before it; in it any order will do.

    All events are of one month, `period`, except for usage, which may be older.
    """

    currencies: Mapping[str, str]
    providers: Sequence[str]
    buyers: Sequence[str]
    partner: str
    period: str
    phases: Sequence[Sequence[Event]]


def make(name: str, number: int, random: Random, now: datetime) -> Market:
    """A market of so many events, at least 100; ids of tenants and datasets begin with `name`."""
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
        # Every provider gets one first, so that none is without even in a small market.
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
        for n, (price, upto) in enumerate(TIERS):
            ends = {"price_per_identification": price, "min_usage": below, "max_usage": upto}
            tiers.append({"tier": n} | ends)
            below = upto or 0
        return self._of_partner(
            "partner.configured", credit_pool_total=CREDITS, pricing_tiers=tiers
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
        """Refunds of every second charge: a part of it, all of it, or all of it in two steps."""
        charges = [e for e in events if e["type"] in CHARGES and micros_of(e["data"])]
        for charge in self.random.sample(charges, len(charges) // 2):
            whole = micros_of(charge["data"])
            part = self.random.randint(1, whole)
            for amount in self.random.choice(((part,), (whole,), (part, whole - part))):
                yield self._event(
                    REFUND,
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
        """Usage of an organization, some more often than others; or a change of its profile."""
        weights = range(1, len(self.organizations) + 1)
        (organization_id,) = self.random.choices(self.organizations, weights=weights)
        of = {"organization_id": organization_id}
        quantity = self.random.randint(0, self.random.choice((3, 10**6)))
        (kind,) = self.random.choices(("all", "one", "usage", "update"), weights=(40, 30, 25, 5))
        match kind:
            case "all":
                amounts = {"quantity": quantity, "credits": self.random.randrange(1_000)}
                yield self._of_partner(USES[0], **of, **amounts)
            case "one":
                yield self._of_partner(USES[0], **of)
            case "usage":
                kind = self.random.choice(("page_view", "session"))
                yield self._of_partner(USES[1], **of, kind=kind, quantity=quantity)
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


def _set_times(phases: Sequence[Sequence[Event]], now: datetime, random: Random) -> None:
    """Spread over the last hour, or since the month began.

    Only usage may be older: the order in time matters for all other events.
    """
    events = sorted((e for phase in phases for e in phase), key=lambda e: e["id"])
    begun = max(
        now - timedelta(hours=1), now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    )
    step = max((now - begun) / len(events), timedelta(microseconds=1))
    for n, event in enumerate(events):
        time = begun + n * step
        if event["type"] in USES and random.random() < _LATE:
            time -= timedelta(days=random.randint(0, _LATEST_DAYS))
        event["time"] = f"{time:%Y-%m-%dT%H:%M:%S.%f}Z"


def micros_of(data: Mapping[str, Any], name: str = "charged_amount") -> int:
    return int(Decimal(data[name]).scaleb(6))


def units_of(micros: int) -> Decimal:
    return Decimal(micros).scaleb(-6)


def _written(micros: int) -> str:
    return f"{units_of(micros):f}"
