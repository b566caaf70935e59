"""Field types that requests and events share."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from tally.domain.instants import Instant, parse_instant

ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}\z"

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]


def _printable(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("must not have control characters")
    return text


Name = Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(_printable)]
"""What people call a thing: 1 to 256 characters of any script."""

Timestamp = Annotated[str, AfterValidator(parse_instant)]
"""RFC 3339 text -> Instant."""

__all__ = ["ID_PATTERN", "Id", "Instant", "Name", "Timestamp"]
