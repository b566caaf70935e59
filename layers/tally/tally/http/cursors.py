"""Cursors: a place in a list, signed, and good for one tenant, endpoint and sort only."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from tally.domain.errors import InvalidCursor

_SIGNATURE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Cursors:
    """Cursors of one list. `scope` names it: tenant, endpoint and sort."""

    secret: bytes
    scope: Sequence[str]

    def write(self, position: Sequence[str] | None) -> str | None:
        """A position -> cursor; None -> None, the last page."""
        if position is None:
            return None
        body = json.dumps(list(position), separators=(",", ":")).encode()
        return urlsafe_b64encode(self._signature(body) + body).decode().rstrip("=")

    def read(self, cursor: str | None, length: int) -> list[str] | None:
        """A cursor -> the position of `length` parts that it was written for; InvalidCursor."""
        if cursor is None:
            return None
        try:
            raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
            signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
            if not hmac.compare_digest(signature, self._signature(body)):
                raise ValueError("forged or foreign")
            position = json.loads(body)
            if len(position) != length or self.write(position) != cursor:
                raise ValueError("not as it was written")
        except ValueError as error:
            raise InvalidCursor(
                "The cursor is not one of this list; start again without it.", field="cursor"
            ) from error
        return [str(part) for part in position]

    def _signature(self, body: bytes) -> bytes:
        message = json.dumps(list(self.scope)).encode() + b"\0" + body
        return hmac.digest(self.secret, message, hashlib.sha256)[:_SIGNATURE_BYTES]
