"""Several consumers count one hot partner's entries at once: what the same two counters cost then.

The embedded AWS does one transaction after the other. So each round is run a second time on a
client that refuses what DynamoDB refuses: a transaction with an item that another one has just now.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import batched
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError

from ops.bench.comparison import Record
from ops.bench.figures import Figure
from ops.bench.lab import Lab
from ops.stack import LocalStack
from tally.domain.counting import UsageTotals
from tally.domain.errors import Unavailable
from tally.domain.usage import Bucket, Usage, UsageEntry
from tally.store import keys
from tally.store.counting import count
from tally.store.items import to_item
from tally.store.table import Table
from tally.store.usage import usage_attributes, usage_key

PART = "1,000 events of a hot partner, counted by several at once"
_EVENTS, _DAY = 1_000, "2026-04-05"
_CONSUMERS = 1, 2, 4, 8
# Entries of one event each, in deliveries of so many.
_DELIVERED = 20
_MOST_ATTEMPTS = 4
# A transaction's two phases keep its items for about as long.
_HELD_S = 0.01


@dataclass(slots=True)
class _Guests:
    """Which items a transaction has just now."""

    refusing: bool
    taken: set[str] = field(default_factory=set)
    lock: Lock = field(default_factory=Lock)

    @contextmanager
    def having(self, items: Sequence[str]) -> Iterator[None]:
        with self.lock:
            conflicts = [item in self.taken for item in items]
            if any(conflicts):
                raise _refusal(conflicts)
            if self.refusing:
                self.taken.update(items)
        try:
            yield
        finally:
            with self.lock:
                self.taken.difference_update(items)


@dataclass(slots=True)
class _Client:
    """A consumer's own client."""

    real: Any
    guests: _Guests
    attempts: int = 0
    refused: int = 0

    def transact_write_items(self, **arguments: Any) -> Any:
        self.attempts += 1
        try:
            with self.guests.having([_item(action) for action in arguments["TransactItems"]]):
                answer = self.real.transact_write_items(**arguments)
                if self.guests.refusing:
                    time.sleep(_HELD_S)
                return answer
        except ClientError as error:
            self.refused += error.response["Error"]["Code"] == "TransactionCanceledException"
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@dataclass(frozen=True, slots=True)
class _Round:
    attempts: int
    transactions: int
    given_up: int
    seconds: float
    counted: int


def measure(stack: LocalStack, lab: Lab) -> Iterator[Figure]:
    """Transactions, attempts and time; that the sum is right."""
    lab.count()  # whatever still waits
    wrong = 0
    for refusing in (False, True):
        where = "refused as by DynamoDB" if refusing else "embedded AWS"
        for consumers in _CONSUMERS:
            guests = _Guests(refusing)
            clients = [_Client(stack.client("dynamodb"), guests) for _ in range(consumers)]
            done = _round(lab, clients, f"bench-hot-{consumers}-{refusing}".lower())
            wrong += abs(done.counted - _EVENTS)
            name = f"{consumers} consumer{'s' * (consumers > 1)}, {where}"
            if not refusing:
                yield Figure(PART, f"{name}, transactions", done.transactions, "transactions")
            attempts = done.attempts / done.transactions
            goal = _MOST_ATTEMPTS if refusing else None
            yield Figure(PART, f"{name}, attempts each", attempts, "attempts", goal)
            if refusing:
                yield Figure(PART, f"{name}, delivered again", done.given_up, "deliveries")
                yield Figure(PART, f"{name}, seconds", done.seconds, "s")
    yield Figure(PART, "events missing or too many", wrong, "events", 0)


def _round(lab: Lab, clients: Sequence[Any], partner_id: str) -> _Round:
    entries = [
        UsageEntry(partner_id, _DAY, f"{partner_id}-{n:05}", Usage(1, 1, 1, 1))
        for n in range(_EVENTS)
    ]
    lab.put(to_item(usage_key(entry), usage_attributes(entry)) for entry in entries)
    deliveries = list(batched(lab.changes(), _DELIVERED, strict=True))

    def consume(place: int) -> int:
        """A part of the deliveries, each until it is counted; how often that was in vain."""
        table, given_up = replace(lab.table, client=clients[place]), 0
        for delivery in deliveries[place :: len(clients)]:
            while not _counts(table, delivery, lab):
                given_up += 1
        return given_up

    begun = time.perf_counter()
    with ThreadPoolExecutor(len(clients)) as consumers:
        given_up = sum(consumers.map(consume, range(len(clients))))
    seconds = time.perf_counter() - begun
    totals = (
        UsageTotals(partner_id, Bucket.DAY, _DAY),
        UsageTotals(partner_id, Bucket.MONTH, _DAY[:7]),
    )
    of_day, of_month = (lab.table.get(keys.totals(each), consistent=True) or {} for each in totals)
    if [of_day[field] for field in Usage._fields] != [of_month[field] for field in Usage._fields]:
        raise RuntimeError("the day and its month must come to the same")
    attempts = sum(client.attempts for client in clients)
    transactions = attempts - sum(client.refused for client in clients)
    return _Round(attempts, transactions, given_up, seconds, of_day["events"])


def _counts(table: Table, delivery: Sequence[Record], lab: Lab) -> bool:
    try:
        count(table, delivery, lab.now)
    except Unavailable:
        return False
    return True


def _item(action: Any) -> str:
    ((_, content),) = action.items()
    key = content.get("Item") or content["Key"]
    return f"{key['PK']['S']} {key['SK']['S']}"


def _refusal(conflicts: Sequence[bool]) -> ClientError:
    codes = [{"Code": "TransactionConflict" if each else "None"} for each in conflicts]
    error: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": ""},
        "CancellationReasons": codes,
    }
    return ClientError(error, "TransactWriteItems")
