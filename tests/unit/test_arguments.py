"""What the routes of functions get of a request, and what clients hear of what they sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from inspect import Parameter
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from tally.access.model.callers import Caller
from tally.http.arguments import (
    Argument,
    Choice,
    FromRequest,
    PathId,
    Provided,
    Query,
    WholeNumber,
    arguments_of,
    flag,
    plain_text,
    read_arguments,
)
from tally.http.bodies import Body
from tally.http.days import day
from tally.http.failures import InvalidFields
from tally.http.partner import PartnerEndpoint
from tally.http.requests import Request
from tally.kernel.errors import InvalidRequest, NotFound, UnsupportedMediaType
from tally.kernel.instants import parse_instant

CALLER = Caller("acme", (), "key_1")
DAY_RULE = "must be a date like 2026-04-05 or a date-time like 2026-04-05T09:30:00Z"


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Wanted(BaseModel):
    name: str
    sizes: list[int] = []


def provided() -> str:
    return "the real one"


def request(**event: Any) -> Request:
    now = "2026-04-05T10:00:00.000000000Z"
    return Request(event, CALLER, now, lambda provider: f"{provider()}, replaced")


def asked(**query: str | list[str]) -> Request:
    """A request with this query."""
    many = {name: [values] if isinstance(values, str) else values for name, values in query.items()}
    return request(multiValueQueryStringParameters=many)


def read(function: Any, sent: Request) -> Mapping[str, Any]:
    return read_arguments(arguments_of(function, PartnerEndpoint.wire_name), sent)


def refused(function: Any, sent: Request) -> list[tuple[str, str]]:
    with pytest.raises(InvalidFields) as caught:
        read(function, sent)
    return caught.value.reasons


# ------------------------------------------------------------------------- where from


def everything(
    *,
    thing_id: Annotated[str, PathId("Thing")],
    wanted: Body[Wanted],
    caller: Annotated[Caller, FromRequest(lambda sent: sent.caller)],
    table: Annotated[str, Provided(provided)],
    page_size: Annotated[int, Query(WholeNumber(1, 100))] = 20,
    after: Annotated[str | None, Query(plain_text)] = None,
) -> None:
    raise NotImplementedError


def test_each_argument_comes_from_where_its_type_says() -> None:
    sent = request(
        pathParameters={"id": "thing-1"},
        multiValueQueryStringParameters={"pageSize": ["5"], "unknown": ["x"]},
        body='{"name": "n", "more": 1}',
    )

    assert read(everything, sent) == {
        "thing_id": "thing-1",
        "wanted": Wanted(name="n"),
        "caller": CALLER,
        "table": "the real one, replaced",
        "page_size": 5,
        "after": None,
    }


def test_all_that_is_wrong_is_told_at_once() -> None:
    sent = request(
        pathParameters={"id": "thing-1"},
        multiValueQueryStringParameters={"pageSize": ["101"]},
        body='{"sizes": [1, "x"]}',
    )

    assert refused(everything, sent) == [
        ("name", "is required"),
        ("sizes.1", "must be an integer"),
        ("pageSize", "must be at most 100"),
    ]


@pytest.mark.parametrize("thing", ["", "a b", "a%20b", "x" * 65, "\ud800"])
def test_what_cannot_be_an_id_does_not_exist(thing: str) -> None:
    with pytest.raises(NotFound, match=r"^Thing .* does not exist\.$"):
        read(everything, request(pathParameters={"id": thing}))


def test_a_parameter_without_a_marker_is_a_mistake() -> None:
    def route(limit: int) -> None: ...

    with pytest.raises(TypeError, match="limit: say in its type where it comes from"):
        arguments_of(route, str)


# ------------------------------------------------------------------------------ query


def sent_as(parse: Any) -> Argument:
    return Argument("sent_at", "sentAt", Any, Query(parse), Parameter.empty)


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (WholeNumber(0, 10), "007", 7),
        (WholeNumber(-5, 10), "-5", -5),
        (Choice(Colour), "red", Colour.RED),
        (flag, "true", True),
        (flag, "0", False),
        (flag, "No", False),
        (plain_text, "", ""),
        (day, "2026-04-05", date(2026, 4, 5)),
        (day, "2026-04-05T23:30:00 01:00", date(2026, 4, 5)),
        (day, "2026-04-05T23:30:00-01:00", date(2026, 4, 6)),
        (parse_instant, "2026-04-05T09:30:00Z", "2026-04-05T09:30:00.000000000Z"),
    ],
)
def test_what_a_text_means(parse: Any, text: str, value: Any) -> None:
    assert read_arguments([sent_as(parse)], asked(sentAt=text)) == {"sent_at": value}


@pytest.mark.parametrize(
    ("parse", "text", "rule"),
    [
        (WholeNumber(1, 100), "", "must be an integer"),
        (WholeNumber(1, 100), "1_0", "must be an integer"),
        (WholeNumber(1, 100), "\u0661", "must be an integer"),
        (WholeNumber(1, 100), "0", "must be at least 1"),
        (WholeNumber(1, 2000), "2001", "must be at most 2,000"),
        (WholeNumber(1, 100), "9" * 5000, "has too many digits"),
        (Choice(Colour), "RED", "must be one of: red, blue"),
        (flag, "perhaps", "must be true or false"),
        (plain_text, "a\ud800", "must be valid Unicode"),
        (day, "05.04.2026", DAY_RULE),
        (day, "1999-12-31", "must not be before 2000-01-01"),
    ],
)
def test_a_refusal_names_the_rule(parse: Any, text: str, rule: str) -> None:
    with pytest.raises(InvalidFields) as caught:
        read_arguments([sent_as(parse)], asked(sentAt=text))

    assert caught.value.reasons == [("sentAt", rule)]


def test_what_is_missing() -> None:
    def route(
        needed: Annotated[str, Query(plain_text)], other: Annotated[int, Query(flag)] = 3
    ) -> None: ...

    assert refused(route, request()) == [("needed", "is required")]
    assert read(route, asked(needed="x")) == {"needed": "x", "other": 3}


def test_what_is_sent_twice() -> None:
    def route(sent: Annotated[str, Query(plain_text)]) -> None: ...

    assert refused(route, asked(sent=["one", "one"])) == [("sent", "must not be sent twice")]
    assert read(route, request(queryStringParameters={"sent": "a,b"})) == {"sent": "a,b"}


# ------------------------------------------------------------------------------- body


def may_have_a_body(wanted: Body[Wanted | None] = None) -> None:
    raise NotImplementedError


def has_a_body(wanted: Body[Wanted]) -> None:
    raise NotImplementedError


@pytest.mark.parametrize("body", [None, "", "null"])
def test_no_body(body: str | None) -> None:
    assert read(may_have_a_body, request(body=body)) == {"wanted": None}
    assert refused(has_a_body, request(body=body)) == [("body", "is required")]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("[]", ("body", "must be an object")),
        ('[{"name": "n"}]', ("body", "must be an object")),
        ('{"name": 1}', ("name", "must be a string")),
        ('{"name": "a", "name": "b"}', ("name", "must not be sent twice")),
        ('"\\ud800"', ("body", "must be valid Unicode")),
    ],
)
def test_a_body_that_is_wrong(body: str, reason: tuple[str, str]) -> None:
    assert refused(has_a_body, request(body=body)) == [reason]
    assert refused(may_have_a_body, request(body=body)) == [reason]


def test_a_body_that_is_no_json() -> None:
    with pytest.raises(InvalidRequest, match="not valid JSON"):
        read(has_a_body, request(body="{"))
    with pytest.raises(UnsupportedMediaType):
        read(has_a_body, request(body="{}", headers={"Content-Type": "text/csv"}))
