"""Several consumers count the entries of one hot partner, and so the same two counters, at once.

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

from dev.bench.comparison import Record
from dev.bench.figures import Figure
from dev.bench.lab import Lab
from dev.stack import LocalStack
from tally.aws.items import to_item
from tally.aws.table import Table
from tally.counting.engine import count
from tally.kernel.errors import Unavailable
from tally.partners.counters import UsageTotals
from tally.partners.items import key_of_usage, usage_attributes
from tally.partners.model.usage import Bucket, Usage, UsageEntry

PART = "1,000 events of a hot partner, counted by several at once"
_EVENTS, _DAY = 1_000, "2026-04-05"
_CONSUMERS = 1, 2, 4, 8
# Entries of one event each, in deliveries of so many.
_DELIVERED = 20
_MOST_ATTEMPTS = 4
# About as long as a transaction of DynamoDB holds its items in two phases.
_HELD_S = 0.01


@dataclass(slots=True)
class _Guests:
    """The items of the transactions in progress."""

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
    """Transactions, attempts and time, and whether the sum is right."""
    lab.count()  # whatever still waits
    for consumers in _CONSUMERS:
        calm, rough = (
            _round(
                lab,
                [_Client(stack.client("dynamodb"), guests) for _ in range(consumers)],
                f"bench-hot-{consumers}-{guests.refusing}".lower(),
            )
            for guests in (_Guests(refusing=False), _Guests(refusing=True))
        )
        name = f"{consumers} consumer{'s' * (consumers > 1)}"
        attempts = rough.attempts / rough.transactions
        wrong = sum(abs(done.counted - _EVENTS) for done in (calm, rough))
        yield Figure(PART, name, calm.transactions, "transactions")
        yield Figure(PART, name, calm.attempts / calm.transactions, "attempts each")
        yield Figure(PART, name, attempts, "attempts each with conflicts", _MOST_ATTEMPTS)
        yield Figure(PART, name, rough.given_up, "deliveries repeated")
        yield Figure(PART, name, rough.seconds, "seconds with conflicts")
        yield Figure(PART, name, wrong, "events miscounted", 0)


def _round(lab: Lab, clients: Sequence[Any], partner_id: str) -> _Round:
    entries = [
        UsageEntry(partner_id, _DAY, f"{partner_id}-{n:05}", Usage(1, 1, 1, 1))
        for n in range(_EVENTS)
    ]
    lab.put(to_item(key_of_usage(entry), usage_attributes(entry)) for entry in entries)
    deliveries = list(batched(lab.changes(), _DELIVERED, strict=True))

    def consume(place: int) -> int:
        """Count a part of the deliveries, and repeat those that fail; returns how many failed."""
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
    of_day, of_month = (lab.table.get(each.key, consistent=True) or {} for each in totals)
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
