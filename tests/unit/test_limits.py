"""Windows of a rate limit, and the blocks that processes lease of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.limits.model import (
    WINDOW_MS,
    Lease,
    Opening,
    Share,
    Window,
    leased,
    next_lease,
    seen,
)

NOW = 1_775_383_200_000
LIMITS = st.integers(1, 100_000)


def lease_of(window: Window, limit: int, **known: Any) -> Lease:
    """What a process asks for that looks at the window."""
    share = Share(window, NOW + WINDOW_MS, **known)
    wanted = next_lease(share, limit, NOW, refused=0)
    assert isinstance(wanted, Lease)
    return wanted


def window(*, used: int = 0, held: int = 0, processes: int = 1) -> Window:
    return Window(NOW + WINDOW_MS, used, held, processes)


@pytest.mark.parametrize(
    ("limit", "block"),
    [(1, 1), (5, 1), (10, 1), (79, 1), (80, 2), (600, 8), (6_000, 76)],
)
def test_the_first_block_is_an_eighth_of_the_tenth_that_may_be_held(limit: int, block: int) -> None:
    """Small limits are leased one by one."""
    assert next_lease(None, limit, NOW, refused=0) == Opening(NOW, block)


@pytest.mark.parametrize(
    ("open_window", "block"),
    [
        (window(used=8, held=7), 8),
        (window(used=8, held=7, processes=20), 4),  # they share
        (window(used=100, held=57), 4),  # only 3 more may be held
        (window(used=100, held=60), 1),
        (window(used=590, held=7), 5),  # half of the rest, for others come as well
        (window(used=598, held=7), 1),
        (window(used=599, held=0), 1),
    ],
)
def test_blocks_shrink(open_window: Window, block: int) -> None:
    assert lease_of(open_window, 600).block == block


def test_many_processes_are_remembered_into_the_next_window() -> None:
    share = seen(Share(window(processes=20), NOW), window()._replace(ends_at=NOW + 60_001), NOW)

    assert lease_of(share.window, 600, processes_before=share.processes_before).block == 4


def test_what_a_process_held_goes_back_with_its_next_lease() -> None:
    lease = lease_of(window(used=100, held=60), 600, counted=7)

    assert (lease.block, lease.more_held, lease.most_held) == (8, 0, None)
    assert lease.again() == lease._replace(returned=0)
    assert (lease.again().more_held, lease.again().most_held) == (7, 53)


@given(LIMITS, st.data())
def test_a_granted_lease_keeps_to_the_limit_and_to_the_tenth(
    limit: int, data: st.DataObject
) -> None:
    """Whatever the process knows, and whatever the window is when the write gets there."""
    known = window(
        used=data.draw(st.integers(0, limit - 1)),
        held=data.draw(st.integers(0, limit // 10)),
        processes=data.draw(st.integers(1, 40)),
    )
    counted = data.draw(st.integers(0, known.held))
    lease = lease_of(known, limit, counted=counted)
    actual_used = data.draw(st.integers(0, lease.most_leased))
    actual_held = data.draw(st.integers(counted, limit // 10))

    assert lease.block >= 1
    assert actual_used + lease.block <= limit
    if lease.most_held is None or actual_held <= lease.most_held:
        assert 0 <= actual_held + lease.more_held <= limit // 10
    # What it knows is granted if it is still so.
    assert known.leased <= lease.most_leased
    assert lease.most_held is None or known.held <= lease.most_held


def test_a_window_ends_by_its_own_time_or_a_minute_after_it_was_seen() -> None:
    """A clock that is an hour fast would close it for an hour."""
    fast = Window(NOW + 3_600_000, 600, 0, 1)

    assert seen(None, window(), NOW).until == NOW + WINDOW_MS
    assert seen(None, fast, NOW).until == NOW + 30_000 + WINDOW_MS
    assert seen(seen(None, fast, NOW), fast, NOW + 5_000).until == NOW + 30_000 + WINDOW_MS


def test_the_next_window_ends_later_whatever_the_clock_says() -> None:
    fast = seen(None, Window(NOW + 3_600_000, 600, 0, 1), NOW)
    over = next_lease(fast, 600, fast.until, refused=0)

    assert isinstance(over, Opening)
    assert over.window.ends_at == NOW + 3_600_000 + WINDOW_MS


def test_one_of_many_expects_that_another_has_opened_the_next_window() -> None:
    share = seen(None, window(processes=8), NOW)
    later = share.until + 10

    first = next_lease(share, 600, later, refused=0)

    assert isinstance(first, Lease)
    assert (first.earliest, first.joins, first.block) == (later + 1, 1, 8)
    assert next_lease(share, 600, later, refused=1) == Opening(later, 8)


def test_after_two_refusals_one_request_will_do() -> None:
    share = seen(None, window(used=8, held=7), NOW)

    assert [next_lease(share, 600, NOW, refused=n).block for n in (0, 1, 2)] == [8, 8, 1]


def test_what_remains_is_what_nobody_leased_and_what_the_process_holds() -> None:
    share = leased(None, window(used=108, held=7), 8, NOW)

    assert share.remaining(600) == 500
    assert share.spent().remaining(600) == 499
    assert share.remaining(50) == 0  # the limit was lowered
    assert Share(window(), NOW, tokens=9).remaining(5) == 5


def test_a_write_in_doubt_leaves_nothing_to_spend_or_to_return() -> None:
    share = leased(None, window(used=8, held=7), 8, NOW)

    assert (share.tokens, share.counted) == (8, 7)
    assert (share.in_doubt().tokens, share.in_doubt().counted) == (0, 0)


def test_a_window_that_is_used_up_stays_so_until_it_ends() -> None:
    share = seen(None, window(used=600), NOW)

    assert share.used_up(600, share.until - 1)
    assert not share.used_up(600, share.until)
    assert not share.used_up(601, NOW)  # the limit was raised
