"""The same calls on the model of DynamoDB and on another one, and what they differ in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from botocore.exceptions import ClientError

from tally.aws.table import Table
from tally.aws.transactions import Action, Cancelled, InvalidTransaction
from tally.kernel.keys import Key
from tests.simulation.dynamodb import Database

INDEX = "ByLastAccess"
_PARTITIONS = ("P#1", "P#2")
_SORT_KEYS = ("A", "A#1", "A#2", "B#1", "B#é", "C")
_TIMES = ("2026-04-01", "2026-04-02", "2026-04-03")
_WORDS = ("north", "south", "été")


@dataclass(slots=True)
class Both:
    """A client that asks both, and answers as the model does."""

    model: Database
    real: Any
    calls: int = 0
    errors: int = 0
    differences: list[str] = field(default_factory=list)

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.calls += 1
            ours, theirs = (
                _outcome(getattr(client, operation), arguments)
                for client in (self.model, self.real)
            )
            if _told(ours) != _told(theirs):
                self.differences.append(
                    f"{operation} {arguments}\n  model {_told(ours)}\n  other {_told(theirs)}"
                )
            if isinstance(ours, ClientError):
                self.errors += 1
                raise ours
            return ours

        return call


def _outcome(operation: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    try:
        return operation(**arguments)
    except ClientError as error:
        return error


def _told(outcome: Any) -> Any:
    """What Tally looks at of an answer or an error."""
    if isinstance(outcome, ClientError):
        response: Any = outcome.response
        item = response.get("Item") or {}
        reasons = [
            (reason.get("Code"), reason.get("Item") or {})
            for reason in response.get("CancellationReasons", ())
        ]
        return response["Error"]["Code"], item, reasons
    answer = {
        name: outcome[name] for name in ("Item", "Items", "LastEvaluatedKey") if name in outcome
    }
    for items in outcome.get("Responses", {}).values():
        answer["Responses"] = sorted(items, key=str)
    return answer


@dataclass(slots=True)
class Writer:
    """Writes and reads at random, in every way that a Table offers."""

    random: Random
    table: Table

    def act(self) -> None:
        operation: Callable[[], object] = self.random.choice(
            [
                *(self._transact, self._transact, self._write, self._write_each),
                *(self._get, self._get_many, self._query, self._page, self._index),
            ]
        )
        operation()

    def _transact(self) -> None:
        makers = (
            *(self._put, self._put_new, self._put_if, self._add, self._add_if),
            *(self._update, self._remove, self._delete, self._check),
        )
        actions = [
            self.random.choice(makers)(self._key()) for _ in range(self.random.randint(1, 4))
        ]
        try:
            self.table.transact(actions)
        except (Cancelled, InvalidTransaction):
            return

    def _write_each(self) -> None:
        keys = list({self._key() for _ in range(self.random.randint(1, 5))})
        deleted = self.random.randint(0, len(keys))
        puts = [{"PK": k.pk, "SK": k.sk, **self._attributes()} for k in keys[deleted:]]
        self.table.write_each(deletes=keys[:deleted], puts=puts)

    def _write(self) -> None:
        makers = (
            *(self._put, self._put_new, self._put_if, self._add, self._add_if),
            *(self._update, self._remove, self._delete),
        )
        try:
            self.table.write(self.random.choice(makers)(self._key()))
        except (Cancelled, InvalidTransaction):
            return

    # ------------------------------------------------------------------ actions

    def _key(self) -> Key:
        return Key(self.random.choice(_PARTITIONS), self.random.choice(_SORT_KEYS))

    def _attributes(self) -> dict[str, Any]:
        every: dict[str, Any] = {
            "revision": self.random.randint(1, 3),
            "amount": self.random.choice([0, -5, 10**15]),
            "status": self.random.choice(_WORDS),
            "flag": True,
            "raw": b"bytes",
            "parts": [["d", self.random.randint(0, 2)], None],
            "lines": {"d1": self.random.randint(0, 2)},
            "accessed_by": self.random.choice(_WORDS),
            "last_accessed_at": self.random.choice(_TIMES),
            "dataset_id": self.random.choice(_WORDS),
        }
        return {n: v for n, v in every.items() if self.random.random() < 0.6}

    def _put(self, key: Key) -> Action:
        return self.table.put(key, self._attributes())

    def _put_new(self, key: Key) -> Action:
        return self.table.put_new(key, self._attributes())

    def _put_if(self, key: Key) -> Action:
        revision = self.random.randint(1, 3)
        return self.table.put(key, self._attributes(), "revision = :revision", revision=revision)

    def _add(self, key: Key) -> Action:
        return self.table.add(key, {"amount": self.random.randint(-9, 9), "revision": 1})

    def _add_if(self, key: Key) -> Action:
        condition = "(attribute_not_exists(revision) OR revision <= :most)"
        return self.table.add(key, {"amount": 7}, condition, most=self.random.randint(0, 3))

    def _update(self, key: Key) -> Action:
        return self.table.update(
            key,
            "ADD amount :one SET #status = :word, last_accessed_at = :time",
            "#status = :word AND attribute_exists(PK)",
            names=("status",),
            one=1,
            word=self.random.choice(_WORDS),
            time=self.random.choice(_TIMES),
        )

    def _remove(self, key: Key) -> Action:
        return self.table.update(
            key,
            "SET amount = :amount REMOVE accessed_by",
            "attribute_not_exists(flag) OR dataset_id >= :word",
            amount=3,
            word=self.random.choice(_WORDS),
        )

    def _delete(self, key: Key) -> Action:
        return self.random.choice(
            [self.table.delete(key), self.table.delete(key, "amount < :a", a=1)]
        )

    def _check(self, key: Key) -> Action:
        return self.random.choice(
            [self.table.must_exist(key), self.table.check(key, "revision = :two", two=2)]
        )

    # -------------------------------------------------------------------- reads

    def _get(self) -> None:
        self.table.get(self._key(), consistent=True)

    def _get_many(self) -> None:
        self.table.get_many([self._key() for _ in range(self.random.randint(1, 5))])

    def _query(self) -> None:
        first, last = sorted(self.random.sample(_SORT_KEYS, 2))
        bounds: dict[str, Any] = self.random.choice(
            [{}, {"prefix": "A"}, {"prefix": "B#"}, {"between": (first, last)}]
        )
        attributes = self.random.choice([(), ("status", "SK", "PK"), ("parts", "amount")])
        list(
            self.table.query(
                self.random.choice(_PARTITIONS),
                **bounds,
                after=self.random.choice([None, None, None, "A#1"]) if not bounds else None,
                limit=self.random.choice([None, 1, 2, 4]),
                page=self.random.choice([None, 1, 2]),
                newest_first=self.random.random() < 0.5,
                consistent=True,
                attributes=attributes,
            )
        )

    def _page(self) -> None:
        self.table.page(
            self.random.choice(_PARTITIONS),
            self.random.choice([("A", "C"), ("A#1", "B#1")]),
            having=self.random.choice(["status", "amount", "raw"]),
            limit=self.random.randint(1, 4),
            after=self.random.choice([None, "A#1"]),
        )

    def _index(self) -> None:
        self.table.query_index(
            INDEX,
            "accessed_by = :pk",
            {":pk": self.random.choice(_WORDS)},
            limit=self.random.randint(1, 4),
            newest_first=self.random.random() < 0.5,
        )
