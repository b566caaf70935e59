"""Watches a client's calls from outside: how many, and what DynamoDB bills for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dev.bench.units import cancelled_write_units, read_units

_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"})
_REQUEST = "metered_request"


@dataclass(slots=True)
class Usage:
    """Calls, and request units as on-demand tables bill them."""

    calls: int = 0
    read_units: float = 0
    write_units: float = 0


@dataclass(slots=True)
class Meter:
    """Read units are computed, since the embedded AWS reports constants; write units are its own.

    The calls are changed in nothing else, and the code that makes them in nothing at all.
    """

    _usage: Usage | None = None

    def attach(self, client: Any) -> None:
        """Watch every call of a botocore client of DynamoDB."""
        client.meta.events.register("before-parameter-build.dynamodb.*", self._before)
        client.meta.events.register("after-call.dynamodb.*", self._after)

    @contextmanager
    def measure(self) -> Iterator[Usage]:
        """What is used until the end of the block."""
        self._usage = Usage()
        yield self._usage
        self._usage = None

    def _before(
        self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: object
    ) -> None:
        if model.name in _WRITES:
            params["ReturnConsumedCapacity"] = "TOTAL"
        if self._usage is not None and params.pop("ProjectionExpression", None):
            _forget_unused_names(params)
        context[_REQUEST] = params

    def _after(
        self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: object
    ) -> None:
        if self._usage is None:
            return
        request = context[_REQUEST]
        self._usage.calls += 1
        if "Error" in parsed:
            if parsed["Error"]["Code"] == "TransactionCanceledException":
                self._usage.write_units += cancelled_write_units(request)
            return
        self._usage.read_units += read_units(model.name, request, parsed)
        if model.name in _WRITES:
            consumed = parsed["ConsumedCapacity"]
            tables = consumed if isinstance(consumed, list) else [consumed]
            self._usage.write_units += sum(table["CapacityUnits"] for table in tables)


def _forget_unused_names(params: dict[str, Any]) -> None:
    """DynamoDB refuses names that no expression uses."""
    expressions = [text for name, text in params.items() if name.endswith("Expression")]
    names = params.pop("ExpressionAttributeNames", {})
    used = {name: of for name, of in names.items() if any(name in each for each in expressions)}
    if used:
        params["ExpressionAttributeNames"] = used
