"""Faults at every write: crashes before and after it, refusals, and rivals that get in first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

type Fault = Callable[[Callable[[], Any]], Any]
"""Gets the write to do, and does it or not."""


class Crash(BaseException):
    """The process died. A BaseException: no handler may survive it."""


def crash_before(write: Callable[[], Any]) -> Any:  # noqa: ARG001  it dies first
    raise Crash


def crash_after(write: Callable[[], Any]) -> Any:
    write()
    raise Crash


def throttle(write: Callable[[], Any]) -> Any:  # noqa: ARG001  refused
    raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "Transact")


def conflict(write: Callable[[], Any]) -> Any:  # noqa: ARG001  refused
    response: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": ""},
        "CancellationReasons": [{"Code": "TransactionConflict"}],
    }
    raise ClientError(response, "TransactWriteItems")


def refuse(write: Callable[[], Any]) -> Any:  # noqa: ARG001  refused
    """For good: the database will never take it as it is."""
    raise ClientError({"Error": {"Code": "ValidationException", "Message": "Overflow"}}, "Transact")


def error_after(write: Callable[[], Any]) -> Any:
    """It is done, and the answer says that it may not be."""
    write()
    raise ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, "Transact")


PLAIN_FAULTS: tuple[Fault, ...] = (crash_before, crash_after, throttle, conflict, error_after)


@dataclass
class PickyClient:
    """A client to which the database refuses every transaction that marks a change."""

    real: Any
    refused: bytes

    def transact_write_items(self, **arguments: Any) -> Any:
        written = [action.get("Put", {}).get("Item", {}) for action in arguments["TransactItems"]]
        if any(self.refused in item.get("seen", {}).get("B", b"") for item in written):
            response: Any = {"Error": {"Code": "ValidationException", "Message": "Overflow"}}
            raise ClientError(response, "TransactWriteItems")
        return self.real.transact_write_items(**arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


def rival(first: Callable[[], object]) -> Fault:
    """Somebody else does something between what was read and this write."""

    def get_in_first(write: Callable[[], Any]) -> Any:
        first()
        return write()

    return get_in_first


@dataclass
class FaultyClient:
    """A client whose n-th write from now, or batch of writes, meets a fault."""

    real: Any
    faults: dict[int, Fault] = field(default_factory=dict)
    writes: int = 0

    def transact_write_items(self, **arguments: Any) -> Any:
        return self._write(partial(self.real.transact_write_items, **arguments))

    def batch_write_item(self, **arguments: Any) -> Any:
        return self._write(partial(self.real.batch_write_item, **arguments))

    def put_item(self, **arguments: Any) -> Any:
        return self._write(partial(self.real.put_item, **arguments))

    def update_item(self, **arguments: Any) -> Any:
        return self._write(partial(self.real.update_item, **arguments))

    def delete_item(self, **arguments: Any) -> Any:
        return self._write(partial(self.real.delete_item, **arguments))

    def _write(self, write: Callable[[], Any]) -> Any:
        self.writes += 1
        fault = self.faults.pop(self.writes, None)
        return fault(write) if fault else write()

    def after(self, writes: int, fault: Fault) -> None:
        self.faults[self.writes + 1 + writes] = fault

    def calm(self) -> None:
        self.faults.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@dataclass
class ForgetfulClient:
    """A client whose every transaction is done, and first answered as if it might not be."""

    real: Any
    sent: set[str] = field(default_factory=set)

    def transact_write_items(self, **arguments: Any) -> Any:
        transaction = str(arguments["TransactItems"])
        if transaction in self.sent:
            return self.real.transact_write_items(**arguments)
        self.sent.add(transaction)
        return error_after(lambda: self.real.transact_write_items(**arguments))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)
