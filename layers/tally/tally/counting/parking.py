"""Stream records that could not be counted: kept with the reason, listed, counted after all."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tally.aws.table import Table
from tally.aws.transactions import Cancelled
from tally.counting.changes import Counted, Poison, put_marker, read_change
from tally.counting.engine import count_changes
from tally.counting.items import PARKED_PK, parked_key
from tally.kernel.errors import NotFound
from tally.kernel.instants import Instant
from tally.kernel.keys import Key

# An item may hold 400 KB. Records are a few hundred bytes; a stranger's may be anything.
_MAX_BYTES = 350_000


@dataclass(frozen=True, slots=True)
class Parked:
    """`parked_id` names it in the commands; `raw` is the stream record, None if it was too big."""

    parked_id: str
    reason: str
    item_key: str
    raw: Mapping[str, Any] | None


def park(table: Table, poison: Poison, now: Instant) -> bool:
    """Keep a record that cannot be counted, in one write with its marker. False if it was known."""
    packed = zlib.compress(json.dumps(poison.raw).encode())
    attributes = {
        "reason": poison.reason[:1000],
        "item_key": json.dumps(poison.raw.get("dynamodb", {}).get("Keys", {})),
        "raw": packed if len(packed) <= _MAX_BYTES else None,
    }
    parked = table.put_new(parked_key(now, poison.raw["eventID"]), attributes)
    try:
        table.transact([put_marker(table, poison.raw, now), parked])
    except Cancelled:
        return False
    return True


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


def replay(table: Table, parked_id: str) -> Counted:
    """Count a parked record after all: it leaves the parking in the same transaction.

    NotFound if it is not parked; ValueError, with nothing changed, if it still cannot be counted.
    """
    key = Key(PARKED_PK, parked_id)
    parked = next((each for each in list_parked(table) if each.parked_id == parked_id), None)
    if parked is None:
        raise NotFound(f"Nothing is parked as {parked_id}.")
    if parked.raw is None:
        raise ValueError("the record was too big to keep; recount its tenant with --repair")
    leave = table.delete(key, "attribute_exists(PK)")
    result = Counted()
    change = read_change(parked.raw, leave)
    count_changes(table, [change], result)
    if result.parked:
        raise ValueError(result.parked[0].reason)
    if result.without_effect:
        table.transact([leave])
    return result
