"""Which of several media types suits a client (RFC 9110, 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_NAME = r"[\w!$%&'+.^`|~-]+"
_RANGE = re.compile(rf"(?=\*/\*|{_NAME}/)(\*|{_NAME})/(\*|{_NAME})", re.ASCII)
_WEIGHT = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?", re.ASCII)


class _Range(NamedTuple):
    """`text/*` with `q=0.5`."""

    kind: str
    subtype: str
    weight: float

    def precision(self, media_type: str) -> int | None:
        """How precisely it names a media type; None if it does not mean it."""
        kind, _, subtype = media_type.partition("/")
        if self.kind not in (kind, "*") or self.subtype not in (subtype, "*"):
            return None
        return (self.kind != "*") + (self.subtype != "*")


def prefers_csv(accept: str) -> bool:
    """Whether an Accept header asks for CSV more than for JSON."""
    return preferred(accept, ("application/json", "text/csv")) == "text/csv"


def preferred(accept: str, offered: Sequence[str]) -> str:
    """The one of the offered media types that an Accept header asks for most.

    Of those it asks for equally, the one that it names most precisely, then the first. The first
    also if it asks for none of them.
    """
    ranges = list(_ranges(accept.lower()))

    def rank(media_type: str) -> tuple[float, int]:
        matches = [(p, r.weight) for r in ranges if (p := r.precision(media_type)) is not None]
        precision, weight = max(matches, default=(0, 0.0))
        return weight, precision if weight else 0

    return max(offered, key=rank)


def _ranges(accept: str) -> Iterator[_Range]:
    """What is malformed is left out."""
    for element in accept.split(","):
        name, *parameters = (part.strip() for part in element.split(";"))
        weights = [each[2:].strip() for each in parameters if each.startswith("q=")]
        match = _RANGE.fullmatch(name)
        if match and all(map(_WEIGHT.fullmatch, weights)):
            yield _Range(match[1], match[2], float(weights[0]) if weights else 1.0)
