"""Time that passes only when somebody waits, and an AWS that lets them wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)

from tally.aws.retries import CONNECT_TIMEOUT_S, READ_TIMEOUT_S
from tests.world import World


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def context(self, timeout_s: float) -> Any:
        """What Lambda gives a function that starts now."""
        ends_at = self.now + timeout_s
        return SimpleNamespace(
            aws_request_id="lambda-1",
            get_remaining_time_in_millis=lambda: int((ends_at - self.now) * 1000),
        )


@contextmanager
def stopped_clock() -> Iterator[Clock]:
    """Deadlines go by this clock meanwhile."""
    clock = Clock()
    with patch("tally.kernel.deadlines.monotonic", clock):
        yield clock


@dataclass(frozen=True)
class Trouble:
    """What each call meets: it takes some seconds and fails, or `answers` without success."""

    takes_s: float
    fails: Callable[[str], Exception] | None = None
    answers: Callable[[dict[str, Any]], Any] | None = None
    only: str = ""


def _refused(code: str, status: int = 400, **said: Any) -> Callable[[str], Exception]:
    response: Any = {
        "Error": {"Code": code, "Message": "secret detail"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **said,
    }
    return lambda operation: ClientError(response, operation)


_URL = "https://secret-detail"
TROUBLES = {
    "throttling": Trouble(0.01, _refused("ThrottlingException")),
    "slow throttling": Trouble(2.5, _refused("ProvisionedThroughputExceededException")),
    "an error of the service": Trouble(0.01, _refused("SomethingNew", status=500)),
    "silence": Trouble(READ_TIMEOUT_S, lambda _: ReadTimeoutError(endpoint_url=_URL)),
    "no connection": Trouble(CONNECT_TIMEOUT_S, lambda _: ConnectTimeoutError(endpoint_url=_URL)),
    "no such host": Trouble(
        0.01, lambda _: EndpointConnectionError(endpoint_url=_URL, error="secret detail")
    ),
    "no TLS": Trouble(0.01, lambda _: SSLError(endpoint_url=_URL, error=OSError("secret detail"))),
    "a connection that is cut": Trouble(
        1.5, lambda _: ConnectionClosedError(endpoint_url=_URL, error="secret detail")
    ),
}
CONFLICTS = Trouble(
    0.3,
    _refused("TransactionCanceledException", CancellationReasons=[{"Code": "TransactionConflict"}]),
    only="transact_write_items",
)
UNPROCESSED = Trouble(
    0.3,
    answers=lambda asked: {"Responses": {}, "UnprocessedKeys": asked["RequestItems"]},
    only="batch_get_item",
)


def _cancelled(asked: dict[str, Any]) -> dict[str, Any]:
    """What has no condition is done."""
    actions = [next(iter(action.values())) for action in asked["TransactItems"]]
    conditional = ["ConditionExpression" in action for action in actions]
    if not any(conditional):
        return {}
    reasons = [{"Code": "ConditionalCheckFailed" if each else "None"} for each in conditional]
    raise _refused("TransactionCanceledException", CancellationReasons=reasons)("Transact")


RIVALS = Trouble(2, answers=_cancelled, only="transact_write_items")


@dataclass
class TroubledClient:
    """A client whose calls meet trouble; `calls` are those that were begun."""

    real: Any
    clock: Clock
    trouble: Trouble
    calls: int = 0

    def __getattr__(self, name: str) -> Any:
        real: Any = getattr(self.real, name, None)
        if name in ("meta", "exceptions") or self.trouble.only not in ("", name):
            return real

        def call(**arguments: Any) -> Any:
            self.calls += 1
            self.clock.sleep(self.trouble.takes_s)
            if self.trouble.fails:
                raise self.trouble.fails(name)
            return self.trouble.answers(arguments) if self.trouble.answers else real(**arguments)

        return call


def beset(world: World, trouble: Trouble, clock: Clock) -> TroubledClient:
    """From now on, the world's table has such a client, and waiting takes the clock's time."""
    client: Any = TroubledClient(world.table.client, clock, trouble)
    world.table = replace(world.table, client=client, sleep=clock.sleep)
    troubled: TroubledClient = client
    return troubled
