"""Errors and log lines without what nobody else may read."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from tally.access.model.key_hashing import generate_key
from tally.kernel.errors import NotFound
from tally.kernel.masking import masked
from tally.logs import kind_of, logger, outline
from tests.api.logs import lines_of, written_text

KEY = generate_key()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"API key {KEY} does not exist.", "API key ipto_… does not exist."),
        (f"key_{KEY}", "key_ipto_…"),
        (KEY.upper(), "IPTO_…"),
        (KEY[:40], "ipto_…"),
        (f"'{KEY}', sess_{'a' * 36}.bb.cc!", "'ipto_…', sess_…!"),
        ("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl is unknown", "eyJ… is unknown"),
        ("Tenant acme does not exist.", "Tenant acme does not exist."),
        ("key_k3j5k3j5k3j5, sess_ and ipto_k3j5", "key_k3j5k3j5k3j5, sess_ and ipto_k3j5"),
    ],
    ids=map(str, range(8)),  # the texts differ from one process to the next
)
def test_credentials_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown
    error = NotFound(text, field=text)
    assert (error.message, error.field, str(error)) == (shown, shown, shown)


@given(st.text(), st.text())
def test_no_key_is_left_wherever_it_stands(before: str, after: str) -> None:
    assert KEY[18:] not in masked(f"{before}{KEY}{after}")


def _fail() -> None:
    try:
        raise KeyError("inner secret")
    except KeyError as error:
        raise ValueError("outer secret") from error


def test_a_line_tells_where_an_exception_came_from_but_not_what_it_says() -> None:
    with written_text() as written:
        try:
            _fail()
        except ValueError as error:
            error.add_note("a secret note")
            logger.exception("failed")

    (line,) = lines_of(written)
    assert "secret" not in written[0]
    assert (line["message"], line["exception_name"]) == ("failed", "ValueError")
    kinds = [each for each in line["exception"].splitlines() if not each.startswith(" ")]
    places = [
        each.rpartition(" in ")[2] for each in line["exception"].splitlines() if each[0] == " "
    ]
    assert kinds == ["ValueError", "KeyError"]
    assert places == [
        "test_a_line_tells_where_an_exception_came_from_but_not_what_it_says",
        "_fail",
        "_fail",
    ]


def test_what_aws_refused_has_its_code() -> None:
    refused: Any = {"Error": {"Code": "ValidationException", "Message": "secret"}}
    error = ClientError(refused, "PutItem")

    assert kind_of(error) == outline(error) == "ClientError (ValidationException in PutItem)"


def test_exceptions_that_cause_each_other_come_to_an_end() -> None:
    one, other = ValueError("a"), TypeError("b")
    one.__cause__, other.__cause__ = other, one

    assert outline(one) == "ValueError\nTypeError"
