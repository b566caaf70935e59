"""How many requests a tenant may make in a minute, and what every answer says of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dev.gateway import PLATFORM, Answer
from dev.template import Route, passes_filter, routes
from tally.access.items import tenant_key
from tally.access.model.scopes import Scope
from tally.access.tenants import change_tenant
from tally.http.limits import partner_quota_headers, quota_headers
from tally.kernel.instants import to_datetime
from tally.limits.items import window_key
from tally.limits.leasing import Limiter, Quota
from tests import builders
from tests.api.answers import UNAVAILABLE, answer, failure, for_partners, lacks
from tests.api.routes import each_route, for_audience, is_partners
from tests.api.samples import TENANT, caller_of, new_thing, visit
from tests.operators import OPERATOR
from tests.world import World

DASHBOARD, SPEND = "/v1/provider/dashboard", "/v1/buyer/spend"
ANALYTICS = "/partner/analytics"
ENDS_AT = "1775383260"  # 2026-04-05T10:01:00Z
NAMES = (
    *("RateLimit", "RateLimit-Policy", "Retry-After"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
)


def _forget() -> None:
    for route in routes():
        route.module.endpoint.limiter = Limiter()


@pytest.fixture(autouse=True)
def _new_processes() -> Iterator[None]:
    """What functions remember of limits ends with each test."""
    _forget()
    yield
    _forget()


@pytest.fixture
def market(world: World) -> World:
    """acme may make five requests a minute. Functions stay warm."""
    world.tenant("acme", requests_per_minute=5)
    world.warm = True
    return world


def ask(world: World, url: str = DASHBOARD, tenant_id: str = "acme", **more: Any) -> Answer:
    return world.request("GET", url, key=world.key(tenant_id), **more)


def said(answered: Answer) -> dict[str, str]:
    """What an answer says of limits."""
    return {name: answered.headers[name] for name in NAMES if name in answered.headers}


def limits(remaining: int, wait: int = 60, limit: int = 5) -> dict[str, str]:
    return {
        "RateLimit": f'"default";r={remaining};t={wait}',
        "RateLimit-Policy": f'"default";q={limit};w=60',
    }


def for_partner(remaining: int, wait: int = 60, limit: int = 5) -> dict[str, str]:
    return limits(remaining, wait, limit) | {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": ENDS_AT,
    }


def refused(wait: int, limit: int = 5, timestamp: str = "2026-04-05T10:00:00Z") -> Answer:
    message = (
        f"The limit of requests per minute ({limit:,}) is reached; send the request again in "
        f"{wait} s."
    )
    told = answer(429, failure("rate_limited", message, timestamp=timestamp))
    headers = {**told.headers, **limits(0, wait, limit), "Retry-After": str(wait)}
    return Answer(429, headers, told.body)


# --------------------------------------------------------------------------- beyond


def test_beyond_the_limit_requests_are_refused(market: World) -> None:
    answers = [ask(market) for _ in range(6)]

    assert [each.status for each in answers] == [200] * 5 + [429]
    assert [said(each) for each in answers[:5]] == [limits(n) for n in (4, 3, 2, 1, 0)]
    assert answers[5] == refused(60)


def test_partners_are_told_in_their_own_way(market: World) -> None:
    answers = [ask(market, ANALYTICS) for _ in range(6)]

    assert [said(each) for each in answers[:5]] == [for_partner(n) for n in (4, 3, 2, 1, 0)]
    expected = for_partners(refused(60))
    assert answers[5] == Answer(429, {**expected.headers, **for_partner(0)}, expected.body)
    assert answers[5].body["code"] == "TooManyRequests"


def test_all_functions_and_keys_share_a_tenants_limit(market: World) -> None:
    other_key = market.new_key("acme", [Scope.USAGE_READ])[0]

    answers = [
        *(ask(market, url) for url in (DASHBOARD, SPEND, ANALYTICS)),
        market.request("GET", DASHBOARD, key=other_key),
        ask(market, "/v1/buyer/dashboard"),
        ask(market, SPEND),
    ]

    assert [each.status for each in answers] == [200] * 5 + [429]
    assert [each.headers["RateLimit"] for each in answers] == [
        f'"default";r={remaining};t=60' for remaining in (4, 3, 2, 1, 0, 0)
    ]


def test_tenants_do_not_share(market: World) -> None:
    market.tenant("rival", requests_per_minute=1)
    for _ in range(6):
        ask(market)

    assert said(ask(market, tenant_id="rival")) == limits(0, limit=1)
    assert ask(market, tenant_id="rival") == refused(60, limit=1)


def test_the_next_minute_begins_with_the_first_request_after_this_one(market: World) -> None:
    for _ in range(5):
        ask(market)
    market.wait(seconds=59.2)
    late = ask(market)
    market.wait(seconds=0.8)

    assert late == refused(1, timestamp="2026-04-05T10:00:59Z")
    assert said(ask(market)) == limits(4)


def test_what_a_process_cannot_see_it_says_as_it_knows_it(world: World) -> None:
    """Of larger limits a process leases a block, and knows of others when it needs the next."""
    world.tenant("acme", requests_per_minute=600)
    world.warm = True

    def remaining(url: str) -> int:
        return int(ask(world, url).headers["RateLimit"].split(";")[1].removeprefix("r="))

    assert remaining(DASHBOARD) == 599
    assert remaining(SPEND) == 591  # eight belong to the other
    assert [remaining(DASHBOARD) for _ in range(7)] == [*range(598, 591, -1)]
    assert remaining(DASHBOARD) == 583


# ----------------------------------------------------------------- which answers say it


@each_route
def test_every_route_counts_and_says_so(route: Route, world: World) -> None:
    """Its successes, its errors, and of course what it refuses."""
    tenant_id = caller_of(route)
    builders.market(world, TENANT)
    key, thing = world.key(tenant_id, *Scope), new_thing(world, route, TENANT)
    lacking = world.new_key(tenant_id, [Scope.SEARCH_QUERY])[0]
    change_tenant(world.table, tenant_id, {"requests_per_minute": 2}, world.now, OPERATOR)
    _forget()
    visit(world, route, key, thing=thing)  # who remembers keys remembers this one
    world.warm = True
    for each in (TENANT, PLATFORM):
        world.table.transact([world.table.delete(window_key(each))])
    route.module.endpoint.limiter = Limiter()

    answers = [visit(world, route, each, thing=thing) for each in (key, lacking, key)]

    expected = for_partner if is_partners(route) else limits
    assert [said(each) for each in answers[:2]] == [expected(n, limit=2) for n in (1, 0)]
    assert answers[1].status in (200, 201, 202, 403)
    assert answers[2].status == 429
    assert said(answers[2]) == expected(0, limit=2) | {"Retry-After": "60"}
    assert answers[2].body == for_audience(route, refused(60, limit=2)).body


def test_errors_after_the_credential_say_it_too(market: World) -> None:
    lacking = market.new_key("acme", [Scope.SEARCH_QUERY])[0]

    answers = [
        market.request("GET", DASHBOARD, key=lacking),
        ask(market, "/v1/agent/activity/searches?limit=0"),
        ask(market, "/v1/provider/payouts/pay_unknown"),
        market.request("POST", "/v1/api-keys", key=market.key("acme"), body="x" * 70_000),
    ]

    assert [each.status for each in answers] == [403, 400, 404, 413]
    assert [said(each) for each in answers] == [limits(n) for n in (4, 3, 2, 1)]
    expected = lacks("usage:read")
    assert answers[0] == Answer(403, {**expected.headers, **limits(4)}, expected.body)


def test_requests_without_a_valid_credential_are_nobodys(market: World) -> None:
    key = market.key("acme")

    answers = [
        market.request("GET", DASHBOARD),
        market.request("GET", DASHBOARD, key="nobody's"),
        market.request("GET", DASHBOARD, key=key, headers={"Authorization": f"Bearer {key}"}),
    ]

    assert [each.status for each in answers] == [401, 401, 400]
    assert [said(each) for each in answers] == [{}, {}, {}]
    assert said(ask(market)) == limits(4)


# ---------------------------------------------------------------------- whose limit it is


def test_a_tenant_without_a_limit_of_its_own_has_the_default(world: World) -> None:
    world.tenant("acme")
    world.requests_per_minute = 600
    world.warm = True

    assert said(ask(world)) == limits(599, limit=600)


def test_and_so_has_one_that_is_not_found(world: World) -> None:
    """Reads of limits may be too early for a new tenant."""
    world.tenant("acme", requests_per_minute=10)
    world.key("acme")
    world.table.transact([world.table.delete(tenant_key("acme"))])
    world.requests_per_minute = 5

    assert said(ask(world)) == limits(4)


@pytest.mark.parametrize(("default", "own"), [(0, None), (600, 0)])
def test_0_is_no_limit_and_costs_no_write(default: int, own: int | None, world: World) -> None:
    world.tenant("acme", requests_per_minute=own)
    world.requests_per_minute = default
    world.warm = True

    world.key("acme")
    with world.unchanged():
        answers = [ask(world) for _ in range(10)]

    assert [(each.status, said(each)) for each in answers] == [(200, {})] * 10


def test_the_platform_tenant_has_no_limit_but_its_own(world: World) -> None:
    world.requests_per_minute = 5
    world.warm = True

    assert said(ask(world, tenant_id=PLATFORM)) == {}

    change_tenant(world.table, PLATFORM, {"requests_per_minute": 1}, world.now, OPERATOR)
    world.wait(seconds=30)
    assert [ask(world, tenant_id=PLATFORM).status for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(
    ("before", "after", "statuses"), [(3, 5, [200, 200, 429]), (5, 3, [429]), (3, 0, [200] * 3)]
)
def test_a_changed_limit_holds_within_a_minute(
    before: int, after: int, statuses: list[int], world: World
) -> None:
    world.tenant("acme", requests_per_minute=before)
    world.warm = True
    for _ in range(3):
        assert ask(world).status == 200
    url, admin = "/v1/admin/tenants/acme", world.key(PLATFORM, Scope.ADMIN)
    changed = world.request("PATCH", url, key=admin, json_body={"requests_per_minute": after})
    assert changed.status == 200

    world.wait(seconds=31)

    assert [ask(world).status for _ in statuses] == statuses


# ------------------------------------------------------------------------- what it costs


def calls(world: World, url: str = DASHBOARD) -> list[str]:
    made: list[str] = []
    with world.on_call(made.append):
        ask(world, url)
    return made


def test_a_warm_process_reads_and_writes_once_for_many_requests(world: World) -> None:
    world.tenant("acme", requests_per_minute=600)
    world.key("acme")

    cold = calls(world)
    world.warm = True
    warm = [calls(world) for _ in range(16)]

    own = ["Query"]  # the dashboard's
    assert cold == ["GetItem", "GetItem", "UpdateItem", *own]  # the key, the limit, the lease
    assert warm == [own] * 7 + [["UpdateItem", *own]] + [own] * 7 + [["UpdateItem", *own]]


def test_a_limit_is_read_every_30_seconds(world: World) -> None:
    world.tenant("acme")
    calls(world)
    world.warm = True

    assert calls(world) == ["Query"]
    world.wait(seconds=29.9)
    assert calls(world) == ["GetItem", "Query"]  # the key once more, after 20 seconds
    world.wait(seconds=0.1)
    assert calls(world) == ["GetItem", "Query"]  # the limit


def test_refusals_cost_nothing(market: World) -> None:
    for _ in range(6):
        ask(market)

    assert [calls(market) for _ in range(20)] == [[]] * 20
    other = [calls(market, SPEND) for _ in range(3)]
    assert other == [["GetItem", "GetItem", "UpdateItem"], [], []]


# --------------------------------------------------------------------------- the table


def test_nobody_is_let_through_uncounted(market: World) -> None:
    """The table is busy: the limit holds all the same."""
    ask(market)
    busy: Any = {"Error": {"Code": "ThrottlingException", "Message": ""}}

    def throttle(name: str) -> None:
        if name == "UpdateItem":
            raise ClientError(busy, name)

    with market.on_call(throttle):
        assert ask(market) == UNAVAILABLE

    assert said(ask(market)) == limits(3)


def test_the_window_expires_from_the_table_and_is_not_counted_as_a_change(market: World) -> None:
    ask(market)

    item = market.table.get(window_key("acme"))

    ends_at = int(to_datetime(market.now).timestamp()) + 60
    assert item == {
        "PK": "LIMIT#acme",
        "SK": "WINDOW",
        "ends_at": ends_at * 1000,
        "leased": 1,
        "held": 0,
        "processes": 1,
        "ttl": ends_at + 86_400,
    }
    assert not passes_filter("WINDOW")


def test_headers_for_any_quota() -> None:
    quota = Quota(admitted=False, limit=600, remaining=0, resets_in_s=12, resets_at_s=1_775_383_212)

    assert quota_headers(None) == partner_quota_headers(None) == {}
    assert partner_quota_headers(quota) == {
        "RateLimit-Policy": '"default";q=600;w=60',
        "RateLimit": '"default";r=0;t=12',
        "Retry-After": "12",
        "X-RateLimit-Limit": "600",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "1775383212",
    }
