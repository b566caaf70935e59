"""Erasing query texts: hidden and kept out from the moment of the request, deleted by tasks.

The tenant's item says before when its texts are erased. Lists hide what is older, and events store
no older text, so a repetition brings nothing back. The tasks carry no time of their own: they
delete what the tenant's item says when they are done, and what has expired. So each may come
twice, late, or in vain.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from itertools import batched
from typing import NamedTuple

from tally.access.items import LISTED_TENANT_PREFIX, TENANTS_PK, tenant_key
from tally.activity.items import (
    ERASED_BEFORE,
    TEXT,
    TEXT_PARTS,
    rules_of,
    searches_before,
    searches_pk,
    texts_before,
    texts_pk,
)
from tally.audit.model import Actor, Deed
from tally.audit.trail import audited
from tally.aws.queues import Queue
from tally.aws.table import Table
from tally.aws.transactions import Action, Cancelled
from tally.kernel.instants import Instant
from tally.kernel.keys import Key

SETTLED_AFTER_S = 120
"""By then, whoever read the tenant's item before the erasure has written what came of it: the
functions that accept events are killed after 30 seconds."""

WITH_SEARCHES = "searches"
"""The texts from before they had items of their own."""
ALL_PARTS = (*TEXT_PARTS, WITH_SEARCHES)

_PAGE = 1_000
_SPLIT_AFTER_S = 5
LONGEST_S = 40
"""How long a task goes on before it sends itself on; a page more may follow."""


class Task(NamedTuple):
    """Parts of a tenant's texts that are to be deleted; one alone may go on behind a sort key."""

    tenant_id: str
    parts: tuple[str, ...] = ALL_PARTS
    after: str | None = None

    @classmethod
    def from_json(cls, text: str) -> Task:
        """ValueError, TypeError or KeyError for what is no task."""
        said = json.loads(text)
        return cls(**{**said, "parts": tuple(said["parts"])})

    def to_json(self) -> str:
        return json.dumps(self._asdict())


# ------------------------------------------------------------------------ requesting


def request_erasure(
    table: Table, queue: Queue, tenant_id: str, *, before: Instant, now: Instant, actor: Actor
) -> Instant:
    """Erase the texts of a tenant's searches before a time, or before now if that is to come.
    Returns the time that was meant.

    The task that makes sure goes first: were it to follow, a crash could lose it.
    """
    before = min(before, now)
    task = Task(tenant_id).to_json()
    queue.send(task, delay_s=SETTLED_AFTER_S)
    _erase_before(table, tenant_id, before, now, actor)
    queue.send(task)
    return before


def _erase_before(
    table: Table, tenant_id: str, before: Instant, now: Instant, actor: Actor
) -> None:
    told = audited(
        table,
        actor,
        Deed.QUERY_TEXTS_ERASED,
        target=tenant_id,
        tenant_id=tenant_id,
        at=now,
        before=before,
    )
    try:
        table.transact([raise_floor(table, tenant_id, before), *told])
    except Cancelled:
        table.transact(told)


def erased_before(table: Table, tenant_id: str) -> Instant | None:
    """Before when the tenant's texts are erased; None if they never were."""
    tenant = table.get(tenant_key(tenant_id), consistent=True) or {}
    moment: Instant | None = tenant.get(ERASED_BEFORE)
    return moment


def raise_floor(table: Table, tenant_id: str, before: Instant) -> Action:
    """Fails if the tenant does not exist, or as much or more was erased before."""
    return table.update(
        tenant_key(tenant_id),
        f"SET {ERASED_BEFORE} = :before",
        f"attribute_exists(PK) AND (attribute_not_exists({ERASED_BEFORE}) OR "
        f"{ERASED_BEFORE} < :before)",
        before=before,
    )


# ------------------------------------------------------------------------------ tasks


def tasks_of_every_day(table: Table) -> Iterator[Task]:
    """One for each tenant in the list. They leave out the texts that are still with their searches:
    to look for them would mean to read all searches every day."""
    for item in table.query(TENANTS_PK, LISTED_TENANT_PREFIX):
        yield Task(item["tenant_id"], TEXT_PARTS)


def do_task(
    table: Table,
    queue: Queue,
    task: Task,
    now: Instant,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Delete what a task is for, and send on what is left of it when its time is over: then each
    part is a task of its own, and they are done side by side. Returns how many texts were deleted.
    """
    ends_at = clock() + (LONGEST_S if len(task.parts) == 1 else _SPLIT_AFTER_S)
    deleted = 0
    for step in steps(table, task, now):
        deleted += step.deleted
        if step.left and clock() >= ends_at:
            queue.send_all(left.to_json() for left in step.left)
            break
    return deleted


class Step(NamedTuple):
    """How many texts were deleted, and what is left to do."""

    deleted: int
    left: list[Task]


def steps(table: Table, task: Task, now: Instant) -> Iterator[Step]:
    """Do a task, page by page."""
    tenant = table.get(tenant_key(task.tenant_id), consistent=True)
    if tenant is None:
        return
    moment = rules_of(tenant).deleted_before(now)
    for n, part in enumerate(task.parts):
        others = [Task(task.tenant_id, (each,)) for each in task.parts[n + 1 :]]
        do = _take_off if part == WITH_SEARCHES else _delete
        for deleted, rest in do(table, Task(task.tenant_id, (part,), task.after), moment):
            yield Step(deleted, [rest, *others] if rest else others)


def _delete(table: Table, task: Task, moment: Instant) -> Iterator[tuple[int, Task | None]]:
    """How many items of texts were deleted, and the task again if more may follow."""
    found = table.query(
        texts_pk(task.tenant_id, *task.parts),
        between=texts_before(moment),
        page=_PAGE,
        consistent=True,
        attributes=("PK", "SK"),
    )
    for some in batched(found, _PAGE, strict=False):
        table.write_each(deletes=[Key(item["PK"], item["SK"]) for item in some])
        yield len(some), task if len(some) == _PAGE else None


def _take_off(table: Table, task: Task, moment: Instant) -> Iterator[tuple[int, Task | None]]:
    """How many searches were written again without their text, and the task from there on.

    Nothing else of a search ever changes, so this overwrites nobody's change.
    """
    after = task.after
    while True:
        items, after = table.page(
            searches_pk(task.tenant_id),
            searches_before(moment),
            having=TEXT,
            limit=_PAGE,
            after=after,
        )
        table.write_each(puts=[{n: v for n, v in item.items() if n != TEXT} for item in items])
        yield len(items), task._replace(after=after) if after else None
        if after is None:
            return
