"""Which texts Tally takes, without pydantic: for what no model reads."""

from __future__ import annotations

import re

ID = "[A-Za-z0-9_-]{1,64}"
HALF_A_PAIR = re.compile(r"[\ud800-\udfff]")


def is_id(text: str) -> bool:
    """Whether it may be the id of anything."""
    return bool(re.fullmatch(ID, text))


def check_unicode(text: str) -> str:
    """The text. ValueError if half of a surrogate pair is in it."""
    if not text.isascii() and HALF_A_PAIR.search(text):
        raise ValueError("must be valid Unicode")
    return text
