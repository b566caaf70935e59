"""Keeps the answers that a client got, and gives them again.

With the answers at hand, what time and memory a function takes is its own and not the database's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

_CHUNK = 64 * 1024


@contextmanager
def kept(client: Any, operation: str) -> Iterator[list[bytes]]:
    """The bodies of a DynamoDB operation's answers until the end of the block."""
    bodies: list[bytes] = []

    def keep(response_dict: Any, **_: object) -> None:
        bodies.append(response_dict["body"])

    event = f"response-received.dynamodb.{operation}"
    client.meta.events.register(event, keep)
    yield bodies
    client.meta.events.unregister(event, keep)


@contextmanager
def replayed(client: Any, operation: str, bodies: Sequence[bytes]) -> Iterator[None]:
    """The operation gets these answers, in order, and nothing is sent.

    RuntimeError if it asks for less; IndexError if it asks for more.
    """
    left = deque(bodies)

    def answer(request: Any, **_: object) -> AWSResponse:
        return AWSResponse(request.url, 200, HTTPHeaders(), _Body(left.popleft()))

    event = f"before-send.dynamodb.{operation}"
    client.meta.events.register(event, answer)
    yield
    client.meta.events.unregister(event, answer)
    if left:
        raise RuntimeError(f"{len(left)} of {len(bodies)} answers were not asked for")


class _Body:
    """A body that takes as much memory as one that arrives over the network."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        for start in range(0, len(self._content), _CHUNK):
            yield self._content[start : start + _CHUNK]
