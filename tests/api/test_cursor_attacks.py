"""Cursors that are forged, foreign or replayed, on every list that the functions declare."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any
from urllib.parse import quote

import pytest

from dev.gateway import PLATFORM, Answer, Overrides, overrides
from dev.template import Route, routes
from tally.access.model.scopes import Scope
from tally.http.cursors import Cursors, Secrets
from tally.http.lists import cursor_secrets
from tests import builders
from tests.api.answers import INVALID_CURSOR, answer
from tests.api.routes import STRANGER, for_audience, good_key
from tests.api.samples import TENANT, caller_of, import_a_charge, new_thing
from tests.api.test_spellings import parameters_of
from tests.builders import event, told
from tests.unit.test_cursors import only
from tests.world import World, new_world

pytestmark = pytest.mark.slow

HAS_CURSOR = [route for route in routes() if "cursor" in {name for name, _ in parameters_of(route)}]
# Each has more than one page here. A statement has several only with thousands of lines.
LISTS = [route for route in HAS_CURSOR if "{" not in route.path]
each_with_a_cursor = pytest.mark.parametrize("route", HAS_CURSOR, ids=str)
each_list = pytest.mark.parametrize("route", LISTS, ids=str)

REFUSED = answer(400, INVALID_CURSOR)


@pytest.fixture(scope="module")
def market() -> Iterator[World]:
    """Two tenants with the same: two of everything that is listed."""
    with new_world() as world:
        yield _filled(world)


def _filled(world: World) -> World:
    builders.market(world, TENANT, STRANGER)
    for tenant_id in (TENANT, STRANGER):
        for n in range(2):
            dataset_id = f"dset_{tenant_id}_{n}"
            builders.accept(
                world,
                event("dataset.created", tenant_id=tenant_id, dataset_id=dataset_id),
                told(
                    "search.performed",
                    f"2026-04-05T09:0{n}:00Z",
                    tenant_id=tenant_id,
                    dataset_ids=[dataset_id],
                ),
                told("dataset.accessed", tenant_id=tenant_id, dataset_id=dataset_id),
            )
            world.new_key(tenant_id, [Scope.USAGE_READ])
        import_a_charge(world, tenant_id)
        charge = told(
            "dataset.accessed",
            "2026-02-05T09:30:00Z",
            tenant_id=tenant_id,
            dataset_id=f"dset_of_{tenant_id}",
        )
        assert world.import_history(charge).status == 202
    for period in ("2026-02", "2026-03"):
        world.run_payouts(period)
    world.new_key(PLATFORM, [Scope.USAGE_READ])
    world.deliver()
    return world


def ask(
    world: World, route: Route, cursor: str | None, tenant_id: str = "", thing: str = "none"
) -> Answer:
    """A page of one row, after the cursor."""
    after = "" if cursor is None else f"&cursor={quote(cursor)}"
    path = route.path.replace("{id}", thing)
    key = good_key(world, tenant_id or caller_of(route))
    return world.request(route.method, f"{path}?limit=1{after}", key=key)


def first_cursor(world: World, route: Route, tenant_id: str = "") -> str:
    page = ask(world, route, None, tenant_id)
    assert page.status == 200, page
    cursor = page.body["data"]["next_cursor"]
    assert cursor, f"{route} has one page only: let `market` have two of what it lists"
    return str(cursor)


def refused(route: Route) -> Answer:
    return for_audience(route, REFUSED)


def _forged(cursor: str) -> list[str]:
    """Changes of a good cursor, of its signature and of its position, and things that are none."""
    raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    signature, body = raw[:16], raw[16:]
    place = json.loads(body)
    moved = json.dumps([f"{each}~" for each in place], separators=(",", ":")).encode()
    bits = [raw[:n] + bytes([raw[n] ^ 1]) + raw[n + 1 :] for n in range(0, len(raw), 5)]
    bodies = [moved, b"[]", b"null", b"{}", b'[""]', b"[" * 4000, b"NaN", body + b" ", b""]
    made = [
        *bits,
        *(signature + each for each in bodies),
        *(b"\0" * 16 + each for each in (body, *bodies)),
        raw[:15],
        raw * 2,
        signature,
    ]
    return [
        *(urlsafe_b64encode(each).decode().rstrip("=") for each in made),
        *(f"{cursor}{end}" for end in ("=", "==", " ", "\n", "\0", "A", ".", "%00", "\u00e9")),
        *(f"{start}{cursor}" for start in (" ", "\t", "\ufeff", "=", "-")),
        *(
            cursor[:-1],
            cursor[1:],
            cursor.swapcase(),
            cursor[::-1],
            cursor * 2,
            f"{cursor},{cursor}",
        ),
        *("", " ", "null", "0", "1", "-1", "[]", "\0", "a" * 6000, "../..", "\u2603", place[0]),
    ]


# ------------------------------------------------------------------------------ forged


def test_the_lists_of_the_contract_are_among_them() -> None:
    assert {str(route) for route in HAS_CURSOR} >= {
        "GET /v1/agent/activity/accesses",
        "GET /v1/agent/activity/searches",
        "GET /v1/admin/audit",
        "GET /v1/admin/tenants",
        "GET /v1/api-keys",
        "GET /v1/provider/payouts",
        "GET /v1/provider/payouts/{id}",
    }


@each_list
def test_no_forged_cursor_is_read(route: Route, market: World) -> None:
    cursor = first_cursor(market, route)
    assert ask(market, route, cursor).status == 200

    with market.unchanged():
        for forged in _forged(cursor):
            assert ask(market, route, forged) == refused(route), forged


@each_with_a_cursor
def test_a_cursor_that_nobody_wrote(route: Route, market: World) -> None:
    thing = new_thing(market, route, TENANT)
    signed = [
        Cursors(only(secret), scope, _parts).write(("a", "b"))
        for secret in (b"", b"another", b"secret")
        for scope in ((), (TENANT,), (TENANT, route.path, "created_at"))
    ]

    for cursor in (*signed, "nonsense", "A" * 64):
        assert ask(market, route, cursor, thing=thing) == refused(route)


def _parts(*parts: str) -> tuple[str, ...]:
    return parts


# ---------------------------------------------------------------------------- of others


def test_a_cursor_is_good_for_its_own_list_only(market: World) -> None:
    """Those of one tenant, so that only the list differs."""
    cursors = {
        tenant_id: {
            route: first_cursor(market, route, tenant_id)
            for route in LISTS
            if caller_of(route) == tenant_id
        }
        for tenant_id in (TENANT, PLATFORM)
    }

    for written in cursors.values():
        assert len(written) > 1
        for (_, cursor), (route, _) in permutations(written.items(), 2):
            assert ask(market, route, cursor) == refused(route)
    for route, other in ((a, b) for a in cursors[TENANT] for b in cursors[PLATFORM]):
        assert ask(market, route, cursors[PLATFORM][other]) == refused(route)
        assert ask(market, other, cursors[TENANT][route]) == refused(other)


@pytest.mark.parametrize("route", [route for route in LISTS if caller_of(route) == TENANT], ids=str)
def test_a_cursor_is_good_for_its_own_tenant_only(route: Route, market: World) -> None:
    """Both have the same rows at the same times, so their places would fit."""
    theirs, ours = (first_cursor(market, route, each) for each in (STRANGER, TENANT))

    assert ask(market, route, theirs) == refused(route)
    assert ask(market, route, ours, STRANGER) == refused(route)
    assert ask(market, route, ours, PLATFORM) == refused(route)
    assert ask(market, route, ours).status == ask(market, route, theirs, STRANGER).status == 200


# ------------------------------------------------------------------- replayed and rotated


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What signs cursors, the present value first: the versions that there are."""
    values = [b"secret"]

    def read(rotated: bool) -> Sequence[bytes]:  # noqa: FBT001  as Secrets has it
        return values if rotated else values[:1]

    def provided(*arguments: Any) -> Overrides:
        as_secrets: Secrets = read
        return {**overrides(*arguments), cursor_secrets: lambda: as_secrets}

    monkeypatch.setattr("tests.world.overrides", provided)
    return values


def rows(page: Answer) -> dict[str, Any]:
    """All that it says but its own cursor, which names the secret that signs now."""
    return {name: value for name, value in page.body["data"].items() if name != "next_cursor"}


@each_list
def test_a_cursor_may_be_used_again_until_its_secret_is_gone(
    route: Route, market: World, secrets: list[bytes]
) -> None:
    """And is no more worth after a rotation than before: it is still one tenant's."""
    cursor = first_cursor(market, route)
    page = ask(market, route, cursor)
    assert (page.status, ask(market, route, cursor)) == (200, page)

    secrets[:] = [b"second", b"secret"]
    assert rows(ask(market, route, cursor)) == rows(page)
    if caller_of(route) == TENANT:
        assert ask(market, route, cursor, STRANGER) == refused(route)
    renewed = first_cursor(market, route)

    secrets[:] = [b"third", b"second"]
    assert ask(market, route, cursor) == refused(route)
    assert rows(ask(market, route, renewed)) == rows(page)


@pytest.mark.parametrize("route", [route for route in LISTS if caller_of(route) == TENANT], ids=str)
def test_a_cursor_is_no_credential(route: Route, market: World) -> None:
    cursor = first_cursor(market, route)
    key, stored = market.new_key(TENANT, list(Scope))
    url = f"{route.path}?cursor={quote(cursor)}"
    assert market.request("GET", url, key=key).status == 200

    market.request("DELETE", f"/v1/api-keys/{stored.api_key_id}", key=key)

    for sent in (key, None, cursor):
        assert market.request("GET", url, key=sent).status == 401
