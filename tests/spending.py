"""Histories of searches, accesses and refunds: a Hypothesis strategy, and a slow set of books.

The books read DESIGN.md's rules off the accepted events; they share no code with the domain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor
from typing import Any

from hypothesis import strategies as st

# Two currencies; "ada" also provides, so that a buyer may owe itself.
BUYERS = {"ada": "USD", "bob": "EUR"}
OWNERS = {"d1": "north", "d2": "south", "d3": "south", "d4": "ada"}
PROVIDERS = ("north", "south", "ada")
CREATED_AT = "2026-01-01T00:00:00Z"
# A history begins when March is open beside April; by its end it may be closed, and May begun.
BEGIN = "2026-04-01T02:00:00.000000000Z"
WAITS_H = (0, 0, 0, 2, 4, 24 * 30)
_TIMES = (
    "2026-02-27T12:00:00Z",
    "2026-03-31T23:59:59Z",
    "2026-04-01T00:00:00Z",
    "2026-04-01T01:00:00Z",
    "2026-04-01T01:00:00Z",
)

type Event = dict[str, Any]
type Moment = str


def creations() -> list[Event]:
    return [
        _event(f"create-{dataset}", "dataset.created", CREATED_AT, tenant_id=owner)
        | {"data": {"tenant_id": owner, "dataset_id": dataset, "name": dataset.upper()}}
        for dataset, owner in OWNERS.items()
    ]


@st.composite
def spending(draw: st.DrawFn, *, most: int = 20) -> list[Event]:
    """Events in order of arrival. Charges are few and refunds many, so that these meet: partial
    ones, several, too big, before their charge, of a foreign one or of none. Some events come
    under an id that another has, be it the charge that they refund."""
    events: list[Event] = []
    for n in range(draw(st.integers(1, most))):
        shared = draw(st.integers(0, 9)) == 0
        event_id = f"e{draw(st.integers(0, n))}" if shared else f"e{n}"
        charges = [event for event in events if event["type"] != "charge.refunded"]
        kind = draw(st.sampled_from(["search", "access", "refund", "refund"]))
        if kind == "refund" and (charges or draw(st.booleans())):
            events.append(draw(_refunds(event_id, charges)))
        elif kind == "access":
            events.append(draw(_accesses(event_id)))
        else:
            events.append(draw(_searches(event_id)))
    return events


_buyers = st.sampled_from(sorted(BUYERS))
_times = st.sampled_from(_TIMES)
_micros = st.one_of(st.integers(0, 12), st.integers(0, 10**9), st.just(10**18 - 1))


@st.composite
def _searches(draw: st.DrawFn, event_id: str) -> Event:
    datasets = draw(st.lists(st.sampled_from(sorted(OWNERS)), min_size=1, unique=True))
    amount = draw(_micros)
    data = {
        **_charged(draw(_buyers), amount, draw(st.integers(0, 19)) == 0),
        "query_text": "invoices",
        "dataset_ids": datasets,
        "result_count": 3,
    }
    if draw(st.booleans()):
        cuts = sorted(draw(st.lists(st.integers(0, amount), max_size=len(datasets) - 1)))
        ends = [*cuts, amount]
        data["allocations"] = [
            {"dataset_id": dataset, "amount": text_of(end - start)}
            for dataset, start, end in zip(datasets, [0, *cuts], ends, strict=False)
        ]
    return _event(event_id, "search.performed", draw(_times), **data)


@st.composite
def _accesses(draw: st.DrawFn, event_id: str) -> Event:
    dataset = draw(st.sampled_from([*OWNERS, *OWNERS, "unknown"]))
    data = _charged(draw(_buyers), draw(_micros), draw(st.integers(0, 19)) == 0)
    kind = draw(st.sampled_from(["retrieval", "download"]))
    return _event(event_id, "dataset.accessed", draw(_times), **data, dataset_id=dataset, kind=kind)


@st.composite
def _refunds(draw: st.DrawFn, event_id: str, charges: Sequence[Event]) -> Event:
    of = draw(st.sampled_from(charges)) if charges else None
    whole = _amount(of) if of else 5
    amount = draw(
        st.one_of(
            st.sampled_from([0, 1, whole // 3, whole // 2, whole, whole + 1]),
            st.integers(0, whole),
        )
    )
    rightful = of["data"]["tenant_id"] if of else "ada"
    buyer = draw(st.sampled_from([rightful, rightful, rightful, *sorted(BUYERS)]))
    known = of["id"] if of else f"e{draw(st.integers(0, 30))}"
    return _event(
        event_id,
        "charge.refunded",
        draw(_times),
        tenant_id=buyer,
        charge_event={"source": "/test", "id": known},
        amount=text_of(min(amount, 10**18 - 1)),
        currency=BUYERS[buyer],
    )


def _charged(buyer: str, amount: int, wrong: bool) -> dict[str, Any]:  # noqa: FBT001  drawn by position
    currency = "CHF" if wrong else BUYERS[buyer]
    return {"tenant_id": buyer, "charged_amount": text_of(amount), "currency": currency}


def _event(event_id: str, event_type: str, time: str, **data: Any) -> Event:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "/test",
        "type": event_type,
        "time": time,
        "data": data,
    }


def text_of(micros: int) -> str:
    return f"{micros // 10**6}.{micros % 10**6:06}"


def micros_of(text: str) -> int:
    return int(Fraction(text) * 10**6)


def _amount(event: Event) -> int:
    data = event["data"]
    return micros_of(data["amount" if event["type"] == "charge.refunded" else "charged_amount"])


# ------------------------------------------------------------------------ the books


@dataclass(frozen=True)
class Entry:
    """What a charge or a refund must have written: a buyer's debit and the providers' credits.

    `lines`, dataset -> amount, is None for a refund that was not the first of its charge: the
    contract then only says how near its rounding must be.
    """

    buyer: str
    kind: str
    currency: str
    period: str
    amount: int
    lines: Mapping[str, int] | None


@dataclass
class Books:
    """What was accepted, and when: event id -> event, and the moment. It is told by `take`."""

    accepted: dict[str, tuple[Event, Moment]] = field(default_factory=dict)

    def take(self, event: Event, now: Moment) -> None:
        """Accepted now, or before: then as the same event."""
        known, _ = self.accepted.setdefault(event["id"], (event, now))
        assert known == event, "two events were accepted under one id"

    def verdict(self, event: Event) -> str:
        """accepted, duplicate, or the code of a rejection, were the event to come now."""
        if event["id"] in self.accepted:
            known, _ = self.accepted[event["id"]]
            return "duplicate" if known == event else "event_conflict"
        data = event["data"]
        if event["type"] == "charge.refunded":
            charge = self._charge_of(event)
            if charge is None or charge["data"]["tenant_id"] != data["tenant_id"]:
                return "unknown_charge"
            if _amount(event) > _amount(charge) - sum(map(_amount, self.refunds_of(charge["id"]))):
                return "refund_exceeds_charge"
            return "accepted"
        if data["currency"] != BUYERS[data["tenant_id"]]:
            return "currency_mismatch"
        return "accepted" if set(_datasets(event)) <= OWNERS.keys() else "unknown_dataset"

    def charges(self) -> Iterator[Event]:
        return (e for e, _ in self.accepted.values() if e["type"] != "charge.refunded")

    def refunds_of(self, charge_id: str) -> list[Event]:
        refunds = (e for e, _ in self.accepted.values() if e["type"] == "charge.refunded")
        return [e for e in refunds if e["data"]["charge_event"]["id"] == charge_id]

    def entries(self) -> dict[str, Entry]:
        """Event id -> what stands in the ledger for it; events of nothing are absent."""
        result = {}
        for event, now in self.accepted.values():
            refund = event["type"] == "charge.refunded"
            charge = self._charge_of(event) if refund else event
            assert charge is not None
            amount = _amount(event)
            lines: Mapping[str, int] | None = shares(charge)
            if refund:
                only = [event] == [e for e in self.refunds_of(charge["id"]) if _amount(e)]
                part = _split(amount, shares(charge)) if only else {}
                lines = {dataset: -share for dataset, share in part.items()} if only else None
            if amount:
                result[event["id"]] = Entry(
                    buyer=event["data"]["tenant_id"],
                    kind="search" if charge["type"] == "search.performed" else "retrieval",
                    currency=event["data"]["currency"],
                    period=period_of(event["time"], now),
                    amount=-amount if refund else amount,
                    lines=lines and {dataset: share for dataset, share in lines.items() if share},
                )
        return result

    def spend(self) -> Counter[tuple[str, str, str]]:
        """(buyer, period, kind) -> micro-units, net of refunds."""
        spent: Counter[tuple[str, str, str]] = Counter()
        for entry in self.entries().values():
            spent[entry.buyer, entry.period, entry.kind] += entry.amount
        return spent

    def searches(self, buyer: str) -> list[tuple[str, str]]:
        """(occurred at, charged amount) of each, sorted."""
        found = [e for e in self.charges() if e["type"] == "search.performed"]
        own = [e for e in found if e["data"]["tenant_id"] == buyer]
        return sorted((e["time"], e["data"]["charged_amount"]) for e in own)

    def accesses(self, buyer: str) -> dict[str, tuple[int, str]]:
        """Dataset -> how often it was accessed, and when last."""
        found = [e for e in self.charges() if e["type"] == "dataset.accessed"]
        times: dict[str, list[str]] = {}
        for event in found:
            if event["data"]["tenant_id"] == buyer:
                times.setdefault(event["data"]["dataset_id"], []).append(event["time"])
        return {dataset: (len(each), max(each)) for dataset, each in times.items()}

    def _charge_of(self, refund: Event) -> Event | None:
        charges = {charge["id"]: charge for charge in self.charges()}
        return charges.get(refund["data"]["charge_event"]["id"])


def shares(charge: Event) -> dict[str, int]:
    """Dataset -> its part of a charge."""
    data = charge["data"]
    if data.get("allocations"):
        return {each["dataset_id"]: micros_of(each["amount"]) for each in data["allocations"]}
    return _split(_amount(charge), dict.fromkeys(_datasets(charge), 1))


def _datasets(charge: Event) -> list[str]:
    data = charge["data"]
    found: list[str] = data.get("dataset_ids") or [data["dataset_id"]]
    return found


def _split(whole: int, weights: Mapping[str, int]) -> dict[str, int]:
    """By largest remainder, ties in the order of the names."""
    exact = {name: Fraction(whole * w, sum(weights.values())) for name, w in weights.items()}
    parts = {name: floor(share) for name, share in exact.items()}
    for name in sorted(exact, key=lambda n: (parts[n] - exact[n], n))[
        : whole - sum(parts.values())
    ]:
        parts[name] += 1
    return parts


def period_of(time: str, now: Moment) -> str:
    """The month of `time` until 05:00 UTC on the 1st of the next; later the present one."""
    of = datetime.fromisoformat(time)
    came = datetime.fromisoformat(f"{now[:19]}Z")
    following = datetime(of.year + of.month // 12, of.month % 12 + 1, 1, tzinfo=UTC)
    return (time if came < following + timedelta(hours=5) else now)[:7]
