"""A limit that processes share: with clocks that differ, calls that overlap, and faults."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.limits import TROUBLE, Fleet

pytestmark = pytest.mark.slow

SKEWED = (-30.0, 30.0, 20.0, -20.0, 0.0, 10.0, -10.0, 5.0)


def check(fleet: Fleet) -> None:
    """What must hold whatever happened."""
    limit, admitted = fleet.limit, fleet.admitted_by_window()
    assert max(admitted.values(), default=0) <= limit
    for name, window in fleet.windows.items():
        # A write that nobody heard of wastes the request that it was for. All else that was leased
        # and not used is held.
        assert window.leased - admitted[name] <= window.held + fleet.lost[name]
    for name in fleet.used_up():
        assert admitted[name] >= limit - limit // 10 - fleet.lost[name]
    apart = max(fleet.ahead) - min(fleet.ahead)
    windows_at_once = max(2, ceil(3 + apart / 30) - 1)
    assert fleet.most_in_a_minute() <= limit * windows_at_once


@given(
    seed=st.integers(0, 10**6),
    limit=st.sampled_from([1, 2, 5, 10, 19, 20, 60, 100, 250]),
    demand=st.sampled_from([0.5, 0.9, 1.0, 1.2, 3.0]),
    ahead=st.lists(st.floats(-30, 30), min_size=1, max_size=12) | st.just([0.0] * 8),
    faults=st.sampled_from([{}, TROUBLE]),
    data=st.data(),
)
@settings(max_examples=100, deadline=None)
def test_never_more_than_the_limit_and_at_most_a_tenth_too_few(  # noqa: PLR0917  all by name
    seed: int,
    limit: int,
    demand: float,
    ahead: list[float],
    faults: dict[str, float],
    data: st.DataObject,
) -> None:
    share = st.sampled_from([0.05, 1.0, 5.0])
    shares = data.draw(st.lists(share, min_size=len(ahead), max_size=len(ahead)))

    check(
        Fleet(
            seed,
            limit,
            rate=demand * limit / 60,
            minutes=4,
            ahead=tuple(ahead),
            shares=tuple(shares),
            faults=faults,
        ).run()
    )


@pytest.mark.parametrize("ahead", [(0.0,) * 8, SKEWED], ids=["one clock", "skewed clocks"])
@pytest.mark.parametrize("rate", [10, 20])
@pytest.mark.parametrize("seed", range(3))
def test_at_full_rate_eight_processes_write_seldom(
    seed: int, rate: float, ahead: tuple[float, ...]
) -> None:
    """Also if half of the requests are refused: those cost nothing."""
    fleet = Fleet(seed, limit=600, rate=rate, minutes=5, ahead=ahead).run()

    check(fleet)
    assert fleet.writes_per_thousand() <= 150
    if rate > 10:
        assert sum(not each.admitted for each in fleet.verdicts) > 1_000


def test_a_window_lasts_a_minute() -> None:
    fleet = Fleet(1, limit=60, rate=2, minutes=10).run()

    check(fleet)
    assert len(fleet.admitted_by_window()) == 10
    assert fleet.shortest_window() > 59


@pytest.mark.parametrize("processes", [1, 30])
def test_any_number_of_processes_may_hold_a_tenth_at_most(processes: int) -> None:
    fleet = Fleet(2, limit=600, rate=15, minutes=4, ahead=(0.0,) * processes).run()

    check(fleet)
    assert len(fleet.used_up()) == 4


def test_processes_that_stop_strand_a_tenth_at_most() -> None:
    """Seven ask for a while, then one alone for the rest of the minute."""
    fleet = Fleet(3, limit=600, rate=40, minutes=1, shares=(50.0, *(0.5,) * 7)).run()

    check(fleet)
    (admitted,) = fleet.admitted_by_window().values()
    assert 540 <= admitted <= 600


def test_trouble_wastes_requests_and_doubles_none() -> None:
    fleet = Fleet(4, limit=600, rate=15, minutes=4, faults=TROUBLE).run()

    check(fleet)
    assert fleet.lost.total() > 20
    assert len(fleet.used_up()) == 4
