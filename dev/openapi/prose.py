"""What the pages in docs/ say of errors and events, for the descriptions: written once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import ModuleType

from dev import ROOT

_DOCS = ROOT / "docs"
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")
_TABLE = re.compile(r"<!-- generated: (.+?) -->.*?<!-- /generated -->\n(.*?)(?=\n#|\Z)", re.DOTALL)


@cache
def causes() -> Mapping[str, str]:
    """Code of an error -> when it is answered."""
    codes, _, rejections = (_DOCS / "errors.md").read_text().partition("## Rejected events")
    return {
        **{row[0]: row[3] for row in _rows(codes) if len(row) == 5},
        **{row[0]: row[1] for row in _rows(rejections) if len(row) == 3},
    }


@cache
def meanings() -> Mapping[str, str]:
    """Event type -> what it does."""
    return {
        name: plain(text)
        for names, text in _TABLE.findall((_DOCS / "events.md").read_text())
        for name in names.split()
    }


def of_module(module: ModuleType) -> tuple[str, str]:
    """`GET /v1/...: what it answers.`, and what follows -> both without the route."""
    first, _, rest = str(module.__doc__).strip().partition("\n\n")
    answers = plain(first).partition(": ")[2].rstrip(".")
    return answers[:1].upper() + answers[1:], plain(rest)


def plain(markdown: str) -> str:
    """Without links, which would lead nowhere from here, and with each paragraph in one line."""
    paragraphs = _LINK.sub(r"\1", markdown).strip().split("\n\n")
    return "\n\n".join(" ".join(each.split()) for each in paragraphs)


def _rows(text: str) -> list[list[str]]:
    lines = (line for line in text.splitlines() if line.startswith("| `"))
    return [[plain(cell).strip("`") for cell in line.strip("| ").split(" | ")] for line in lines]
