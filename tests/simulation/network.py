"""Between Tally's processes and the database: calls overlap, fail, get lost, and processes die."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from botocore.exceptions import ReadTimeoutError

from tally.counting.markers import digest_of, digests
from tests.faults import Crash
from tests.simulation.calls import Answer, failure
from tests.simulation.dynamodb import Database, Transaction
from tests.simulation.items import WireItem
from tests.simulation.timeline import Timeline

# How likely a fault is at a call, in a world of average luck.
_READ_FAULTS: Mapping[str, float] = {
    "crash before a read": 0.003,
    "throttled": 0.01,
    "internal error": 0.004,
    "connection lost": 0.001,
}
_WRITE_FAULTS: Mapping[str, float] = {
    "crash before a write": 0.01,
    "throttled": 0.01,
    "internal error": 0.004,
    "connection lost": 0.004,
    "conflict with a stranger": 0.02,
}
_BATCH_FAULTS: Mapping[str, float] = {
    name: _WRITE_FAULTS[name]
    for name in ("crash before a write", "throttled", "internal error", "connection lost")
}
# Of a transaction that reached the database.
_FATES: Mapping[str, float] = {
    "crash after a write": 0.015,
    "crash during a write": 0.01,
    "internal error after a commit": 0.015,
    "connection lost after a commit": 0.005,
    "connection lost during a write": 0.005,
}
_UNPROCESSED = 0.2
_STALE = 0.3
_STALEST_S = 1.0
_LATEST_ORPHAN_S = 2.0
_SLOWEST_WRITE_S = 20.0
_LONGEST_STALL_S = 8.0
_LAST_CALLS = 60


@dataclass(slots=True)
class Network:
    """`luck`: what the likelihood of faults is multiplied by; 0 for none."""

    database: Database
    timeline: Timeline
    random: Random
    luck: float
    faults: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    last_calls: deque[tuple[float, str, str, Any, str]] = field(
        default_factory=lambda: deque(maxlen=_LAST_CALLS)
    )
    cursed: set[bytes] = field(default_factory=set)
    """Digests of changes that the database refuses to count, until the curse is lifted."""
    orphaned: set[str] = field(default_factory=set)
    """Partition keys of items in writes that went on after their process gave them up."""
    orphans: int = 0
    stalls: float = 0
    """How likely it is that a process stands still for seconds before it writes."""

    def strike(self, faults: Mapping[str, float]) -> str | None:
        """The fault that strikes, if any does."""
        drawn = self.random.random()
        for fault, likelihood in faults.items():
            drawn -= likelihood * self.luck
            if drawn < 0:
                self.faults[fault] += 1
                return fault
        return None

    def note(self, operation: str, call: Any, outcome: str) -> None:
        self.last_calls.append((self.timeline.now, self.timeline.actor, operation, call, outcome))

    def told(self) -> list[str]:
        """The last calls, in words."""
        return [
            f"{moment:.3f}  {actor:12} {operation}: {outcome}  {_brief(call)}"
            for moment, actor, operation, call, outcome in self.last_calls
        ]

    @property
    def crashes(self) -> int:
        return sum(n for fault, n in self.faults.items() if fault.startswith("crash"))


@dataclass(slots=True)
class Client:
    """The database as one process sees it. It is killed when its function's time is over."""

    network: Network
    deadline: float

    def get_item(self, **call: Any) -> Answer:
        return self._read("get_item", call, call.get("ConsistentRead", False))

    def query(self, **call: Any) -> Answer:
        return self._read("query", call, call.get("ConsistentRead", False))

    def scan(self, **call: Any) -> Answer:
        return self._read("scan", call, call.get("ConsistentRead", False))

    def batch_get_item(self, **call: Any) -> Answer:
        network = self.network
        ((name, wanted),) = call["RequestItems"].items()
        if len(wanted["Keys"]) > 1 and network.random.random() < _UNPROCESSED * network.luck:
            network.faults["keys unprocessed"] += 1
            keys = list(wanted["Keys"])
            network.random.shuffle(keys)
            cut = network.random.randint(1, len(keys) - 1)
            some = {name: {**wanted, "Keys": keys[:cut]}}
            answer = self._read("batch_get_item", {"RequestItems": some}, consistent=True)
            left = {name: {**wanted, "Keys": keys[cut:]}}
            return {**answer, "UnprocessedKeys": left}
        return self._read("batch_get_item", call, consistent=True)

    def transact_write_items(self, **call: Any) -> Answer:
        return self._write("transact_write_items", call, self._transact)

    def put_item(self, **call: Any) -> Answer:
        return self._write_alone("put_item", call)

    def update_item(self, **call: Any) -> Answer:
        return self._write_alone("update_item", call)

    def delete_item(self, **call: Any) -> Answer:
        return self._write_alone("delete_item", call)

    def _write_alone(self, operation: str, call: Answer) -> Answer:
        run: Callable[..., Answer] = getattr(self.network.database, operation)
        return self._write(operation, call, lambda call: run(**call))

    def _write(
        self, operation: str, call: Answer, run: Callable[[Answer], Answer | None]
    ) -> Answer:
        network = self.network
        if network.strike({"slow write": 0.02}):
            network.timeline.sleep(network.random.uniform(1, _SLOWEST_WRITE_S))
        if network.stalls and network.random.random() < network.stalls:
            network.timeline.sleep(network.random.uniform(0, _LONGEST_STALL_S))
        self._travel(operation, call, _WRITE_FAULTS)
        if network.cursed and self._is_cursed(call):
            network.note(operation, call, "refused")
            raise failure("ValidationException", operation, "cursed")
        fate = network.strike(_FATES)
        if fate and fate.endswith("during a write"):
            self._orphan(operation, call)
            self._fail(operation, call, fate)
        try:
            run(call)
        except Exception as error:
            network.note(operation, call, str(error))
            raise
        network.note(operation, call, "done")
        if fate:
            self._fail(operation, call, fate)
        return {}

    def batch_write_item(self, **call: Any) -> Answer:
        """The database may do a part of it only, of which the process may hear nothing."""
        network = self.network
        self._travel("batch_write_item", call, _BATCH_FAULTS)
        ((name, requests),) = call["RequestItems"].items()
        some = list(requests)
        if len(some) > 1 and network.random.random() < _UNPROCESSED * network.luck:
            network.faults["writes unprocessed"] += 1
            some = network.random.sample(some, network.random.randint(1, len(some) - 1))
        answer = network.database.batch_write_item(RequestItems={name: some})
        network.note("batch_write_item", call, "done")
        if fate := network.strike({"crash after a batch of writes": 0.015}):
            self._fail("batch_write_item", call, fate)
        left = [request for request in requests if request not in some]
        left += answer["UnprocessedItems"].get(name, [])
        return {"UnprocessedItems": {name: left} if left else {}}

    def _transact(self, call: Answer) -> None:
        transaction = self.network.database.begin(**call)
        if transaction:
            self._commit(transaction)

    def _commit(self, transaction: Transaction) -> None:
        """At once, or while others find its items reserved."""
        if self.network.random.random() < 0.5:
            self.network.timeline.travel()
        self.network.database.commit(transaction)

    def _read(self, operation: str, call: Answer, consistent: bool) -> Answer:  # noqa: FBT001  of each call
        network = self.network
        self._travel(operation, call, _READ_FAULTS)
        run: Callable[..., Answer] = getattr(network.database, operation)
        if not consistent and network.random.random() < _STALE:
            network.faults["stale read"] += 1
            moment = network.timeline.now - network.random.uniform(0, _STALEST_S)
            return run(as_of=moment, **call)
        network.note(operation, call, "read")
        return run(**call)

    def _travel(self, operation: str, call: Answer, faults: Mapping[str, float]) -> None:
        network = self.network
        network.calls[operation] += 1
        network.timeline.travel()
        if network.timeline.now > self.deadline:
            network.faults["crash: out of time"] += 1
            self._fail(operation, call, "crash: out of time")
        fault = network.strike(faults)
        if fault == "conflict with a stranger":
            if network.database.knows(call):
                return
            network.note(operation, call, fault)
            if operation != "transact_write_items":
                raise failure("TransactionConflictException", operation)
            place = network.random.randrange(len(call["TransactItems"]))
            raise network.database.cancelled_by_rivals(call, place)
        if fault:
            self._fail(operation, call, fault)

    def _fail(self, operation: str, call: Answer, fault: str) -> None:
        self.network.note(operation, call, fault)
        if fault.startswith("crash"):
            raise Crash
        if fault == "throttled":
            raise failure("ThrottlingException", operation)
        if fault.startswith("internal error"):
            raise failure("InternalServerError", operation)
        raise ReadTimeoutError(endpoint_url="dynamodb")

    def _orphan(self, operation: str, call: Answer) -> None:
        """The write goes on without its process: on its way, or already in the database."""
        network = self.network
        network.orphaned.update(key["PK"]["S"] for _, key in _written(call))
        network.orphans += 1
        network.timeline.spawn("orphan", partial(_go_on, network, operation, call))

    def _is_cursed(self, call: Answer) -> bool:
        """Whether it counts a cursed change; to park it is no sin."""
        actions = call.get("TransactItems", ())
        written = [action["Put"]["Item"] for action in actions if "Put" in action]
        if any(item["PK"]["S"] == "PARKED" for item in written):
            return False
        return any(self._new_digests(item) & self.network.cursed for item in written)

    def _new_digests(self, item: WireItem) -> set[bytes]:
        """Of the changes that are marked by writing this item."""
        pk, sk = item["PK"]["S"], item["SK"]["S"]
        if sk == "MARKER":
            return {digest_of({"eventID": pk.removeprefix("MARKER#")})}
        if "seen" not in item:
            return set()
        before = self.network.database.item(pk, sk) or {}
        return digests_in(item) - digests_in(before)


def digests_in(item: WireItem) -> set[bytes]:
    """On a page of markers."""
    return set(digests(item["seen"]["B"])) if "seen" in item else set()


def _go_on(network: Network, operation: str, call: Mapping[str, Any]) -> None:
    network.timeline.sleep(network.random.uniform(0, _LATEST_ORPHAN_S))
    run: Callable[..., Answer] = getattr(network.database, operation)
    try:
        run(**call)
    except Exception as error:  # noqa: BLE001  nobody hears it
        network.note("orphan", call, str(error))
    else:
        network.note("orphan", call, "done")
    network.orphans -= 1


def _written(call: Mapping[str, Any]) -> Iterator[tuple[str, WireItem]]:
    """Kinds of actions and the items or keys that they are about; a read's key, too."""
    for action in call.get("TransactItems", ()):
        ((kind, body),) = action.items()
        yield kind, body.get("Item") or body["Key"]
    if key := call.get("Item") or call.get("Key"):
        yield "", key


def _brief(call: Mapping[str, Any]) -> str:
    """The keys that a call is about."""
    found = [f"{kind} {key['PK']['S']} / {key['SK']['S']}" for kind, key in _written(call)]
    for wanted in call.get("RequestItems", {}).values():
        found += [f"{key['PK']['S']} / {key['SK']['S']}" for key in wanted["Keys"]]
    found += [f"{n}={v.get('S')}" for n, v in call.get("ExpressionAttributeValues", {}).items()]
    return "; ".join(found)[:300]
