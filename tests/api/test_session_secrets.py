"""The secret that signs sessions is rotated, and what proving a session costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tally.access.model.scopes import Scope
from tally.access.model.sessions import Session, write_token
from tests import builders
from tests.api.answers import UNAVAILABLE, answer, failure
from tests.api.sessions import admits, bearing, opened
from tests.world import World

HALF_A_DAY = 43_200


@pytest.fixture
def market(world: World) -> World:
    return builders.market(world, "acme")


@pytest.fixture
def key(market: World) -> str:
    return market.key("acme", Scope.USAGE_READ)


@contextmanager
def calls_of(world: World) -> Iterator[list[str]]:
    """Each call to DynamoDB: its name, and what it is about."""
    calls: list[str] = []
    world.secrets.asked.clear()

    def note(params: Any, model: Any, **_: Any) -> None:
        place = params.get("Key", {"PK": {"S": "?"}})["PK"]["S"]
        calls.append(f"{model.name} {place.partition('#')[0]}")

    events = world.table.client.meta.events
    events.register("provide-client-params.dynamodb", note)
    try:
        yield calls
    finally:
        events.unregister("provide-client-params.dynamodb", note)


# ------------------------------------------------------------------------- its costs


def test_a_session_costs_no_read_beyond_its_keys(market: World, key: str) -> None:
    token = opened(market, key)
    with calls_of(market) as with_key:
        assert admits(market, key)
    with calls_of(market) as cold:
        assert admits(market, token)
    assert cold == with_key
    assert cold.count("GetItem APIKEY") == 1
    assert market.secrets.asked == ["AWSCURRENT"]

    market.warm = True
    with calls_of(market) as warm:
        for _ in range(3):
            assert admits(market, token)
    assert warm == ["GetItem TENANT"] * 3  # the dashboard
    assert market.secrets.asked == []


def test_a_request_with_a_key_reads_no_secret(market: World, key: str) -> None:
    with calls_of(market):
        assert admits(market, key)

    assert market.secrets.asked == []


def test_sessions_of_one_key_share_what_is_remembered_of_it(market: World, key: str) -> None:
    first, second = opened(market, key), opened(market, key, ttl_seconds=60)
    assert admits(market, first)
    market.warm = True

    with calls_of(market) as calls:
        assert admits(market, second)
        assert admits(market, key)

    assert calls == ["GetItem TENANT"] * 2  # the dashboards


def test_opening_one_reads_the_key_and_writes_nothing(market: World, key: str) -> None:
    with calls_of(market) as cold:
        opened(market, key)
    market.warm = True
    with calls_of(market) as warm:
        opened(market, key)

    assert {call.partition(" ")[0] for call in cold} == {"GetItem"}
    assert cold.count("GetItem APIKEY") == 1
    assert warm == ["GetItem APIKEY"]  # which is looked up each time
    assert market.secrets.asked == []


# -------------------------------------------------------------------------- rotation


def aged(world: World, key: str, rotations: int, hours: float) -> list[str]:
    """Long sessions, from before each of the rotations and after the last; so many hours apart."""
    tokens = [opened(world, key, ttl_seconds=HALF_A_DAY)]
    for _ in range(rotations):
        world.wait(hours=hours)
        world.secrets.rotate()
        world.wait(seconds=1)
        tokens.append(opened(world, key, ttl_seconds=HALF_A_DAY))
    return tokens


@pytest.mark.parametrize("is_warm", [True, False])
@pytest.mark.parametrize(("rotations", "hours"), [(1, 0), (1, 11), (2, 0), (2, 5), (5, 2)])
def test_no_rotation_logs_anybody_out(
    rotations: int,
    hours: float,
    is_warm: bool,  # noqa: FBT001  a parameter of the test
    market: World,
    key: str,
) -> None:
    first = opened(market, key, ttl_seconds=60)
    assert admits(market, first)  # from now on a process knows the present secret

    tokens = aged(market, key, rotations, hours)

    market.warm = is_warm
    market.wait(seconds=2)
    assert [admits(market, token) for token in tokens] == [True] * len(tokens)
    assert [admits(market, token) for token in reversed(tokens)] == [True] * len(tokens)


def test_what_is_found_out_about_old_secrets_is_remembered(market: World, key: str) -> None:
    tokens = aged(market, key, rotations=2, hours=1)
    assert admits(market, tokens[0])
    market.warm = True
    for token in tokens:
        admits(market, token)

    with calls_of(market):
        for token in tokens:
            assert admits(market, token)

    assert market.secrets.asked == []


def test_a_replaced_secret_is_good_for_nothing_after_half_a_day(market: World) -> None:
    """Or rotating it would not help against a thief."""
    _, stored = market.new_key("acme", [Scope.USAGE_READ])
    stolen = market.secrets.versions[0]
    market.secrets.rotate()
    market.secrets.rotate()

    def forged(expires_at: str) -> str:
        session = Session(stored.prefix, "acme", (Scope.USAGE_READ,), expires_at)
        return write_token(session, stolen.version_id, stolen.value.encode())

    assert admits(market, forged("2026-04-05T22:00:00.000000000Z"))  # as good as an old session
    assert not admits(market, forged("2026-04-06T10:00:00.000000000Z"))
    market.wait(days=30)
    market.secrets.rotate()
    assert not admits(market, forged("2026-05-05T11:00:00.000000000Z"))


def test_whoever_signs_notices_a_rotation_within_minutes(market: World, key: str) -> None:
    opened(market, key)
    market.warm = True
    new = market.secrets.rotate()

    for _ in range(5):
        market.wait(minutes=1)
        token = opened(market, key)

    assert token.startswith(f"sess_{new}.")


# ------------------------------------------------------------- made-up names of versions


def made_up(_: World) -> str:
    session = Session("abcdefghijkl", "acme", (Scope.ADMIN,), "2099-01-01T00:00:00.000000000Z")
    return write_token(session, str(uuid4()), b"guess")


def test_forged_versions_make_a_process_ask_now_and_then(market: World, key: str) -> None:
    assert admits(market, opened(market, key))
    market.warm = True
    market.wait(minutes=2)
    market.secrets.asked.clear()

    for _ in range(60):
        for _ in range(5):
            assert not admits(market, made_up(market))
        market.wait(seconds=1)

    assert market.secrets.asked.count("AWSCURRENT") == 30
    assert market.secrets.asked.count("all") == 1
    assert len(market.secrets.asked) == 31


@pytest.mark.parametrize("rotations", [1, 2, 3])
def test_forgers_lock_nobody_out(rotations: int, market: World, key: str) -> None:
    """Whatever they made the process ask before."""
    assert admits(market, opened(market, key))
    tokens = aged(market, key, rotations, hours=0)
    market.warm = True

    def forge() -> None:
        for _ in range(20):
            assert not admits(market, made_up(market))

    forge()
    for token in tokens:
        assert admits(market, token)
        forge()
    market.secrets.rotate()
    forge()
    market.warm = False
    newest = opened(market, key)
    market.warm = True
    market.wait(seconds=2)
    forge_first = made_up(market)
    assert not admits(market, forge_first)
    assert admits(market, newest)


# ----------------------------------------------------------------- when it cannot be read


def refused(code: str) -> Callable[[], None]:
    def trouble() -> None:
        said: Any = {"Error": {"Code": code, "Message": "secret detail"}}
        raise ClientError(said, "GetSecretValue")

    return trouble


def test_without_the_secret_nothing_can_be_told(
    market: World, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tally.aws.retries.pauses", lambda: iter([0.0] * 3))
    token = opened(market, key)
    busy = UNAVAILABLE.body["error"] | {
        "message": "The store of secrets is busy; send the request again."
    }
    market.secrets.trouble = refused("ThrottlingException")

    answered = bearing(market, token)

    assert (answered.status, answered.body["error"]) == (503, busy)
    assert admits(market, key)
    market.secrets.trouble = lambda: None
    assert admits(market, token)


def test_who_knows_a_secret_goes_on_without_the_store(
    market: World, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tally.aws.retries.pauses", lambda: iter([0.0] * 3))
    token = opened(market, key, ttl_seconds=HALF_A_DAY)
    assert admits(market, token)
    market.warm = True
    market.secrets.trouble = refused("ThrottlingException")

    market.wait(hours=3)

    assert admits(market, token)
    assert admits(market, opened(market, key))


def test_a_fault_of_ours_is_no_fault_of_the_sessions(market: World, key: str) -> None:
    token = opened(market, key)
    market.secrets.trouble = refused("AccessDeniedException")

    message = "Something went wrong on our side."
    assert bearing(market, token) == answer(500, failure("internal_error", message))
