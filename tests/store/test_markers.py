"""Markers that changes share: each change counts once, whatever its batch, and pages stay small."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import batched, count
from random import Random
from typing import Any

import pytest

from dev.bench.units import item_size
from tally.aws.items import key_of, to_item
from tally.aws.moments import start_series
from tally.aws.table import Table
from tally.counting import engine, markers
from tally.counting.items import marker_page_key
from tally.counting.markers import (
    DIGESTS_A_PAGE,
    MARKER_LIFETIME,
    WINDOW_S,
    Slice,
    digest_of,
    slice_of,
)
from tally.counting.parking import list_parked
from tally.counting.switch import share_markers
from tally.kernel.instants import to_instant
from tally.partners.counters import UsageTotals
from tally.partners.items import key_of_usage, usage_attributes
from tally.partners.model.usage import Usage, UsageEntry
from tests.faults import Crash as Crashed
from tests.faults import FaultyClient, PickyClient, conflict, crash_after, refuse, rival
from tests.simulation.dynamodb import Database

CREATED = int(datetime(2026, 4, 5, 10, tzinfo=UTC).timestamp())
NOW = to_instant(datetime(2026, 4, 5, 10, 0, 2, tzinfo=UTC))
DAY = UsageTotals("acme", "2026-04-05")
_names = count(1)
type Raw = dict[str, Any]


def new_table() -> Table:
    """Of a process of its own: it remembers nothing of other tables."""
    database: Any = Database(now=lambda: CREATED + 2, indexes={})
    table = Table(database, f"markers-{next(_names)}", sleep=lambda _: None)
    share_markers(table, 0)
    start_series(table)
    return table


@pytest.fixture
def table() -> Table:
    return new_table()


def change(
    n: int,
    *,
    created: float | None = CREATED,
    partner: str = "acme",
    day: str = "2026-04-05",
) -> Raw:
    """A new entry of one event, as the stream brings it."""
    entry = UsageEntry(partner, day, f"{n:06}", Usage(0, 1, 1, 0))
    key = key_of_usage(entry)
    images: Raw = {"Keys": key_of(key), "NewImage": to_item(key, usage_attributes(entry))}
    if created is not None:
        images["ApproximateCreationDateTime"] = created
    return {"eventID": f"{partner}-{n}", "dynamodb": images}


def changes(number: int, **about: Any) -> list[Raw]:
    return [change(n, **about) for n in range(number)]


def counted(table: Table, batch: Sequence[Raw]) -> tuple[int, int]:
    """How many of a batch were counted now, and how many had been counted before."""
    result = engine.count(table, batch, NOW)
    assert result.parked == []
    return result.counted, result.already_counted


def events(table: Table) -> int:
    item = table.get(DAY.key) or {}
    number: int = item.get("events", 0)
    return number


def pages(table: Table) -> Iterator[dict[str, Any]]:
    database: Any = table.client
    return (item for item in database.items() if "seen" in item)


def elsewhere(table: Table) -> Table:
    """The same table, as a process sees it that remembers nothing."""
    return replace(table, name=f"{table.name}-{next(_names)}")


# ------------------------------------------------------------------------ where it is


def test_where_a_change_is_marked_follows_from_its_record_alone() -> None:
    first, other = change(1), change(2)
    early, late = change(1, created=CREATED - 0.5), change(1, created=CREATED + 9.999)

    assert slice_of(first, 0) == slice_of(other, 0) == slice_of(late, 0)
    here = slice_of(first, 0)
    assert here
    assert slice_of(early, 0) == here._replace(window=CREATED // WINDOW_S - 1)
    assert slice_of(change(1, partner="globex"), 0) != here


def test_changes_made_before_markers_were_shared_have_their_own() -> None:
    assert slice_of(change(1), CREATED) is not None
    assert slice_of(change(1), CREATED + 1) is None
    assert slice_of(change(1), None) is None


@pytest.mark.parametrize(
    "images",
    [
        {"Keys": {"PK": {"S": "P"}}},
        {"Keys": {"PK": {"S": "P"}}, "ApproximateCreationDateTime": None},
        {"Keys": {"PK": {"S": "P"}}, "ApproximateCreationDateTime": "soon"},
        {"Keys": {"PK": {"N": "1"}}, "ApproximateCreationDateTime": CREATED},
        {"Keys": None, "ApproximateCreationDateTime": CREATED},
        {"ApproximateCreationDateTime": CREATED},
        None,
    ],
)
def test_a_record_that_lacks_what_it_takes_has_a_marker_of_its_own(images: Any) -> None:
    assert slice_of({"eventID": "e", "dynamodb": images}, 0) is None
    assert slice_of({"eventID": "e"}, 0) is None


def test_changes_without_a_time_count_once_among_others(table: Table) -> None:
    dated, undated = changes(3), [change(n, created=None) for n in range(10, 13)]
    batch = [each for pair in zip(dated, undated, strict=True) for each in pair]

    assert counted(table, batch) == (6, 0)
    assert counted(table, batch) == (0, 6)
    assert counted(elsewhere(table), [*undated[::-1], change(20, created=None)]) == (1, 3)
    assert events(table) == 7


# -------------------------------------------------------------------------- delivery


@pytest.mark.parametrize("batch", [1, 7, 100, 250])
def test_each_change_counts_once_however_batches_are_cut(table: Table, batch: int) -> None:
    made = changes(200)
    assert counted(table, made[:120]) == (120, 0)
    Random(batch).shuffle(made)

    again = [counted(elsewhere(table), some) for some in batched(made, batch, strict=False)]

    assert [sum(numbers) for numbers in zip(*again, strict=True)] == [80, 120]
    assert events(table) == 200


def test_a_change_that_comes_twice_in_a_batch_counts_once(table: Table) -> None:
    assert counted(table, [change(1), change(2), change(1)]) == (2, 1)
    assert events(table) == 2


def test_a_rival_that_marks_others_of_the_same_seconds_is_not_overwritten(table: Table) -> None:
    made = changes(30)
    client: Any = FaultyClient(table.client)
    client.after(0, rival(lambda: counted(elsewhere(table), made[10:])))

    assert counted(replace(table, client=client), made[:20]) == (10, 10)
    assert counted(elsewhere(table), made) == (0, 30)
    assert events(table) == 30


def test_a_rival_that_fills_the_page_and_goes_on_to_the_next(table: Table) -> None:
    made = changes(4 * DIGESTS_A_PAGE)
    counted(table, made[:10])
    client: Any = FaultyClient(table.client)
    client.after(0, rival(lambda: counted(elsewhere(table), made[10 : 3 * DIGESTS_A_PAGE])))

    assert counted(replace(table, client=client), made[-100:]) == (58, 42)
    assert events(table) == 4 * DIGESTS_A_PAGE
    assert counted(elsewhere(table), made) == (0, len(made))


def test_a_rival_that_counts_what_another_half_of_the_batch_has_read(table: Table) -> None:
    """The first half finds the page written on, and reads it again; so the second half knows."""
    made = changes(40)
    client: Any = FaultyClient(table.client)
    client.after(0, refuse)  # the whole, so that it is halved
    client.after(1, rival(lambda: counted(elsewhere(table), made)))

    assert counted(replace(table, client=client), made) == (0, 40)
    assert events(table) == 40


def test_a_rival_that_counts_what_another_transaction_of_the_batch_has_read(table: Table) -> None:
    """They are counted in too many counters for one transaction, and share their page."""
    made = [change(n, day=f"2026-{1 + n // 28:02}-{1 + n % 28:02}") for n in range(150)]
    client: Any = FaultyClient(table.client)
    client.after(0, rival(lambda: counted(elsewhere(table), made)))

    assert counted(replace(table, client=client), made) == (0, 150)
    days = list(table.query(DAY.key.pk, "USED#DAY#"))
    assert [day["events"] for day in days] == [1] * 150


def test_what_is_marked_is_not_marked_once_more(table: Table) -> None:
    made = changes(3)
    counted(table, made[:2])
    mine = markers.Markers(table, NOW, shared_since=0)

    assert mine.unmarked(made) == made[2:]
    with pytest.raises(ValueError, match="marked"):
        mine.marking(made)


def test_a_crash_after_the_write_and_a_batch_that_is_cut_anew(table: Table) -> None:
    made = changes(90)
    client: Any = FaultyClient(table.client)
    client.after(0, crash_after)
    with pytest.raises(Crashed):
        counted(replace(table, client=client), made[:60])

    assert counted(elsewhere(table), made[30:]) == (30, 30)
    assert counted(elsewhere(table), made[:30]) == (0, 30)
    assert events(table) == 90


def test_conflicts_on_a_page_are_tried_again(table: Table) -> None:
    client: Any = FaultyClient(table.client)
    for n in range(9):
        client.after(n, conflict)

    assert counted(replace(table, client=client), changes(5)) == (5, 0)
    assert client.writes == 10


def test_what_the_database_refuses_is_found_and_its_neighbours_are_marked(table: Table) -> None:
    made = changes(150)
    picky: Any = PickyClient(table.client, refused=digest_of(made[77]))

    result = engine.count(replace(table, client=picky), made, NOW)

    assert (result.counted, [poison.raw for poison in result.parked]) == (149, [made[77]])
    assert list(list_parked(table)) == []
    assert counted(elsewhere(table), made) == (1, 149)
    assert events(table) == 150


# ----------------------------------------------------------------------- a hot second


@pytest.mark.slow
def test_ten_thousand_changes_of_one_second_and_one_partition(table: Table) -> None:
    made = changes(10_000)
    for batch in batched(made, 100, strict=True):
        assert counted(table, batch) == (100, 0)
    Random(1).shuffle(made)
    for batch in batched(made, 1_700, strict=False):
        assert counted(elsewhere(table), batch) == (0, len(batch))

    assert events(table) == 10_000
    sizes = [item_size(item) for item in pages(table)]
    assert len(sizes) == -(-10_000 // DIGESTS_A_PAGE)
    assert max(sizes) <= 1024


@pytest.mark.slow
def test_one_delivery_of_ten_thousand_is_cut_into_transactions_that_fit(table: Table) -> None:
    client: Any = FaultyClient(table.client)

    assert counted(replace(table, client=client), changes(10_000)) == (10_000, 0)
    assert client.writes == 2
    assert events(table) == 10_000


def test_a_process_does_not_read_closed_pages_again(table: Table) -> None:
    for batch in batched(changes(1_000), 100, strict=True):
        counted(table, batch)
    reading: Any = ReadingClient(table.client)

    assert counted(replace(table, client=reading), [change(1_000), change(3)]) == (1, 1)
    assert reading.calls == ["batch_get_item"]
    assert counted(elsewhere(replace(table, client=reading)), [change(1_001)]) == (1, 0)
    # First, since when changes share markers and series count.
    assert reading.calls[1:] == ["get_item", "get_item", "batch_get_item", "query"]


class ReadingClient:
    """Remembers what was read."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name in ("get_item", "batch_get_item", "query"):
            self.calls.append(name)
        return getattr(self.real, name)


def test_a_full_page_of_the_longest_key_is_paid_for_as_one_unit() -> None:
    of = Slice(999_999_999, "ffffffff")
    key = marker_page_key(of.window, of.partition, 9_999)
    page = {
        "seen": bytes(16 * DIGESTS_A_PAGE),
        "revision": DIGESTS_A_PAGE,
        "closed": True,
        "ttl": of.expires,
    }

    assert 1024 - 2 * 16 < item_size(to_item(key, page)) <= 1024


def test_all_pages_of_a_slice_expire_together_after_the_last_delivery(table: Table) -> None:
    counted(table, changes(100))
    late = replace(elsewhere(table), client=table.client)
    engine.count(late, changes(300), to_instant(datetime(2026, 5, 3, tzinfo=UTC)))

    expiries = {int(item["ttl"]["N"]) for item in pages(table)}

    assert expiries == {CREATED + WINDOW_S + int(MARKER_LIFETIME.total_seconds())}
    assert min(expiries) > CREATED + timedelta(days=31).total_seconds()


def test_a_batch_of_several_seconds_and_partitions_pays_for_its_slices(table: Table) -> None:
    batch = [
        change(n, created=CREATED + second, partner=partner)
        for n, (second, partner) in enumerate(
            (second, partner) for second in range(12) for partner in ("acme", "globex")
        )
    ]

    assert counted(table, batch) == (24, 0)
    assert len(list(pages(table))) == 4  # two windows of two partners
    assert markers.WINDOW_S == 10
