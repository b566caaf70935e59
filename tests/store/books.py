"""Books to check the table against, and a client that has them checked after each write."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from tally.access.model.scopes import Scope
from tally.aws.items import from_item
from tally.intake.accepting import Accepted, Duplicate, Outcome, ingest
from tally.intake.cloudevents import read_event
from tally.kernel.events import Door, Rejected
from tally.kernel.keys import Key
from tally.ledger.items import (
    buyer_month_key,
    charge_from,
    entry_from,
    key_of_entry,
    period_key,
    provider_month_key,
)
from tally.ledger.model.entries import EntrySide, LedgerEntry
from tally.ledger.spend import spend_of
from tests.builders import event
from tests.faults import Crash, FaultyClient
from tests.spending import (
    BEGIN,
    BUYERS,
    OWNERS,
    PROVIDERS,
    Books,
    Entry,
    Event,
    creations,
    shares,
)
from tests.world import World

SPEND = "/v1/buyer/spend"
SEARCHES = "/v1/agent/activity/searches?limit=100"
ACCESSES = "/v1/agent/activity/accesses?limit=100"
TEST = {"source": "/test"}
MONTHS = ("2026-02", "2026-03", "2026-04", "2026-05", "2026-06")


def items_of(world: World) -> dict[Key, dict[str, Any]]:
    """All that the books are made of, out of moto's memory: audits are many, and its scans slow."""
    table = dynamodb_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].tables[world.table.name]
    items = {Key(i.hash_key.value, i.range_key.value): i for i in table.all_items() if i.range_key}
    return {
        key: from_item({name: value.to_regular_json() for name, value in item.attrs.items()})
        for key, item in items.items()
        if key.pk.startswith(("LEDGER#", "PERIOD", "EVENT#"))
    }


def ledger(items: Mapping[Key, dict[str, Any]]) -> list[LedgerEntry]:
    """Every entry of every tenant, each in the place that its fields name."""
    entries = []
    for key, item in items.items():
        if key.pk.startswith("LEDGER#"):
            entries.append(entry_from(item))
            assert key_of_entry(entries[-1]) == key
    return entries


def audit(world: World) -> None:
    """What must be true of the table at every instant, between any two writes."""
    stored = items_of(world)
    entries = ledger(stored)
    sums: Counter[tuple[str, EntrySide]] = Counter()
    for entry in entries:
        sums[entry.posting.currency, entry.side] += entry.amount
        sums[entry.posting.entry_id, entry.side] += entry.amount
    for currency_or_event, _ in list(sums):
        debits = sums[currency_or_event, EntrySide.DEBIT]
        assert debits == sums[currency_or_event, EntrySide.CREDIT], currency_or_event
    for entry in entries:  # or else a payout run or a recount would pass them by
        period, currency = entry.period, entry.posting.currency
        assert period_key(period) in stored
        if entry.side is EntrySide.DEBIT:
            assert buyer_month_key(period, entry.tenant_id) in stored
        else:
            assert provider_month_key(period, entry.tenant_id, currency) in stored
    for charge in filter(None, map(charge_from, stored.values())):
        assert all(0 <= part.refunded <= part.amount for part in charge.parts)


@dataclass
class AuditedClient(FaultyClient):
    """A client that has the table audited after every transaction, whatever became of it."""

    audit: Callable[[], None] = lambda: None

    def transact_write_items(self, **arguments: Any) -> Any:
        try:
            return super().transact_write_items(**arguments)
        finally:
            self.audit()


def audited(world: World) -> AuditedClient:
    """The client that all later writes of the world go through."""
    client = AuditedClient(world.table.client)
    stand_in: Any = client
    world.table = replace(world.table, client=stand_in)
    client.audit = lambda: audit(world)
    return client


def check_ledger(world: World, books: Books) -> None:
    """The ledger holds the entries of the accepted events, to the micro-unit, and no others."""
    found: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in ledger(items_of(world)):
        found[entry.posting.entry_id].append(entry)
    expected = {digest(event_id): entry for event_id, entry in books.entries().items()}
    assert found.keys() == expected.keys()
    for entry_id, entries in found.items():
        check_posting(entries, expected[entry_id])
    for charge in books.charges():
        refunds = [found[digest(refund["id"])] for refund in books.refunds_of(charge["id"])]
        check_refunds(shares(charge), [lines_of(entries) for entries in refunds])


def check_posting(entries: Sequence[LedgerEntry], expected: Entry) -> None:
    debits = [entry for entry in entries if entry.side is EntrySide.DEBIT]
    assert [(entry.tenant_id, entry.amount) for entry in debits] == [
        (expected.buyer, expected.amount)
    ]
    for entry in entries:
        posting = entry.posting
        assert (posting.kind, posting.currency) == (expected.kind, expected.currency)
        assert entry.period == expected.period
        assert entry.amount == sum(entry.lines.values()) or entry.side is EntrySide.DEBIT
        assert {OWNERS[dataset] for dataset in entry.lines} <= {entry.tenant_id}
    if expected.lines is not None:
        assert lines_of(entries) == expected.lines
    assert sum(lines_of(entries).values()) == expected.amount


def check_refunds(charged: dict[str, int], refunds: Sequence[dict[str, int]]) -> None:
    """Together they took from each dataset's part what was due, and never more than all of it."""
    taken = {d: -sum(refund.get(d, 0) for refund in refunds) for d in charged}
    whole, all_taken = sum(charged.values()), sum(taken.values())
    assert all_taken <= whole
    for dataset, part in charged.items():
        assert 0 <= taken[dataset] <= part
        if whole:
            assert abs(taken[dataset] - Fraction(all_taken * part, whole)) <= 2


def lines_of(entries: Sequence[LedgerEntry]) -> dict[str, int]:
    return {dataset: amount for entry in entries for dataset, amount in entry.lines.items()}


def check_answers(world: World, books: Books) -> None:
    """What the buyers are shown is what they did, and what the ledger says they owe."""
    spent = books.spend()
    owed: Counter[tuple[str, str, str]] = Counter()
    for entry in ledger(items_of(world)):
        if entry.side is EntrySide.DEBIT:
            owed[entry.tenant_id, entry.period, entry.posting.kind.value] += entry.amount
    for buyer, currency in BUYERS.items():
        for month in MONTHS:
            summary = spend_of(world.table, buyer, month)
            assert summary.search == spent[buyer, month, "search"] == owed[buyer, month, "search"]
            assert summary.retrieval == spent[buyer, month, "retrieval"]
            assert summary.retrieval == owed[buyer, month, "retrieval"]
        month = world.now[:7]
        shown = world.get(SPEND, buyer, Scope.BILLING_READ)
        search, retrieval = spent[buyer, month, "search"], spent[buyer, month, "retrieval"]
        assert (shown["search_spend"], shown["retrieval_spend"]) == (
            units(search),
            units(retrieval),
        )
        assert (shown["total_spend"], shown["currency"]) == (units(search + retrieval), currency)

        searches = world.get(SEARCHES, buyer, Scope.USAGE_READ)
        rows = [(row["occurred_at"], row["charged_amount"]) for row in searches["searches"]]
        assert sorted(rows) == [(time, Decimal(amount)) for time, amount in books.searches(buyer)]
        assert searches["total"] == len(rows)
        assert is_newest_first(time for time, _ in rows)

        accesses = world.get(ACCESSES, buyer, Scope.USAGE_READ)
        times = {row["dataset_id"]: row["last_accessed_at"] for row in accesses["accesses"]}
        counts = {row["dataset_id"]: row["access_count"] for row in accesses["accesses"]}
        expected = books.accesses(buyer)
        assert times == {dataset: last for dataset, (_, last) in expected.items()}
        assert counts == {dataset: count for dataset, (count, _) in expected.items()}
        assert accesses["total"] == len(expected)
        assert is_newest_first(times.values())


def is_newest_first(times: Iterable[str]) -> bool:
    listed = list(times)
    return listed == sorted(listed, reverse=True)


def digest(event_id: str) -> str:
    return sha256(f"/test\0{event_id}".encode()).hexdigest()


def units(micros: int) -> Decimal:
    return Decimal(micros) / 10**6


@dataclass
class Marketplace:
    """Sends events, again and again until answered, and keeps its own books of them."""

    world: World
    books: Books = field(default_factory=Books)

    def post(self, events: Sequence[Event]) -> list[str]:
        """The outcomes: accepted, duplicate, or the code of the rejection."""
        outcomes = post(self.world, *events)
        for each, outcome in zip(events, outcomes, strict=True):
            if not isinstance(outcome, Rejected):
                self.books.take(each, self.world.now)
        return [name_of(outcome) for outcome in outcomes]

    def post_until_answered(self, events: Sequence[Event]) -> None:
        while True:
            try:
                self.post(events)
            except Crash:
                continue
            return

    def post_in_peace(self, events: Sequence[Event]) -> None:
        """With nobody else about, the outcomes are those of one event after the other."""
        foreseen = Books(dict(self.books.accepted))
        expected = []
        for each in events:
            expected.append(foreseen.verdict(each))
            if expected[-1] == "accepted":
                foreseen.take(each, self.world.now)
        assert self.post(events) == expected


def post(world: World, *events: Event) -> list[Outcome]:
    return ingest(world.table, [read_event(e, world.now) for e in events], Door(world.now))


def name_of(outcome: Outcome) -> str:
    match outcome:
        case Accepted():
            return "accepted"
        case Duplicate():
            return "duplicate"
        case Rejected():
            return outcome.code


def new_market(world: World) -> Marketplace:
    world.now = BEGIN
    for provider in PROVIDERS:
        world.tenant(provider, billing_currency=BUYERS.get(provider, "USD"))
    for buyer in BUYERS.keys() - set(PROVIDERS):
        world.tenant(buyer, billing_currency=BUYERS[buyer])
    assert post(world, *creations()) == [Accepted()] * len(OWNERS)
    return Marketplace(world)


def access(event_id: str, amount: str = "1.00", **data: Any) -> Event:
    defaults = {"tenant_id": "ada", "dataset_id": "d1", "kind": "retrieval", "currency": "USD"}
    data = defaults | {"charged_amount": amount} | data
    return event("dataset.accessed", "2026-04-01T01:00:00Z", id=event_id, **data) | TEST


def search(event_id: str, amount: str, *dataset_ids: str, **data: Any) -> Event:
    data = {
        "tenant_id": "ada",
        "query_text": "invoices",
        "dataset_ids": list(dataset_ids),
        "result_count": 1,
        "charged_amount": amount,
        "currency": "USD",
    } | data
    return event("search.performed", "2026-04-01T01:00:00Z", id=event_id, **data) | TEST


def refund(event_id: str, of: str, amount: str) -> Event:
    data: Event = {
        "tenant_id": "ada",
        "charge_event": {"source": "/test", "id": of},
        "amount": amount,
        "currency": "USD",
    }
    return event("charge.refunded", "2026-04-01T01:00:00Z", id=event_id, **data) | TEST


def settle(marketplace: Marketplace) -> None:
    """All that happened is counted, and all books agree."""
    marketplace.world.deliver()
    check_ledger(marketplace.world, marketplace.books)
    check_answers(marketplace.world, marketplace.books)
