"""Whatever AWS does, a function answers or gives up before Lambda ends it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dev.gateway import PLATFORM, Answer
from dev.template import Route, fallbacks, functions, module_of, pages, routes, template
from tally.access.model.scopes import Scope
from tally.aws.queues import Queue
from tally.aws.retries import NEEDED_S
from tally.kernel.errors import Unavailable
from tests import builders
from tests.api.answers import UNAVAILABLE, answer, failure
from tests.api.routes import STRANGER, each_route, for_audience, remembered_key
from tests.api.samples import TENANT, import_a_charge, sample, visit
from tests.builders import event
from tests.hurry import (
    CONFLICTS,
    RIVALS,
    TROUBLES,
    UNPROCESSED,
    Clock,
    Trouble,
    TroubledClient,
    beset,
    stopped_clock,
)
from tests.world import World

pytestmark = pytest.mark.slow

COLD_START_S = 4
OVER_HTTP = {route.function for route in (*routes(), *pages(), *fallbacks())}
TRIGGERED = sorted(functions().keys() - OVER_HTTP)
each_trouble = pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)


@pytest.fixture
def clock() -> Iterator[Clock]:
    with stopped_clock() as clock:
        yield clock


@pytest.fixture
def market(world: World) -> World:
    return builders.market(world, TENANT, STRANGER)


def timeout_of(function: str) -> int:
    properties = template()["Globals"]["Function"] | functions()[function]
    return int(properties["Timeout"])


def ask(world: World, route: Route, clock: Clock, key: str, thing: str) -> Answer:
    """The route's answer, which must come in time."""
    context = clock.context(timeout_of(route.function))
    world.context = context
    told = visit(world, route, key, thing=thing)
    assert context.get_remaining_time_in_millis() > 0
    return told


# ---------------------------------------------------------------------------- routes


@each_route
@each_trouble
def test_a_route_answers_503_in_time(
    route: Route, trouble: Trouble, market: World, clock: Clock
) -> None:
    """While it reads the credential, and while it does what it was asked."""
    key, thing = remembered_key(market, route)
    beset(market, trouble, clock)

    for market.warm in (False, True):
        assert ask(market, route, clock, key, thing) == for_audience(route, UNAVAILABLE)


@each_route
def test_a_route_whose_calls_are_slow_answers_in_time(
    route: Route, market: World, clock: Clock
) -> None:
    """One that needs more of them than there is time for, says so."""
    key, thing = remembered_key(market, route)
    beset(market, Trouble(takes_s=2.9), clock)

    told = ask(market, route, clock, key, thing)

    refusals = [for_audience(route, UNAVAILABLE)]
    if route.path == "/v1/sessions":  # which read the secret that signs them
        busy = "The store of secrets is busy; send the request again."
        refusals.append(answer(503, failure("unavailable", busy), Retry_After="1"))
    assert told.status < 300 or told in refusals


@pytest.mark.parametrize("trouble", [CONFLICTS, UNPROCESSED], ids=["conflicts", "unprocessed keys"])
def test_events_that_cannot_be_written_or_read_are_answered_in_time(
    trouble: Trouble, market: World, clock: Clock
) -> None:
    (route,) = (each for each in routes() if each.path == "/v1/events")
    key, thing = remembered_key(market, route)
    client = beset(market, trouble, clock)

    assert ask(market, route, clock, key, thing) == UNAVAILABLE
    assert client.calls > 1


def test_a_rivalry_without_end_is_answered_in_time(market: World, clock: Clock) -> None:
    """Every transaction is cancelled by a condition: there is no error that would be retried."""
    (route,) = (each for each in routes() if each.path == "/v1/events")
    key = market.key(PLATFORM, Scope.EVENTS_WRITE)
    client = beset(market, RIVALS, clock)

    assert ask(market, route, clock, key, "none") == UNAVAILABLE
    assert 1 < client.calls <= timeout_of("IngestEvents") / RIVALS.takes_s


@each_trouble
def test_a_payout_run_whose_queue_refuses_is_answered_in_time(
    trouble: Trouble, market: World, clock: Clock
) -> None:
    (route,) = (each for each in routes() if each.function == "CreatePayoutRun")
    import_a_charge(market, TENANT)
    key, thing = remembered_key(market, route)
    market.tasks = Queue(TroubledClient(None, clock, trouble), "https://queue", clock.sleep)

    told = ask(market, route, clock, key, thing)

    busy = failure("unavailable", "The queue is busy; send the request again.")
    assert told == answer(503, busy, Retry_After="1")


# -------------------------------------------------------------------------- triggers


@pytest.mark.parametrize("function", TRIGGERED)
@each_trouble
def test_a_trigger_gives_up_in_time_and_is_tried_again(
    function: str, trouble: Trouble, market: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It raises: the queue, the stream or Lambda deliver the same again."""
    module: Any = module_of(functions()[function])
    if not hasattr(module, "default_table"):
        pytest.skip("this function has no table")
    for name, value in functions()[function].get("Environment", {}).get("Variables", {}).items():
        monkeypatch.setenv(name, value if isinstance(value, str) else "90")
    monkeypatch.setenv("PLATFORM_TENANT_ID", PLATFORM)
    client = beset(market, trouble, clock)
    monkeypatch.setattr(module, "default_table", lambda: market.table)
    context = clock.context(timeout_of(function))

    with pytest.raises(Unavailable):
        module.handler(sample(function), context)

    assert client.calls > 0
    assert context.get_remaining_time_in_millis() > 0


# ---------------------------------------------------------------------- without an end


def test_a_caller_without_a_deadline_ends_by_its_attempts(market: World, clock: Clock) -> None:
    """As the operator's command."""
    client = beset(market, TROUBLES["silence"], clock)

    with pytest.raises(Unavailable):
        market.send(event("dataset.created"))

    assert client.calls == 10


@pytest.mark.parametrize("function", [route.function for route in routes()])
def test_every_route_has_time_for_more_than_one_attempt_and_less_than_the_gateway(
    function: str,
) -> None:
    """The gateway waits 29 seconds, a cold start included."""
    assert 2 * NEEDED_S <= timeout_of(function) <= 29 - COLD_START_S
