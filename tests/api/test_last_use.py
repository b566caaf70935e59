"""When a key was last used: at most an hour late, and at most a write an hour."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dev.gateway import PLATFORM
from tally.access.api_keys import discard_api_key
from tally.access.authentication import authenticator_for
from tally.access.items import api_key_key
from tally.access.last_use import LastUse
from tally.access.model.scopes import Scope
from tally.kernel.instants import to_datetime
from tally.kernel.keys import Key
from tests import builders
from tests.api.keys import DOOR, KEYS, enters, listed, revoke
from tests.api.logs import lines_of, written_text
from tests.api.sessions import admits, opened
from tests.world import World, new_world


@pytest.fixture
def market(world: World) -> World:
    builders.market(world, "acme")
    world.key("acme", Scope.ADMIN)
    return world


def unused(world: World, *scopes: Scope) -> tuple[str, str]:
    """A key that nobody has used, and its id."""
    text, key = world.new_key("acme", scopes or [Scope.USAGE_READ], last_used_at=None)
    return text, key.api_key_id


def last_used_at(world: World, api_key_id: str) -> str | None:
    keys: list[dict[str, Any]] = listed(world).body["data"]["api_keys"]
    (found,) = [each["last_used_at"] for each in keys if each["api_key_id"] == api_key_id]
    return found and str(found)


@contextmanager
def updates_of(world: World, api_key_id: str) -> Iterator[list[str]]:
    """When something was noted of a key."""
    updates: list[str] = []

    def note(params: Any, **_: Any) -> None:
        if params["Key"]["PK"]["S"] == place_of(api_key_id).pk:
            updates.append(world.now)

    events = world.table.client.meta.events
    events.register("provide-client-params.dynamodb.UpdateItem", note)
    try:
        yield updates
    finally:
        events.unregister("provide-client-params.dynamodb.UpdateItem", note)


def test_a_key_that_was_never_used(market: World) -> None:
    _, api_key_id = unused(market)

    assert last_used_at(market, api_key_id) is None


def test_its_first_use_is_noted(market: World) -> None:
    text, api_key_id = unused(market)
    market.wait(minutes=5)

    assert enters(market, text)

    assert last_used_at(market, api_key_id) == "2026-04-05T10:05:00Z"


def test_a_sessions_use_is_its_keys(market: World) -> None:
    text, api_key_id = unused(market)
    session = opened(market, text, ttl_seconds=43_200)
    assert last_used_at(market, api_key_id) == "2026-04-05T10:00:00Z"
    market.wait(hours=2)

    assert admits(market, session)

    assert last_used_at(market, api_key_id) == "2026-04-05T12:00:00Z"


def place_of(api_key_id: str) -> Key:
    return api_key_key(api_key_id.removeprefix("key_"))


def test_a_request_that_is_refused_for_its_scope_is_a_use(market: World) -> None:
    text, api_key_id = unused(market)

    assert market.request("GET", KEYS, key=text).status == 403

    assert last_used_at(market, api_key_id) == "2026-04-05T10:00:00Z"


def test_no_use_is_noted_of_a_credential_that_is_not_valid(market: World) -> None:
    text, api_key_id = unused(market)
    session = opened(market, text)
    revoke(market, api_key_id)

    with updates_of(market, api_key_id) as updates:
        for credential in (text, session, f"{session}A", text[:-1] + "a", "ipto_a_b", ""):
            assert not enters(market, credential)

    assert updates == []


@pytest.mark.parametrize("is_warm", [True, False])
def test_one_write_an_hour(is_warm: bool, market: World) -> None:  # noqa: FBT001  a parameter of the test
    text, api_key_id = unused(market)
    assert enters(market, text)
    market.warm = is_warm

    with updates_of(market, api_key_id) as updates:
        for _ in range(3 * 5 - 1):
            market.wait(minutes=20)
            assert enters(market, text)
            noted = last_used_at(market, api_key_id)
            assert noted
            late = to_datetime(market.now) - to_datetime(f"{noted[:19]}.000000000Z")
            assert timedelta(0) <= late < timedelta(hours=1)

    assert updates == [f"2026-04-05T{hour}:00:00.000000000Z" for hour in range(11, 15)]


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    uses=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 19, 21, 59, 61, 600, 3599, 3601])),
        min_size=1,
        max_size=25,
    )
)
def test_over_many_processes(uses: list[tuple[int, int]]) -> None:
    """Each of which remembers what it read of the key, and what it tried."""
    with new_world() as world:
        builders.market(world, "acme")
        text, api_key_id = unused(world)
        processes = [authenticator_for(Scope.USAGE_READ) for _ in range(4)]
        written: list[str] = []
        for process, seconds in uses:
            world.wait(seconds=seconds)
            before = (world.table.get(place_of(api_key_id)) or {}).get("last_used_at")
            processes[process].authenticate(text, world.table, world.now)
            after = (world.table.get(place_of(api_key_id)) or {})["last_used_at"]
            if after != before:
                written.append(after)
            assert to_datetime(world.now) - to_datetime(after) < timedelta(hours=1)

        pauses = [to_datetime(later) - to_datetime(earlier) for earlier, later in pairwise(written)]
        assert all(pause >= timedelta(hours=1) for pause in pauses)


# ------------------------------------------------------------------ when it cannot be


def _refusal(code: str) -> ClientError:
    said: Any = {"Error": {"Code": code, "Message": "secret detail"}}
    return ClientError(said, "UpdateItem")


LOST = {
    "level": "WARNING",
    "message": "note lost",
    "service": "tally",
    "request_id": "req_00000000",
}
TROUBLE: dict[str, Exception] = {
    "ThrottlingException": _refusal("ThrottlingException"),
    "AccessDeniedException": _refusal("AccessDeniedException"),
    "TransactionConflictException": _refusal("TransactionConflictException"),
    "ReadTimeoutError": ReadTimeoutError(endpoint_url="secret detail"),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_a_use_that_cannot_be_noted_fails_nobody(trouble: str, market: World) -> None:
    """It is tried once, and again in a minute."""
    text, api_key_id = unused(market)
    tried: list[str] = []

    def refuse(operation: str) -> None:
        if operation == "UpdateItem":
            tried.append(operation)
            raise TROUBLE[trouble]

    with market.on_call(refuse), written_text() as written:
        assert enters(market, text)
        market.warm = True
        market.wait(seconds=59)
        assert enters(market, text)
        assert len(tried) == 1
        market.wait(seconds=1)
        assert enters(market, text)
        assert len(tried) == 2

    lines = [line for line in lines_of(written) if line["message"] == "note lost"]
    assert lines == [{**LOST, "cause": trouble}] * 2
    assert "secret detail" not in "".join(written)
    market.wait(minutes=1)
    assert enters(market, text)
    assert last_used_at(market, api_key_id) == "2026-04-05T10:02:00Z"


def test_another_process_that_was_first_is_no_trouble(market: World) -> None:
    """Both remember the key from before its hour was over."""
    text, api_key_id = unused(market)
    first, second = (authenticator_for(Scope.USAGE_READ) for _ in range(2))
    first.authenticate(text, market.table, market.now)
    market.wait(minutes=59, seconds=50)
    for process in (first, second):
        process.authenticate(text, market.table, market.now)
    market.wait(seconds=15)

    with updates_of(market, api_key_id) as updates, written_text() as written:
        first.authenticate(text, market.table, market.now)
        items = market.items()
        second.authenticate(text, market.table, market.now)

    assert len(updates) == 2
    assert market.items() == items
    assert written == []


def test_a_key_that_is_gone_is_not_brought_back(market: World) -> None:
    """As after a probe, whose key is removed while its last request is under way."""
    _, key = market.new_key("acme", [Scope.USAGE_READ], last_used_at=None)
    discard_api_key(market.table, key)

    with market.unchanged():
        LastUse().note(market.table, key, market.now)


def test_the_platforms_own_keys_too(market: World) -> None:
    text, key = market.new_key(PLATFORM, [Scope.USAGE_READ], last_used_at=None)

    assert market.request("GET", DOOR, key=text).status == 200

    stored = market.table.get(place_of(key.api_key_id))
    assert stored
    assert stored["last_used_at"] == market.now
