"""Whole histories on the model of DynamoDB, with faults at every call, each named by its seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from random import Random

import pytest

from tests.simulation import mutations
from tests.simulation.mutations import Patch
from tests.simulation.running import figures_of, run_seed
from tests.simulation.stories import (
    Story,
    catalog_story,
    erasure_story,
    lag_story,
    migration_story,
    payout_story,
    repair_story,
    survivors_story,
    tell,
)

SEEDS, AT_ONCE = 200, 20
# A 0 on any of them would mean that the seeds no longer reach what they are for.
HAPPENS = (
    *("requests", "redeliveries", "repairs", "payout runs", "crashes", "  throttled"),
    *("  stale read", "  keys unprocessed", "  internal error after a commit"),
    *("  connection lost during a write", "  crash during a write", "statements with lines ahead"),
    *("erasures", "texts deleted", "  slow write"),
    *("deliveries to the earlier release", "closed pages of markers", "parts of counters"),
    *("objects rescued", "rescues with nothing to do", "backfills"),
)
# So rare that only histories of survivors are full of it.
HAPPENS_TO_RESCUES = (
    *("rescues continued", "  crash after a message was sent", "  queue does not answer"),
)
_DRIFT = "is not what its records say"


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1, SEEDS, AT_ONCE))
def test_everything_holds_whatever_happens(first: int) -> None:
    figures: Counter[str] = Counter()
    for seed in range(first, first + AT_ONCE):
        told = run_seed(seed)
        assert told.failure is None, f"make simulate FROM={seed} SEEDS=1\n{told.failure}"
        figures.update(told.figures)

    assert [name for name in HAPPENS if not figures[name]] == []


@pytest.mark.slow
def test_rescues_survive_whatever_happens() -> None:
    figures: Counter[str] = Counter()
    for seed in range(1, AT_ONCE + 1):
        figures.update(figures_of(tell(seed, story=survivors_story)))

    assert [name for name in HAPPENS_TO_RESCUES if not figures[name]] == []


def test_a_seed_always_tells_the_same_history() -> None:
    one, other = tell(4), tell(4)

    assert figures_of(one) == figures_of(other)
    assert one.timeline.now == other.timeline.now
    assert [str(record) for record in one.database.stream] == [
        str(record) for record in other.database.stream
    ]


# Seeds enough to find it several times over: if Tally calls otherwise, histories are others.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("take_back", "story", "violated"),
    [
        (mutations.repairs_keep_no_moment, repair_story, _DRIFT),
        (mutations.overtaken_rescues_give_up, survivors_story, _DRIFT),
        (mutations.rescues_are_asked_for_once, survivors_story, f"rescues under way|{_DRIFT}"),
        (mutations.rescues_are_sent_on_too_far, survivors_story, _DRIFT),
        (mutations.moves_are_in_the_order_of_their_times, payout_story, "carried_in"),
        (mutations.lines_of_others_are_deleted_at_once, payout_story, "gone"),
        (
            mutations.attempts_write_the_same_lines,
            payout_story,
            "changed|the statement says|without its lines",
        ),
        (
            mutations.the_last_task_of_an_erasure_comes_at_once,
            erasure_story,
            "a text that is erased is stored",
        ),
        (
            mutations.pages_of_markers_are_written_unconditionally,
            catalog_story,
            f"{_DRIFT}|rescues under way",
        ),
        (mutations.changes_are_marked_by_when_they_arrive, catalog_story, _DRIFT),
        (mutations.closed_pages_are_not_looked_at, catalog_story, _DRIFT),
        (mutations.markers_are_shared_at_once, migration_story, _DRIFT),
        (mutations.repairs_note_their_moment_in_one_part, lag_story, _DRIFT),
        (mutations.series_count_whatever_comes, migration_story, _DRIFT),
        (mutations.backfills_look_at_nothing, migration_story, _DRIFT),
    ],
)
def test_a_fix_that_is_taken_back_is_noticed(
    take_back: Callable[[Patch], None],
    story: Callable[[Random], Story],
    violated: str,
    monkeypatch: Patch,
) -> None:
    take_back(monkeypatch)

    with pytest.raises(AssertionError, match=violated):
        _tell_all(range(1, 200), story)


def _tell_all(seeds: Iterable[int], story: Callable[[Random], Story]) -> None:
    for seed in seeds:
        tell(seed, story=story)
