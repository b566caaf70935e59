"""Fixes taken back, one by one: the simulation must notice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from types import SimpleNamespace
from typing import Any

import pytest

from tally.activity import erasing
from tally.aws.table import Table
from tally.aws.transactions import Action, Cancelled
from tally.catalog.items import OBJECT_PREFIX, dataset_key
from tally.counting import backfilling, changes, markers, repair, rescues, survivors
from tally.counting.changes import Change
from tally.counting.engine import Counting
from tally.counting.guards import Raw
from tally.counting.markers import Markers, Pages, SharedMarking, Slice
from tally.counting.rescues import Rescue
from tally.kernel.instants import Instant, to_datetime
from tally.kernel.keys import Key
from tally.payouts import making, verifying
from tally.payouts.items import lines_of_others
from tally.payouts.verifying import Move
from tests.simulation import stories

type Patch = pytest.MonkeyPatch

_OF_CONDITIONS = (
    *("ConditionExpression", "ExpressionAttributeValues"),
    "ReturnValuesOnConditionCheckFailure",
)


def repairs_keep_no_moment(patch: Patch) -> None:
    """What a repair counted counts once more when the stream delivers it."""
    patch.setattr(repair, "AS_OF", "forgotten")


def overtaken_rescues_give_up(patch: Patch) -> None:
    """An object that is written while it is rescued stays in the epoch that ended."""

    def rescue(table: Any, item: Mapping[str, Any], dataset: Any) -> bool:
        key = Key(item["PK"], item["SK"])
        if not survivors._outlives(item, dataset):  # noqa: SLF001  as it was written once
            return False
        with suppress(Cancelled):
            table.write(survivors._move(table, key, item, dataset))  # noqa: SLF001
        return True

    patch.setattr(survivors, "_rescue", rescue)


def rescues_are_asked_for_once(patch: Patch) -> None:
    """If the process dies before it has asked, nobody does."""
    count = Counting.count

    def counted(self: Counting, changes: Sequence[Change]) -> None:
        new = {id(each) for each in self.unmarked(changes)}
        count(self, changes)
        self.result.to_rescue.clear()
        for each in changes:
            if id(each) in new:
                self.result.note_survivors(each.old, each.new)

    patch.setattr(Counting, "count", counted)


def rescues_are_sent_on_too_far(patch: Patch) -> None:
    """The first object of what is left is left out."""
    send_on = rescues._send_on  # noqa: SLF001  as it would be

    def sent_on(table: Table, queue: Any, rest: Rescue, now: Instant) -> None:
        pk = dataset_key(rest.dataset_id).pk
        for item in table.query(pk, OBJECT_PREFIX, after=rest.after, limit=1):
            rest = replace(rest, after=item["SK"])
        send_on(table, queue, rest, now)

    patch.setattr(rescues, "_send_on", sent_on)


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


def pages_of_markers_are_written_unconditionally(patch: Patch) -> None:
    """A rival that marks other changes of the same seconds is overwritten: they count again."""
    add_page = SharedMarking.add_page

    def added(self: SharedMarking, of: Slice, action: Action, then: Pages) -> None:
        for name in _OF_CONDITIONS:
            action["Put"].pop(name, None)
        add_page(self, of, action, then)

    patch.setattr(SharedMarking, "add_page", added)


def changes_are_marked_by_when_they_arrive(patch: Patch) -> None:
    """A change that is delivered again later is looked for on other pages."""

    def slice_of(self: Markers, raw: Raw) -> Slice | None:
        of = markers.slice_of(raw, self.shared_since)
        arrived = int(to_datetime(self.now).timestamp())
        return of and of._replace(window=arrived // markers.WINDOW_S)

    patch.setattr(Markers, "_slice_of", slice_of)


def closed_pages_are_not_looked_at(patch: Patch) -> None:
    """Changes are forgotten when their page is full."""
    after = Pages.after

    def forgetful(self: Pages, item: Mapping[str, Any]) -> Pages:
        return replace(after(self, item), closed=frozenset())

    patch.setattr(Pages, "after", forgetful)


def markers_are_shared_at_once(patch: Patch) -> None:
    """While the release before this one, which looks at no shared marker, still counts."""
    patch.setattr(stories, "_SHARED_AFTER", timedelta())


def repairs_note_their_moment_in_one_part(patch: Patch) -> None:
    """What a repair counted is added to another part of the counter."""
    parent = repair._Repair._parent  # noqa: SLF001  as it would be

    def of_one_part(*arguments: Any, **named: Any) -> Any:
        return islice(parent(*arguments, **named), 1)

    patch.setattr(repair._Repair, "_parent", of_one_part)  # noqa: SLF001  the same


def series_count_whatever_comes(patch: Patch) -> None:
    """What the backfill adds, too."""
    patch.setattr(changes, "backfilled", lambda *_: False)


def backfills_look_at_nothing(patch: Patch) -> None:
    """What was filled is filled again."""
    make = backfilling._action  # noqa: SLF001  as it would be

    def unconditional(*arguments: Any, **named: Any) -> Action:
        action: Action = make(*arguments, **named)
        for name in ("ConditionExpression", "ReturnValuesOnConditionCheckFailure"):
            action["Update"].pop(name, None)
        return action

    patch.setattr(backfilling, "_action", unconditional)
