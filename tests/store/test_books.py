"""The books balance at every instant and say what the events say, whatever happens on the way."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from tally.domain.charges import Charge, EntrySide, LedgerEntry
from tally.domain.events import Rejected
from tally.domain.scopes import Scope
from tally.http.cloudevents import read_event
from tally.store import keys
from tally.store.activity import spend_of
from tally.store.ingestion import Accepted, Door, Duplicate, Outcome, ingest
from tally.store.items import from_item
from tally.store.keys import Key
from tally.store.ledger import charge_from, entry_from, entry_key
from tests.deliveries import Stream
from tests.faults import PLAIN_FAULTS, Crash, FaultyClient, crash_after, crash_before, rival
from tests.spending import (
    BEGIN,
    BUYERS,
    OWNERS,
    PROVIDERS,
    WAITS_H,
    Books,
    Entry,
    Event,
    creations,
    shares,
    spending,
)
from tests.world import World, event, new_world

SPEND = "/v1/buyer/spend"
SEARCHES = "/v1/agent/activity/searches?limit=100"
ACCESSES = "/v1/agent/activity/accesses?limit=100"
TEST = {"source": "/test"}
MONTHS = ("2026-02", "2026-03", "2026-04", "2026-05", "2026-06")


# -------------------------------------------------------------------- what always holds


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
            assert entry_key(entries[-1]) == key
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
        assert keys.period(period) in stored
        if entry.side is EntrySide.DEBIT:
            assert keys.period_buyer(period, entry.tenant_id) in stored
        else:
            assert keys.period_provider(period, entry.tenant_id, currency) in stored
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


# ------------------------------------------------------------- what must be in the books


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


# ------------------------------------------------------------------------ any history


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


def charge_of(marketplace: Marketplace, event_id: str) -> Charge:
    """As it stands after its refunds."""
    charge = charge_from(items_of(marketplace.world)[keys.event("/test", event_id)])
    assert charge
    return charge


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


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=spending(most=15), seed=st.integers(0, 2**32))
def test_the_books_balance_and_equal_the_events_after_any_faults(
    history: list[Event], seed: int
) -> None:
    random = Random(seed)
    with new_world() as world:
        marketplace = new_market(world)
        client, stream = audited(world), Stream(world, random)

        unsent = list(history)
        while unsent:
            size = random.randint(1, 8)
            events, unsent = unsent[:size], unsent[size:]
            events += [e for e, _ in marketplace.books.accepted.values() if random.random() < 0.1]
            random.shuffle(events)
            if random.random() < 0.3:
                marketplace.post_in_peace(events)
            else:
                for _ in range(random.randint(1, 2)):
                    fault = _fault(random, marketplace, stream, history)
                    client.after(random.randint(0, 3), fault)
                marketplace.post_until_answered(events)
            check_ledger(world, marketplace.books)
            stream.deliver(stream.next_batch())
            client.calm()
            world.wait(hours=random.choice(WAITS_H))
        # By now nothing changes but what was rejected for coming before what it speaks of.
        marketplace.post_in_peace(history)
        stream.drain()

        check_ledger(world, marketplace.books)
        check_answers(world, marketplace.books)


def _fault(random: Random, marketplace: Marketplace, stream: Stream, history: list[Event]) -> Any:
    """A plain fault, or a rival: another delivery or another request gets in between."""
    choice = random.randrange(len(PLAIN_FAULTS) + 3)
    if choice < len(PLAIN_FAULTS):
        return PLAIN_FAULTS[choice]
    if choice == len(PLAIN_FAULTS):
        return rival(lambda: stream.deliver(stream.next_batch()))
    events = random.sample(history, min(3, len(history)))
    return rival(lambda: marketplace.post_until_answered(events))


# ----------------------------------------------------------------- refunds beside rivals


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


@pytest.fixture
def marketplace(world: World) -> Marketplace:
    return new_market(world)


@pytest.fixture
def client(world: World, marketplace: Marketplace) -> AuditedClient:
    assert marketplace.world is world
    return audited(world)


def settle(marketplace: Marketplace) -> None:
    """All that happened is counted, and all books agree."""
    marketplace.world.deliver()
    check_ledger(marketplace.world, marketplace.books)
    check_answers(marketplace.world, marketplace.books)


def test_two_refunds_of_one_charge_at_once_take_no_more_than_the_charge(
    marketplace: Marketplace, client: AuditedClient
) -> None:
    marketplace.post([search("c", "1.00", "d1", "d2")])
    first: list[str] = []
    client.after(0, rival(lambda: first.extend(marketplace.post([refund("r1", "c", "0.60")]))))
    assert marketplace.post([refund("r2", "c", "0.60")]) == ["refund_exceeds_charge"]
    assert first == ["accepted"]
    settle(marketplace)


def test_two_refunds_of_one_charge_at_once_both_count_if_there_is_enough(
    marketplace: Marketplace, client: AuditedClient
) -> None:
    marketplace.post([search("c", "0.000005", "d1", "d2", "d4")])
    first: list[str] = []
    client.after(0, rival(lambda: first.extend(marketplace.post([refund("r1", "c", "0.000002")]))))
    assert marketplace.post([refund("r2", "c", "0.000003")]) == ["accepted"]
    assert first == ["accepted"]
    settle(marketplace)
    assert charge_of(marketplace, "c").left == 0


def test_several_refunds_of_one_charge_in_one_request(marketplace: Marketplace) -> None:
    marketplace.post([search("c", "1.00", "d1", "d2", "d3")])
    assert marketplace.post(
        [refund("r1", "c", "0.50"), refund("r2", "c", "0.60"), refund("r3", "c", "0.50")]
    ) == ["accepted", "refund_exceeds_charge", "accepted"]
    settle(marketplace)
    assert charge_of(marketplace, "c").left == 0


def test_a_refund_in_the_request_of_its_charge(marketplace: Marketplace) -> None:
    """They are decided in the order sent: a refund cannot come first."""
    assert marketplace.post(
        [
            refund("r1", "c", "0.25"),
            access("c"),
            refund("r2", "c", "0.25"),
            refund("r3", "c", "0.75"),
        ]
    ) == ["unknown_charge", "accepted", "accepted", "accepted"]
    settle(marketplace)


def test_a_refund_beside_a_repetition_of_its_charge(
    marketplace: Marketplace, client: AuditedClient
) -> None:
    marketplace.post([access("c")])
    before = client.writes
    assert marketplace.post([refund("r", "c", "0.40"), access("c")]) == ["accepted", "duplicate"]
    assert client.writes == before + 2  # an item is written once in a transaction
    changed = access("c", "2.00")
    assert marketplace.post([refund("s", "c", "0.40"), changed]) == ["accepted", "event_conflict"]
    settle(marketplace)


@pytest.mark.parametrize("amount", ["0.00", "0.40", "1.00", "2.00"])
def test_a_refund_under_the_id_of_its_own_charge_is_a_conflict(
    marketplace: Marketplace, amount: str
) -> None:
    own = refund("c", "c", amount)
    assert marketplace.post([own]) == ["unknown_charge"]
    assert marketplace.post([access("c"), own]) == ["accepted", "event_conflict"]
    with marketplace.world.unchanged():
        assert marketplace.post([own]) == ["event_conflict"]


def test_a_refund_is_no_charge_that_could_be_refunded(marketplace: Marketplace) -> None:
    marketplace.post([access("c"), refund("r", "c", "0.40")])
    assert marketplace.post([refund("rr", "r", "0.10")]) == ["unknown_charge"]


@pytest.mark.parametrize("fault", [crash_before, crash_after])
@pytest.mark.parametrize("nth", [0, 1])
def test_a_charge_that_died_half_way_is_whole_when_it_is_sent_again(
    marketplace: Marketplace, client: AuditedClient, fault: Any, nth: int
) -> None:
    """Registers come first: one of nothing does no harm, an entry without one would be lost."""
    client.after(nth, fault)
    with pytest.raises(Crash):
        marketplace.post([search("c", "1.00", "d1", "d2")])
    arrived = fault is crash_after and nth == 1
    assert marketplace.post([search("c", "1.00", "d1", "d2")]) == [
        "duplicate" if arrived else "accepted"
    ]
    settle(marketplace)


def test_the_same_charge_in_two_requests_at_once_is_posted_once(
    marketplace: Marketplace, client: AuditedClient
) -> None:
    first: list[str] = []
    client.after(1, rival(lambda: first.extend(marketplace.post([access("c")]))))
    assert marketplace.post([access("c")]) == ["duplicate"]
    assert first == ["accepted"]
    settle(marketplace)


def test_a_charge_is_posted_to_march_until_five_o_clock(marketplace: Marketplace) -> None:
    late = [access(c) | {"time": "2026-03-31T23:59:59Z"} for c in ("early", "late")]
    world = marketplace.world
    for now, each in zip(("04:59:59.999999999", "05:00:00.000000000"), late, strict=True):
        world.now = f"2026-04-01T{now}Z"
        assert marketplace.post([each]) == ["accepted"]
    assert marketplace.post([refund("r", "early", "0.40")]) == ["accepted"]
    settle(marketplace)
    assert [spend_of(world.table, "ada", m).retrieval for m in ("2026-03", "2026-04")] == [
        1_000_000,
        600_000,
    ]


# -------------------------------------------------------------------- many providers


def test_a_charge_over_fifty_providers_is_one_transaction(world: World) -> None:
    world.tenant("ada")
    datasets, creations = [f"d{n:02}" for n in range(50)], []
    for n, dataset in enumerate(datasets):
        world.tenant(f"p{n:02}")
        creations.append(event("dataset.created", tenant_id=f"p{n:02}", dataset_id=dataset))
    assert post(world, *creations) == [Accepted()] * 50
    client = audited(world)
    wide = search("c", "0.000120", *datasets) | {"time": world.now}
    back = refund("r", "c", "0.000070") | {"time": world.now}

    assert post(world, wide, back) == [Accepted()] * 2
    assert client.writes == 3  # the registers, the charge, the refund
    assert Counter((entry.side, entry.amount) for entry in ledger(items_of(world))) == {
        (EntrySide.DEBIT, 120): 1,
        (EntrySide.DEBIT, -70): 1,
        (EntrySide.CREDIT, 3): 20,  # 120 = 50 * 2 + 20
        (EntrySide.CREDIT, 2): 30,
        (EntrySide.CREDIT, -2): 20,  # of 3: 1.75 each
        (EntrySide.CREDIT, -1): 30,  # of 2: 1.17 each
    }


# ------------------------------------------------------------------- the buyer's counters


def test_two_deliveries_of_first_accesses_at_once_count_the_dataset_once(
    marketplace: Marketplace, client: AuditedClient
) -> None:
    world = marketplace.world
    marketplace.post([access("a1"), access("a2")])
    records = world.new_stream_records()
    one = [record for record in records if digest("a1") in str(record["dynamodb"]["Keys"])]
    other = [record for record in records if record not in one]
    client.after(0, rival(lambda: world.redeliver(other)))
    world.redeliver(one)
    settle(marketplace)
