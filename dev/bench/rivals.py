"""Several consumers count the changes of one hot provider, or of one hot partner, at once.

A provider's datasets are in many shards of the stream, and all their consumers meet at the
provider's totals. A partner's entries are in one shard: more than one consumer are far more than
there ever are. The embedded AWS does one transaction after the other. So the rounds are run on a
client that refuses what DynamoDB refuses: a transaction with an item that another one has just now.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import batched
from threading import Lock
from typing import Any
from zlib import crc32

from botocore.exceptions import ClientError

from dev.bench import samples
from dev.bench.comparison import Record
from dev.bench.figures import ALTERNATIVES, Figure
from dev.bench.lab import Lab
from dev.stack import LocalStack
from tally.aws.items import key_of, to_item
from tally.aws.table import Table
from tally.catalog.items import object_key
from tally.catalog.reads import provider_totals
from tally.counting.changes import Counted
from tally.counting.engine import count, count_under
from tally.counting.markers import Markers
from tally.counting.parts import NO_PARTS, Parts
from tally.kernel.errors import Unavailable
from tally.partners.counters import OrganizationMonth, UsageTotals
from tally.partners.items import key_of_usage, usage_attributes
from tally.partners.model.usage import Usage, UsageEntry

PROVIDER = "2,000 changes of a hot provider, counted by several at once"
PARTNER = "2,000 entries of a hot partner, counted by several at once"
_CHANGES, _DAY, _ORGANIZATION = 2_000, "2026-04-05", "org_1"
_CONSUMERS = 1, 4, 8
_DATASETS = 40
_DELIVERED = 20  # changes in a delivery
_MOST_ATTEMPTS, _MOST_ATTEMPTS_OF_A_PARTNER = 1.2, 4
# About as long as a transaction of DynamoDB holds its items in two phases.
_HELD_S = 0.01

type Count = Callable[[Table, Sequence[Record], Lab, Parts], Counted]


def _now(table: Table, delivery: Sequence[Record], lab: Lab, parts: Parts) -> Counted:
    return count(table, delivery, lab.now, parts)


def _before(table: Table, delivery: Sequence[Record], lab: Lab, _: Parts) -> Counted:
    """As it was before markers were shared and counters had parts."""
    markers = Markers(table, lab.now, shared_since=None)
    return count_under(markers, table, delivery, NO_PARTS)


@dataclass(slots=True)
class _Guests:
    """The items of the transactions in progress."""

    taken: set[str] = field(default_factory=set)
    lock: Lock = field(default_factory=Lock)

    @contextmanager
    def having(self, items: Sequence[str]) -> Iterator[None]:
        with self.lock:
            conflicts = [item in self.taken for item in items]
            if any(conflicts):
                raise _refusal(conflicts)
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

    @property
    def attempts_each(self) -> float:
        return self.attempts / self.transactions


def measure(stack: LocalStack, lab: Lab) -> Iterator[Figure]:
    """Attempts and time, and whether the sums are right: as it is, and as it was before."""
    lab.count()  # whatever still waits
    for consumers in _CONSUMERS:
        rounds = {}
        for way, how in (("", _now), (", as before", _before)):
            provider = f"bench-hot-{consumers}{'-before' * bool(way)}"
            changes = _changes_of_a_provider(lab, provider)
            rounds[way] = done = _round(stack, lab, _by_shard(changes, consumers), how)
            wrong = abs(provider_totals(lab.table, provider)["objects"] - _CHANGES)
            goal = None if way else _MOST_ATTEMPTS
            yield from _figures(PROVIDER, f"{_named(consumers)}{way}", done, wrong, goal)
    ratio = rounds[""].attempts_each / rounds[", as before"].attempts_each
    name = f"attempts of {consumers} consumers: with parts of counters / without"
    yield Figure(ALTERNATIVES, name, ratio, "ratio")
    partner = "bench-hot-partner"
    deliveries = list(batched(_changes_of_a_partner(lab, partner), _DELIVERED, strict=True))
    done = _round(stack, lab, [deliveries[n::consumers] for n in range(consumers)], _now)
    wrong = abs(_events_of(lab, partner) - _CHANGES)
    goal = _MOST_ATTEMPTS_OF_A_PARTNER
    yield from _figures(PARTNER, _named(consumers), done, wrong, goal)


def _named(consumers: int) -> str:
    return f"{consumers} consumer{'s' * (consumers > 1)}"


def _figures(
    part: str, name: str, done: _Round, wrong: int, most_attempts: float | None
) -> Iterator[Figure]:
    yield Figure(part, name, done.transactions, "transactions")
    yield Figure(part, name, done.attempts_each, "attempts each", most_attempts)
    yield Figure(part, name, done.given_up, "deliveries repeated")
    yield Figure(part, name, done.seconds, "seconds")
    yield Figure(part, name, wrong, "changes miscounted", 0)


# ------------------------------------------------------------------------- changes


def _changes_of_a_provider(lab: Lab, provider: str) -> list[Record]:
    """Uploads to its datasets in turn. Each is stored as the first one of its dataset was."""
    lab.tenant(provider)
    datasets = [(provider, f"{provider}-{n}") for n in range(_DATASETS)]
    lab.post([samples.created(*dataset) for dataset in datasets])
    lab.count()
    first = samples.uploads(datasets, _DATASETS)
    lab.post(first)
    stored = [_stored_object(lab, event["data"]) for event in first]
    copies = [_copy(stored[n % _DATASETS], f"{provider}-{n}") for n in range(_CHANGES - _DATASETS)]
    lab.put(copies)
    return lab.changes()


def _stored_object(lab: Lab, said: Any) -> dict[str, Any]:
    key = key_of(object_key(said["dataset_id"], said["object_id"]))
    client: Any = lab.table.client
    item: dict[str, Any] = client.get_item(TableName=lab.table.name, Key=key)["Item"]
    return item


def _copy(stored: dict[str, Any], object_id: str) -> dict[str, Any]:
    key = key_of(object_key(stored["dataset_id"]["S"], object_id))
    return {**stored, **key, "object_id": {"S": object_id}}


def _changes_of_a_partner(lab: Lab, partner_id: str) -> list[Record]:
    one = Usage(1, 1, 1, 1)
    entries = [
        UsageEntry(partner_id, _DAY, f"{partner_id}-{n:05}", one, {_ORGANIZATION: one})
        for n in range(_CHANGES)
    ]
    lab.put(to_item(key_of_usage(entry), usage_attributes(entry)) for entry in entries)
    return lab.changes()


def _events_of(lab: Lab, partner_id: str) -> int:
    totals = (
        UsageTotals(partner_id, _DAY),
        OrganizationMonth(partner_id, _DAY[:7], _ORGANIZATION),
    )
    of_day, of_month = (lab.table.get(each.key, consistent=True) or {} for each in totals)
    if [of_day[field] for field in Usage._fields] != [of_month[field] for field in Usage._fields]:
        raise RuntimeError("the day and its organization's month must come to the same")
    return int(of_day["events"])


def _by_shard(changes: Sequence[Record], shards: int) -> list[list[Sequence[Record]]]:
    """The deliveries of each shard, whose records are those of some partitions of the table."""
    of_shards: list[list[Record]] = [[] for _ in range(shards)]
    for record in changes:
        partition = record["dynamodb"]["Keys"]["PK"]["S"]
        of_shards[crc32(partition.encode()) % shards].append(record)
    return [list(batched(records, _DELIVERED, strict=False)) for records in of_shards]


# -------------------------------------------------------------------------- a round


def _round(
    stack: LocalStack, lab: Lab, deliveries: Sequence[Sequence[Sequence[Record]]], how: Count
) -> _Round:
    """Each consumer counts its deliveries, one after the other, and repeats those that fail."""
    guests = _Guests()
    clients: list[Any] = [_Client(stack.client("dynamodb"), guests) for _ in deliveries]

    def consume(place: int) -> int:
        """How many failed."""
        table, parts, given_up = replace(lab.table, client=clients[place]), Parts(), 0
        for delivery in deliveries[place]:
            while not _counts(table, delivery, lab, parts, how):
                given_up += 1
        return given_up

    begun = time.perf_counter()
    with ThreadPoolExecutor(len(clients)) as consumers:
        given_up = sum(consumers.map(consume, range(len(clients))))
    attempts = sum(client.attempts for client in clients)
    transactions = attempts - sum(client.refused for client in clients)
    return _Round(attempts, transactions, given_up, time.perf_counter() - begun)


def _counts(table: Table, delivery: Sequence[Record], lab: Lab, parts: Parts, how: Count) -> bool:
    try:
        how(table, delivery, lab, parts)
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
