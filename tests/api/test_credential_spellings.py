"""A credential is sent as it was issued: only spaces and tabs around it are taken off.

What proxies and tools put into a header is not guessed away.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from dev.gateway import Answer, Headers
from dev.template import Route
from tests import builders
from tests.api.answers import AMBIGUOUS, UNAUTHORIZED
from tests.api.routes import each_route, for_audience, good_key, is_partners
from tests.api.samples import TENANT, caller_of, visit
from tests.world import World

pytestmark = pytest.mark.slow

# Around a key or within it. Python's `strip` takes most of them off.
STRAY = (
    *(
        ",",
        ";",
        '"',
        "'",
        "=",
        "\0",
        "\r",
        "\n",
        "\v",
        "\f",
        "\x1c",
        "\x1d",
        "\x1e",
        "\x1f",
        "\x7f",
    ),
    *("\x85", "\xa0", "\u1680", "\u2003", "\u200b", "\u2028", "\u3000", "\ufeff", "\ud800"),
)
# `{key}` is the whole key, `{head}` and `{tail}` are its two halves.
MISSPELT = (
    *(f"{stray}{{key}}" for stray in STRAY),
    *(f"{{key}}{stray}" for stray in STRAY),
    *(f"{{head}}{stray}{{tail}}" for stray in (*STRAY[1:], " ", "\t")),
    *(", {key}", "{key} ,", ",{key},", ", ,{key}", ","),
)
JOINED = ("{key},{key}", "{key}, {key}", "{key},,{key}", "{key} , x", "{head},{tail}")


@pytest.fixture
def market(world: World) -> World:
    return builders.market(world, TENANT)


def spelt(spelling: str, key: str) -> str:
    return spelling.format(key=key, head=key[:20], tail=key[20:])


def headers_with(route: Route, value: str) -> dict[str, Headers]:
    """The ways to send a key so spelt."""
    names = ["X-API-Key", *(["X-Partner-API-Key"] if is_partners(route) else [])]
    ways: dict[str, Headers] = {name: {name: value} for name in names}
    return ways | {"Authorization": {"Authorization": f"Bearer {value}"}}


def assert_all(answers: Mapping[tuple[str, str], Answer], expected: Answer) -> None:
    """Status and body are those; other tests look at the headers."""
    said = {case: (answer.status, answer.body) for case, answer in answers.items()}
    assert said == dict.fromkeys(answers, (expected.status, expected.body))


@each_route
def test_a_key_with_something_around_or_in_it_is_none(route: Route, market: World) -> None:
    key = good_key(market, caller_of(route))

    answers = {
        (spelling, way): visit(market, route, headers=headers, thing="any")
        for spelling in MISSPELT
        for way, headers in headers_with(route, spelt(spelling, key)).items()
    }

    assert_all(answers, for_audience(route, UNAUTHORIZED))


@each_route
def test_two_keys_in_a_header_are_two(route: Route, market: World) -> None:
    """A gateway may join a header that was sent twice."""
    key = good_key(market, caller_of(route))

    answers = {
        (spelling, way): visit(market, route, headers=headers, thing="any")
        for spelling in JOINED
        for way, headers in headers_with(route, spelt(spelling, key)).items()
    }

    assert_all(answers, for_audience(route, AMBIGUOUS))
