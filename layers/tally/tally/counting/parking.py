"""Stream records that could not be counted: kept with the reason, listed, counted after all."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tally.aws.moments import series_since
from tally.aws.table import Table
from tally.aws.transactions import Cancelled
from tally.counting import rescues
from tally.counting.changes import Counted, Poison, read_changes
from tally.counting.engine import Counting
from tally.counting.guards import Guard, Leaving
from tally.counting.items import PARKED_PK, parked_key
from tally.counting.markers import Markers
from tally.counting.rescues import Messages
from tally.counting.switch import shared_since
from tally.kernel.errors import NotFound, Unavailable
from tally.kernel.instants import Instant
from tally.kernel.keys import Key

# An item may hold 400 KB. Records are a few hundred bytes; a stranger's may be anything.
_MAX_BYTES = 350_000
_ATTEMPTS = 50


@dataclass(frozen=True, slots=True)
class Parked:
    """`parked_id` names it in the commands; `raw` is the stream record, None if it was too big."""

    parked_id: str
    reason: str
    item_key: str
    raw: Mapping[str, Any] | None


def park(table: Table, poison: Poison, now: Instant) -> bool:
    """Keep a record that cannot be counted, in one write with its marker. False if it was marked
    before: counted, or parked."""
    return park_under(Markers(table, now, shared_since(table, now)), table, poison, now)


def park_under(guard: Guard, table: Table, poison: Poison, now: Instant) -> bool:
    """The same with this guard."""
    packed = zlib.compress(json.dumps(poison.raw).encode())
    attributes = {
        "reason": poison.reason[:1000],
        "item_key": json.dumps(poison.raw.get("dynamodb", {}).get("Keys", {})),
        "raw": packed if len(packed) <= _MAX_BYTES else None,
    }
    parked = table.put_new(parked_key(now, poison.raw["eventID"]), attributes)
    for _ in range(_ATTEMPTS):
        if not guard.unmarked([poison.raw]):
            return False
        marking = guard.marking([poison.raw])
        try:
            table.transact([*marking.actions, parked])
        except Cancelled as cancelled:
            marking.failed(cancelled.reasons[: len(marking.actions)])
        else:
            return True
    raise Unavailable("Other writers keep marking changes of the same seconds.")


def list_parked(table: Table) -> Iterator[Parked]:
    """All parked records, oldest first."""
    for item in table.query(PARKED_PK):
        raw = item.get("raw")
        yield Parked(
            parked_id=item["SK"],
            reason=item["reason"],
            item_key=item["item_key"],
            raw=None if raw is None else json.loads(zlib.decompress(raw)),
        )


def replay(table: Table, queue: Messages, parked_id: str, now: Instant) -> Counted:
    """Count a parked record after all: it leaves the parking in the same transaction. Survivors of
    a deletion are asked for in `queue`.

    NotFound if it is not parked; ValueError, with nothing changed, if it still cannot be counted.
    """
    key = Key(PARKED_PK, parked_id)
    parked = next((each for each in list_parked(table) if each.parked_id == parked_id), None)
    if parked is None:
        raise NotFound(f"Nothing is parked as {parked_id}.")
    if parked.raw is None:
        raise ValueError("the record was too big to keep; recount its tenant with --repair")
    leaving = Leaving(table, key)
    counting = Counting(table, leaving)
    change, *apart = read_changes(parked.raw, series_since(table, now))
    expected = Counted()
    expected.note_survivors(change.old, change.new)
    # Once it has left, nobody else would ask, if this process dies then.
    rescues.ask_ahead(table, queue, expected.to_rescue, now, run=now)
    Counting(table, Markers(table, now, shared_since(table, now))).count(apart)
    counting.count([change])
    rescues.ask(table, queue, counting.result.to_rescue, now, run=now)
    if counting.result.parked:
        raise ValueError(counting.result.parked[0].reason)
    if counting.result.without_effect:
        table.transact(leaving.actions)
    return counting.result
