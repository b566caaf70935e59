"""Recognisable secrets and personal data, and what of them is found again where it must not be."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from pydantic import BaseModel, ValidationError

from tally.access.model.key_hashing import generate_key
from tally.wire.json import dump_json
from tests.api.logs import written_text

# Each may be recognised by any part of it that is so long.
_PART = 10

KEY = generate_key()
SESSION = "sess_v1.Zq8vTj2mXc5Lw0RbYdKpHs4NfGaUeI7o.JrVxQ3tMzB9kWnCy6PhLgD1s"
# Header, claims and signature, each with a text of its own in it.
JWT = (
    "eyJhbGciOiJSUzI1NiIsImtpZCI6InF1YWdnYS1rZXktMDA3In0"
    ".eyJzdWIiOiJwZXJwZXR1YUBmZWF0aGVyc3RvbmUiLCJhdWQiOiJ0YWxseSJ9"
    ".b2theS10aGlzLWlzLW5vLXNpZ25hdHVyZS1hdC1hbGw"
)
CREDENTIALS = (KEY, SESSION, JWT)

QUERY_TEXT = "who divorced zebulon quackenbush in wanganui"
PERSON = "Perpetua Featherstonehaugh <perpetua@fstone.example>"
ORGANIZATION = "Quixotic Zymurgy Holdings of Ouagadougou"
EXTERNAL_ID = "crm:xylophone/7731-0042"
PASSPORT = "K9988771123-jabberwocky"
IPV4, IPV6 = "203.0.113.177", "2001:db8:feed:beef::1d1d"
BROWSER = "Mozilla/5.0 (Perpetua's kitchen tablet)"
PERSONAL = (QUERY_TEXT, PERSON, ORGANIZATION, EXTERNAL_ID, PASSPORT, IPV4, IPV6, BROWSER)

ALL = (*CREDENTIALS, *PERSONAL)
TEXT = " ".join(ALL)
ITEM = {"PK": f"TENANT#{PASSPORT}", "query_text": QUERY_TEXT, "name": PERSON, "key": KEY}


@cache
def _parts_of(secret: str) -> frozenset[str]:
    """All parts by which it is recognised. What a key begins with is public: its id has it."""
    text = secret[len("ipto_") + 12 :] if secret.startswith("ipto_") else secret
    return _windows(text)


def _windows(text: str) -> frozenset[str]:
    text = text.lower()
    return frozenset(text[n : n + _PART] for n in range(max(1, len(text) - _PART + 1)))


_PARTS = frozenset[str]().union(*map(_parts_of, ALL))


def leaked(text: str, also: str = "", but: str = "") -> frozenset[str]:
    """The parts of any secret in a text. `also`: one more secret; `but`: one that may be there."""
    wanted = _PARTS | _parts_of(also) if also else _PARTS
    found = wanted & _windows(text)
    return found - _parts_of(but) if but else found


# ------------------------------------------------------------------------------ what is logged


class _Root(logging.Handler):
    """As Lambda's: what other libraries log, from its level on, with their exceptions."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.INFO)
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def everything_written() -> Iterator[list[str]]:
    """The lines of all loggers, in JSON or not, and at the end what was printed."""
    root, printed = logging.getLogger(), StringIO()
    with written_text() as lines, redirect_stdout(printed), redirect_stderr(printed):
        handler, level = _Root(lines), root.level
        root.addHandler(handler)
        root.setLevel(logging.INFO)
        try:
            yield lines
        finally:
            root.removeHandler(handler)
            root.setLevel(level)
            lines.append(printed.getvalue())


# ----------------------------------------------------------------------------- what goes wrong


class _Strict(BaseModel):
    amount: int


def _of_pydantic() -> Exception:
    """Its text repeats what was read."""
    with pytest.raises(ValidationError) as caught:
        _Strict.model_validate(ITEM | {"amount": TEXT})
    return caught.value


def _caused() -> Exception:
    error = RuntimeError("outer")
    error.__cause__ = ValueError(TEXT)
    error.__cause__.__context__ = KeyError(TEXT)
    error.add_note(TEXT)
    return error


def _refused(code: str) -> Exception:
    """As the table may: with the item and its key in the message, and in what else it returns."""
    response: Any = {
        "Error": {"Code": code, "Message": f"One or more parameters: {dump_json(ITEM)} {TEXT}"},
        "CancellationReasons": [{"Code": "ConditionalCheckFailed", "Item": ITEM, "Message": TEXT}],
    }
    return ClientError(response, "TransactWriteItems")


FAULTS: Mapping[str, Exception] = {
    "bug": RuntimeError(TEXT),
    "missing key": KeyError(TEXT),
    "bytes": UnicodeDecodeError("utf-8", TEXT.encode(), 0, 1, TEXT),
    "two texts": ValueError(TEXT, ITEM),
    "pydantic": _of_pydantic(),
    "with causes": _caused(),
    "refused": _refused("ValidationException"),
    "denied": _refused("AccessDeniedException"),
}
BUSY: Mapping[str, Exception] = {
    "throttled": _refused("ThrottlingException"),
    "no connection": EndpointConnectionError(endpoint_url=TEXT),
}
