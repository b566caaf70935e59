"""Fixes taken back, one by one: the simulation must notice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from tally.activity import erasing
from tally.aws.table import Table
from tally.aws.transactions import Cancelled
from tally.counting import repair, survivors
from tally.kernel.instants import Instant
from tally.kernel.keys import Key
from tally.payouts import making, verifying
from tally.payouts.items import lines_of_others
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


def lines_of_others_are_deleted_at_once(patch: Patch) -> None:
    """The attempt that they are of may still make the statement."""
    write = making._write_all_but_the_last  # noqa: SLF001  as it would be

    def written(table: Table, of_statement: str, lines: Any) -> Any:
        stated, rest = write(table, of_statement, lines)
        for between in lines_of_others(stated.attempt):
            for item in list(table.query(f"PAYOUT#{of_statement}", between=between)):
                table.transact([table.delete(Key(item["PK"], item["SK"]))])
        return stated, rest

    patch.setattr(making, "_write_all_but_the_last", written)


def the_last_task_of_an_erasure_comes_at_once(patch: Patch) -> None:
    """A search that read the tenant before it may still write its text."""
    patch.setattr(erasing, "SETTLED_AFTER_S", 0)


def attempts_write_the_same_lines(patch: Patch) -> None:
    """Those who read the ledger before and after an import overwrite each other's."""
    make = making._items  # noqa: SLF001  as they would be

    def items(*arguments: Any) -> Any:
        made = make(*arguments)
        for action in made:
            del action["Put"]["ConditionExpression"]
            del action["Put"]["ReturnValuesOnConditionCheckFailure"]
        return made

    patch.setattr(making, "secrets", SimpleNamespace(token_hex=lambda size: "0" * 2 * size))
    patch.setattr(making, "_items", items)
