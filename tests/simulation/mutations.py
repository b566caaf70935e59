"""Fixes taken back, one by one: the simulation must notice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest

from tally.aws.transactions import Cancelled
from tally.counting import repair, survivors
from tally.kernel.instants import Instant
from tally.payouts import verifying
from tally.payouts.verifying import Move

type Patch = pytest.MonkeyPatch


def repairs_keep_no_moment(patch: Patch) -> None:
    """What a repair counted counts once more when the stream delivers it."""
    patch.setattr(repair, "AS_OF", "forgotten")


def overtaken_rescues_give_up(patch: Patch) -> None:
    """An object that is written while it is rescued stays in the epoch that ended."""

    def rescue(table: Any, item: Mapping[str, Any], dataset: Any) -> bool:
        put = survivors._moved(table, item, dataset)  # noqa: SLF001  as it was written once
        if put is None:
            return False
        with suppress(Cancelled):
            table.transact([put])
        return True

    patch.setattr(survivors, "_rescue", rescue)


def moves_are_in_the_order_of_their_times(patch: Patch) -> None:
    """Of two statements that are made at once, the one that began first may end last."""

    def carried_before(moves: Sequence[Move], _: int | None, at: Instant) -> int:
        before = [move for move in moves if move.at < at]
        newest = max(before, key=lambda move: move.at, default=None)
        return newest.carried_over if newest else 0

    patch.setattr(verifying, "carried_before", carried_before)
