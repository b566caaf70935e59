"""Cursors: a place in a list, signed, valid for one tenant, one list and one sort order only."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from tally.kernel.errors import InvalidCursor

_SIGNATURE_BYTES = 16

type Secrets = Callable[[bool], Sequence[bytes]]
"""The present secret, and those that were it before. True if the known ones match no cursor: then
others are looked up, now and then."""


def of_another_list() -> InvalidCursor:
    return InvalidCursor(
        "The cursor does not belong to this list; omit it to start from the beginning.",
        field="cursor",
    )


@dataclass(frozen=True, slots=True)
class Cursors[Position: tuple[str, ...]]:
    """The cursors of one list. `scope` names it: tenant, list and sort order.

    `position` makes a position from its parts, each a string.
    """

    secrets: Secrets
    scope: Sequence[str]
    position: Callable[..., Position]

    def within(self, part: str) -> Self:
        """The cursors of one part of the list, which belong to no other part."""
        return replace(self, scope=(*self.scope, part))

    def write(self, position: Position | None) -> str | None:
        """A position -> its cursor; None, which is the end of the list, -> None."""
        if position is None:
            return None
        return self._written(position, self.secrets(False)[0])

    def read(self, cursor: str | None) -> Position | None:
        """A cursor -> the position it was written for. InvalidCursor if it is not of this list."""
        if cursor is None:
            return None
        try:
            raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
            signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
            secret = self._signed_with(signature, body)
            position = self.position(*json.loads(body))
            # base64 has several spellings of the same bytes; only ours is accepted.
            if self._written(position, secret) != cursor:
                raise ValueError("not as it was written")
        except (ValueError, TypeError) as error:
            raise of_another_list() from error
        return position

    def _signed_with(self, signature: bytes, body: bytes) -> bytes:
        """The secret that made the signature. ValueError if none did."""
        for rotated in (False, True):
            for secret in self.secrets(rotated):
                if hmac.compare_digest(signature, self._signature(body, secret)):
                    return secret
        raise ValueError("forged, or of another list")

    def _written(self, position: Position, secret: bytes) -> str:
        body = json.dumps(list(position), separators=(",", ":")).encode()
        return urlsafe_b64encode(self._signature(body, secret) + body).decode().rstrip("=")

    def _signature(self, body: bytes, secret: bytes) -> bytes:
        message = json.dumps(list(self.scope)).encode() + b"\0" + body
        return hmac.digest(secret, message, hashlib.sha256)[:_SIGNATURE_BYTES]
