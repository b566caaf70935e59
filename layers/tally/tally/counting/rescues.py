"""Rescues: a dataset's objects looked through for survivors of its deletion, over a queue.

Each deletion that objects may have outlived is one rescue, named by the epoch that it began. It
has a marker in the table, written before its first message, and one message at a time, which says
behind which object to go on. Messages may come twice, and a process may die at any point:
everything before a message's position is done, whoever did it, and a message is deleted after the
next one was sent. So two may be on their way; the one that falls behind ends. The marker says when
all is done. Then it stays for a while: whoever asks again need not be heard.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Protocol

from tally.aws.table import Table
from tally.aws.transactions import Cancelled
from tally.catalog.counters import epoch_of
from tally.catalog.model.datasets import Dataset
from tally.catalog.reads import get_dataset
from tally.counting.items import rescue_key
from tally.counting.rescue_markers import DONE, markers_of
from tally.counting.survivors import Each, look_through
from tally.kernel.instants import Instant, plus, to_datetime
from tally.kernel.keys import Key
from tally.kernel.versions import Version

# Longer than a message can be on its way: 14 days in its queues, and 14 more if it is sent again.
_MARKER_LIFETIME = timedelta(days=30)

_AHEAD_S = 300


class Messages(Protocol):
    """The queue of rescues."""

    def send(self, body: str, *, delay_s: int = 0) -> None: ...


@dataclass(frozen=True, slots=True)
class Rescue:
    """What is left of one: the objects behind the sort key `after`, or all.

    `run` is empty for the one that the stream asks for, once.
    """

    dataset_id: str
    epoch: str
    run: str = ""
    after: str | None = None

    @classmethod
    def from_json(cls, text: str) -> Rescue:
        """ValueError or TypeError for what is none."""
        fields = json.loads(text)
        rescue = cls(**fields)
        if any(not isinstance(fields[name], str) for name in ("dataset_id", "epoch", "run")):
            raise TypeError("a dataset, an epoch and a run are named by text")
        return rescue

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @property
    def marker(self) -> Key:
        return rescue_key(self.dataset_id, self.epoch, self.run)

    def is_due(self, dataset: Dataset | None) -> bool:
        """Not once the dataset was deleted again. If it came back after that, it has a rescue of
        its own."""
        return dataset is not None and dataset.alive and epoch_of(dataset.deleted) == self.epoch


@dataclass(slots=True)
class Progress:
    """What was done of a rescue with one message. `left` is what was sent on."""

    seen: int = 0
    moved: int = 0
    left: Rescue | None = None


def ask(
    table: Table, queue: Messages, to_rescue: Mapping[str, Version], now: Instant, run: str = ""
) -> None:
    """Have the survivors of these deletions rescued, once those are counted. If it raises, ask
    again. What was done in this run is not done again."""
    for rescue in _rescues(to_rescue, run):
        if not _is_done(table, rescue, now):
            queue.send(rescue.to_json())


def ask_ahead(
    table: Table, queue: Messages, to_rescue: Mapping[str, Version], now: Instant, run: str
) -> None:
    """Ask before the deletions are counted, to be heard when they are, even if nobody asks then."""
    for rescue in _rescues(to_rescue, run):
        # In this order: nothing comes of a message without a marker, and a marker without a message
        # would stay.
        queue.send(rescue.to_json(), delay_s=_AHEAD_S)
        _is_done(table, rescue, now)


def _rescues(to_rescue: Mapping[str, Version], run: str) -> Iterator[Rescue]:
    for dataset_id, deletion in to_rescue.items():
        yield Rescue(dataset_id, epoch_of(deletion), run)


def _is_done(table: Table, rescue: Rescue, now: Instant) -> bool:
    """What its marker says, which is written if there is none."""
    try:
        table.write(table.put_new(rescue.marker, {"ttl": _expiry(now)}))
    except Cancelled as cancelled:
        return any(reason and DONE in reason.item for reason in cancelled.reasons)
    return False


def work_off(  # noqa: PLR0917  all that it works with
    table: Table,
    queue: Messages,
    rescue: Rescue,
    now: Instant,
    go_on: Callable[[], bool],
    each: Each = map,
) -> Progress:
    """Do at least one page of a rescue, and more as long as it may go on. The rest is sent on."""
    progress = Progress()
    marker = table.get(rescue.marker, consistent=True)
    if marker is None or DONE in marker or (rescue.after or "") < marker.get("after", ""):
        return progress  # done, or done by another one up to there, who sent on the rest
    at = rescue
    while True:
        dataset = get_dataset(table, rescue.dataset_id)
        if dataset is None or not rescue.is_due(dataset):
            break
        looked = look_through(table, dataset, after=at.after, each=each)
        progress.seen += looked.seen
        progress.moved += looked.moved
        if looked.last is None:
            break
        at = replace(at, after=looked.last)
        if not go_on():
            _send_on(table, queue, at, now)
            progress.left = at
            return progress
    _finish(table, rescue.marker)
    return progress


def _send_on(table: Table, queue: Messages, rest: Rescue, now: Instant) -> None:
    """The marker says only what was sent: whoever is not as far may stop."""
    queue.send(rest.to_json())
    with suppress(Cancelled):
        table.write(
            table.update(
                rest.marker,
                "SET #after = :after, #ttl = :ttl",
                "attribute_exists(PK) AND (attribute_not_exists(#after) OR #after < :after)",
                names=("after", "ttl"),
                after=rest.after,
                ttl=_expiry(now),
            )
        )


def rescue_now(table: Table, dataset_id: str, say: Callable[[str], None] = lambda _: None) -> None:
    """Without the queue, from the first object to the last. Rescues under way have nothing left."""
    markers = list(markers_of(table, dataset_id))
    seen, moved, after = 0, 0, None
    while (dataset := get_dataset(table, dataset_id)) is not None and dataset.alive:
        looked = look_through(table, dataset, after=after)
        seen, moved, after = seen + looked.seen, moved + looked.moved, looked.last
        if after is None:
            break
        say(f"{dataset_id}: {seen} objects looked at, {moved} of them moved")
    for marker in markers:
        _finish(table, marker)


def _finish(table: Table, marker: Key) -> None:
    with suppress(Cancelled):  # it has expired
        table.write(table.update(marker, f"SET {DONE} = :done", "attribute_exists(PK)", done=True))


def _expiry(now: Instant) -> int:
    return int(to_datetime(plus(now, _MARKER_LIFETIME)).timestamp())
