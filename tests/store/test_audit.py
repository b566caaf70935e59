"""The audit trail: what is shown, for how long, and that its totals are exact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.audit.items import ENTRY_PREFIX, audit_days_key
from tally.audit.model import SCHEDULE, Deed, first_day_shown, months_shown
from tally.audit.trail import AuditPosition, audited, list_audit
from tally.aws.pages import Page
from tally.aws.table import Table
from tally.kernel.instants import Instant, plus, to_datetime
from tests.simulation.dynamodb import Database

NOW = "2026-04-05T10:00:00.000000000Z"
MIDNIGHT = "2026-04-05T00:00:00.000000000Z"


class Strict(Database):
    """Refuses to begin a query outside of its range, as DynamoDB does."""

    def query(self, *, as_of: float | None = None, **call: Any) -> Any:
        if start := call.get("ExclusiveStartKey"):
            bound = call["ExpressionAttributeValues"]
            assert bound[":first"]["S"] <= start["SK"]["S"] <= bound[":last"]["S"]
        return super().query(as_of=as_of, **call)


def new_table(page_bytes: int = 2**20) -> Table:
    database: Any = Strict(now=lambda: 0, indexes={}, page_bytes=page_bytes)
    return Table(database, "model", sleep=lambda _: None)


def do(table: Table, at: Instant, target: str = "acme") -> None:
    entry = audited(
        table, SCHEDULE, Deed.TENANT_CHANGED, target=target, tenant_id=target, at=at, n=1
    )
    table.transact(entry)


def kept(days: int) -> Any:
    return patch.dict("os.environ", {"AUDIT_RETENTION_DAYS": str(days)})


def walk(table: Table, now: Instant, limit: int) -> tuple[list[AuditPosition], set[int]]:
    """The places of all entries as the cursors find them, and the totals of the pages."""
    places: list[AuditPosition] = []
    totals = set()
    after = None
    while True:
        found: Page[Any, AuditPosition] = list_audit(table, now, limit=limit, after=after)
        assert len(found.rows) <= limit
        places += [found.position(row) for row in found.rows]
        totals.add(found.total)
        after = found.last
        if after is None:
            return places, totals
        assert len(found.rows) == limit


def stored(table: Table) -> Iterator[Mapping[str, Any]]:
    database: Any = table.client
    for item in database.items():
        if item["SK"]["S"].startswith(ENTRY_PREFIX):
            yield item


def delete_what_expired(table: Table, now: Instant, random: Random) -> None:
    """As DynamoDB does: sometime after the TTL."""
    for item in list(stored(table)):
        expired = int(item["ttl"]["N"]) <= to_datetime(now).timestamp()
        if expired and random.random() < 0.5:
            key: Any = {"PK": item["PK"], "SK": item["SK"]}
            delete: Any = {"Delete": {"TableName": "model", "Key": key}}
            table.transact([delete])


# ------------------------------------------------------------------------- total and walk


@given(
    deeds=st.lists(
        st.tuples(st.integers(0, 1_200), st.sampled_from([0, 1, 36_000, 86_399])), max_size=40
    ),
    days=st.sampled_from([1, 2, 27, 31, 60, 400]),
    limit=st.integers(1, 7),
    clock=st.sampled_from([0, 1, 36_000, 86_399]),
    page_bytes=st.sampled_from([500, 2_000, 2**20]),
    seed=st.integers(0, 100),
)
def test_the_total_is_what_the_cursors_find_and_all_that_is_to_be_shown(
    *,
    deeds: list[tuple[int, int]],
    days: int,
    limit: int,
    clock: int,
    page_bytes: int,
    seed: int,
) -> None:
    """Of deeds in up to 40 months, most of them empty."""
    table, now = new_table(page_bytes), plus(MIDNIGHT, timedelta(seconds=clock))
    with kept(days):
        times = [plus(MIDNIGHT, timedelta(seconds=s, days=-d)) for d, s in deeds]
        times = [time for time in times if time <= now]
        for time in times:
            do(table, time)
        delete_what_expired(table, now, Random(seed))

        places, totals = walk(table, now, limit)

    first = (date(2026, 4, 5) - timedelta(days=days)).isoformat()
    due = sorted((time for time in times if time[:10] >= first), reverse=True)
    assert [place.occurred_at for place in places] == due
    assert len(set(places)) == len(places)
    assert totals == {len(due)}


@given(
    deeds=st.lists(
        st.tuples(st.integers(0, 500), st.sampled_from([1, 30, 400])), min_size=1, max_size=30
    ),
    days=st.sampled_from([1, 30, 400, 800]),
    limit=st.integers(1, 7),
    seed=st.integers(0, 100),
)
def test_it_is_exact_after_the_retention_was_changed(
    deeds: list[tuple[int, int]], days: int, limit: int, seed: int
) -> None:
    """Each deed was done when entries were kept for so many days; now it is `days`."""
    table, times = new_table(), {}
    for n, (age, kept_days) in enumerate(deeds):
        at = plus(NOW, timedelta(days=-age, microseconds=n))
        times[at] = min(kept_days, days)
        with kept(kept_days):
            do(table, at)
    delete_what_expired(table, NOW, Random(seed))

    with kept(days):
        places, totals = walk(table, NOW, limit)

    due = [time for time, least in times.items() if time[:10] >= first_day_shown(NOW, least)]
    assert [place.occurred_at for place in places] == sorted(due, reverse=True)
    assert totals == {len(due)}


def test_entries_of_one_instant_keep_their_order() -> None:
    table = new_table(page_bytes=500)
    for _ in range(20):
        do(table, NOW)

    one_by_one, totals = walk(table, NOW, 1)

    assert walk(table, NOW, 7)[0] == walk(table, NOW, 100)[0] == one_by_one
    assert len(set(one_by_one)) == 20
    assert totals == {20}


def test_new_deeds_do_not_disturb_who_reads_on() -> None:
    table = new_table()
    times = [plus(NOW, timedelta(days=-20 * n)) for n in range(6)]
    for time in times:
        do(table, time)

    first = list_audit(table, NOW, limit=2)
    do(table, plus(NOW, timedelta(seconds=1)))
    second = list_audit(table, plus(NOW, timedelta(seconds=2)), limit=10, after=first.last)

    assert [row.occurred_at for row in (*first.rows, *second.rows)] == times
    assert (first.total, second.total, second.more) == (6, 7, False)


def test_a_cursor_may_become_too_old() -> None:
    """The day of the last entry that was read is no longer shown when the reader goes on."""
    table = new_table()
    with kept(3):
        for days in (0, 2, 3):
            do(table, plus(NOW, timedelta(days=-days)))
        first = list_audit(table, NOW, limit=2)
        assert first.last

        for later, total in ((0, 3), (1, 2), (2, 1), (3, 1), (4, 0), (40, 0), (4_000, 0)):
            rest = list_audit(table, plus(NOW, timedelta(days=later)), limit=1, after=first.last)
            assert (len(rest.rows), rest.more, rest.total) == (int(later == 0), False, total)


# --------------------------------------------------------------------------- the months


@pytest.mark.parametrize("days", [1, 30, 31, 400])
def test_the_months_are_those_of_the_days(days: int) -> None:
    for age in range(0, 1_500, 7):
        now = plus("2024-02-29T23:59:59.000000000Z", timedelta(days=age))
        shown = [plus(now, timedelta(days=-n))[:7] for n in range(days + 1)]

        assert months_shown(now, days) == list(dict.fromkeys(shown))
        assert len(months_shown(now, 400)) <= 15


def test_an_entry_lives_until_its_last_day_is_over() -> None:
    table = new_table()
    with kept(400):
        do(table, "2026-04-05T23:59:59.999999999Z")
        do(table, MIDNIGHT)

    for item in stored(table):
        expires = int(item["ttl"]["N"])
        # 2027-05-10 is the 400th day after.
        assert to_datetime("2027-05-11T00:00:00.000000000Z").timestamp() <= expires
        assert expires <= to_datetime("2027-05-12T00:00:00.000000000Z").timestamp()


def test_the_numbers_of_a_month_are_one_item() -> None:
    table = new_table()
    with kept(400):
        for day in ("01", "01", "30"):
            do(table, f"2026-04-{day}T10:00:00.000000000Z")

    assert table.get(audit_days_key("2026-04")) == {
        "PK": "AUDIT#2026-04",
        "SK": "DAYS",
        "2026-04-01/400": 2,
        "2026-04-30/400": 1,
    }
