"""When a statement may be made, and how its status may change."""

from __future__ import annotations

from itertools import product

import pytest

from tally.kernel.errors import InvalidTransition, PeriodOpen
from tally.kernel.instants import parse_instant
from tally.kernel.periods import Period, month_before
from tally.payouts.model.calendar import check_ended, newest_ended
from tally.payouts.model.statuses import PayoutStatus, check_transition

NOW = "2026-04-01T06:00:00.000000000Z"


PENDING, PROCESSING, PAID, FAILED = PayoutStatus


# ------------------------------------------------------------------------ its status


ALLOWED = {
    (PENDING, PROCESSING),
    (PROCESSING, PAID),
    (PROCESSING, FAILED),
    (FAILED, PROCESSING),
}


@pytest.mark.parametrize(("present", "wanted"), list(product(PayoutStatus, repeat=2)))
def test_which_status_may_follow_which(present: PayoutStatus, wanted: PayoutStatus) -> None:
    if (present, wanted) in ALLOWED:
        check_transition(present, wanted)
        return
    with pytest.raises(InvalidTransition) as refusal:
        check_transition(present, wanted)
    assert (refusal.value.code, refusal.value.field) == ("invalid_transition", "status")


@pytest.mark.parametrize(
    ("present", "says"),
    [
        (PENDING, "A pending payout cannot become paid; it can become processing."),
        (PROCESSING, "A processing payout cannot become pending; it can become paid or failed."),
        (PAID, "A paid payout cannot become pending; it can become nothing else."),
    ],
)
def test_a_refusal_names_the_statuses_that_are_allowed(present: PayoutStatus, says: str) -> None:
    with pytest.raises(InvalidTransition) as refusal:
        check_transition(present, PAID if present is PENDING else PENDING)
    assert refusal.value.message == says


# --------------------------------------------------------------------- when it is made


@pytest.mark.parametrize(
    ("period", "ended_at"),
    [
        ("2026-03", "2026-04-01T05:05:00Z"),
        ("2026-04", "2026-05-01T05:05:00Z"),
        ("2025-12", "2026-01-01T05:05:00Z"),
        ("2026-01", "2026-02-01T05:05:00Z"),
        ("2026-02", "2026-03-01T05:05:00Z"),
        ("2024-02", "2024-03-01T05:05:00Z"),
        ("2026-11", "2026-12-01T05:05:00Z"),
    ],
)
def test_a_month_has_ended_when_nothing_can_be_posted_to_it(period: Period, ended_at: str) -> None:
    at = parse_instant(ended_at)
    check_ended(period, at)
    assert newest_ended(at) == period
    just_before = f"{at[:10]}T05:04:59.999999999Z"
    assert newest_ended(just_before) == month_before(period)
    for early in (
        just_before,
        f"{at[:10]}T05:00:00.000000000Z",
        f"{period}-15T00:00:00.000000000Z",
    ):
        with pytest.raises(PeriodOpen) as refusal:
            check_ended(period, early)
        assert (refusal.value.code, refusal.value.field) == ("period_open", "period")


def test_a_future_month_has_not_ended() -> None:
    with pytest.raises(PeriodOpen):
        check_ended("2027-01", NOW)


def test_a_month_long_ago_has_ended() -> None:
    check_ended("2019-07", NOW)
