"""Exceptions -> the answers they become."""

from __future__ import annotations

from collections.abc import Sequence

from tally.http.errors import STATUSES, ErrorAnswer, internal_error, invalid_fields, refusal
from tally.kernel.errors import TallyError
from tally.kernel.masking import masked


class InvalidFields(Exception):
    """Fields of a request are wrong: `reasons` are (field, the rule that it breaks)."""

    def __init__(self, reasons: Sequence[tuple[str, str]]) -> None:
        self.reasons = [(masked(field), masked(reason)) for field, reason in reasons]
        super().__init__("fields are not valid")


def answer_to(error: Exception) -> ErrorAnswer:
    """What the client is told."""
    match error:
        case TallyError() if type(error) in STATUSES:
            return refusal(error)
        case InvalidFields():
            return invalid_fields(error.reasons)
        case _:
            return internal_error()
