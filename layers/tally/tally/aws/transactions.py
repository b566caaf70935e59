"""Transactions: their actions, and how a refused one says which condition failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from tally.aws.items import from_item

MAX_TRANSACTION_ACTIONS = 100

# Reasons that pass by themselves: the same transaction is tried again.
_TRANSIENT = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


class Action(dict[str, Any]):
    """One entry of TransactItems. `name` is how `Cancelled.failed` asks for its condition."""

    name: str | None = None


def named(name: str, action: Action) -> Action:
    """The same action, by a name that `Cancelled.failed` knows."""
    action.name = name
    return action


@dataclass(frozen=True, slots=True)
class FailedCondition:
    """`item` is the stored item that did not meet the condition; empty if there is none."""

    item: dict[str, Any] = field(default_factory=dict)


class Cancelled(Exception):
    """A transaction that wrote nothing because conditions failed: somebody else was first.

    `reasons` has an entry for each action, in order; None where the condition held.
    """

    def __init__(
        self, reasons: Sequence[FailedCondition | None], names: Sequence[str | None] = ()
    ) -> None:
        failed = [
            name or str(position)
            for position, (reason, name) in enumerate(
                zip(reasons, names or [None] * len(reasons), strict=True)
            )
            if reason
        ]
        super().__init__(f"conditions failed: {', '.join(failed)}")
        self.reasons = reasons
        self._failed = frozenset(failed)

    def failed(self, name: str) -> bool:
        """Whether the condition of an action of that name failed."""
        return name in self._failed


class Conflict(Exception):
    """A transaction that wrote nothing because others have its items just now.

    `positions` are those of the actions on such items.
    """

    def __init__(self, positions: Sequence[int]) -> None:
        super().__init__(f"others write at {', '.join(map(str, positions))}")
        self.positions = positions


class InvalidTransaction(Exception):
    """A transaction that DynamoDB will never accept as it is, for example a number too large."""


def conflict_by(reasons: Iterable[Any]) -> Conflict | None:
    """What the reasons say of transactions that are in the way; None if none is."""
    positions = [n for n, each in enumerate(reasons) if each.get("Code") == "TransactionConflict"]
    return Conflict(positions) if positions else None


def cancelled_by(actions: Sequence[Action], reasons: Iterable[Any]) -> Cancelled | None:
    """What DynamoDB's cancellation reasons mean; None if the same transaction may succeed later.

    InvalidTransaction if one of the reasons will not pass.
    """
    given = [(reason.get("Code", "None"), reason.get("Item", {})) for reason in reasons]
    codes = [code for code, _ in given]
    known = {"None", "ConditionalCheckFailed", *_TRANSIENT}
    if invalid := [code for code in codes if code not in known]:
        raise InvalidTransaction(", ".join(invalid))
    # A failed condition may itself be what a conflict left behind: it is looked at first.
    if "ConditionalCheckFailed" not in codes:
        return None
    return Cancelled(
        [
            FailedCondition(from_item(item)) if code == "ConditionalCheckFailed" else None
            for code, item in given
        ],
        [action.name for action in actions],
    )


def refusal_of(action: Action, error: ClientError) -> Cancelled | InvalidTransaction | None:
    """What it means that a write by itself was refused; None for other errors."""
    response: Any = error.response
    match response["Error"]["Code"]:
        case "ConditionalCheckFailedException":
            item = response.get("Item") or {}
            return Cancelled([FailedCondition(from_item(item))], [action.name])
        case "ValidationException":
            return InvalidTransaction(str(error))
    return None
