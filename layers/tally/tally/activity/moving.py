"""Query texts that are still with their searches get items of their own, in which they expire."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import batched
from typing import Any, NamedTuple

from tally.access.items import tenant_key
from tally.activity.items import (
    ERASED_BEFORE,
    TEXT,
    key_of_text,
    rules_of,
    search_from,
    searches_before,
    searches_pk,
    text_attributes,
)
from tally.aws.retries import pauses
from tally.aws.table import Table
from tally.aws.transactions import Action, Cancelled
from tally.kernel.errors import NotFound, Unavailable
from tally.kernel.instants import Instant
from tally.kernel.keys import Key

_PAGE = 1_000
_AT_ONCE = 20  # of 40 KB each, twice: a transaction takes 4 MB
_EVER: Instant = "9999-12-31T23:59:59.999999999Z"


class Moved(NamedTuple):
    """How many texts were moved, and how many were erased or too old and are gone."""

    moved: int = 0
    dropped: int = 0


def move_texts(table: Table, tenant_id: str, now: Instant) -> Moved:
    """All of a tenant's, each in one transaction with its search. It may be repeated.

    NotFound if the tenant does not exist.
    """
    moved = Moved()
    after = None
    while True:
        items, after = table.page(
            searches_pk(tenant_id), searches_before(_EVER), having=TEXT, limit=_PAGE, after=after
        )
        for some in batched(items, _AT_ONCE, strict=False):
            more = _move(table, tenant_id, some, now)
            moved = Moved(moved.moved + more.moved, moved.dropped + more.dropped)
        if after is None:
            return moved


def _move(table: Table, tenant_id: str, items: Sequence[Mapping[str, Any]], now: Instant) -> Moved:
    left = items
    for pause in pauses():
        tenant = table.get(tenant_key(tenant_id), consistent=True)
        if tenant is None:
            raise NotFound(f"Tenant {tenant_id} does not exist.")
        kept = [each for each in left if rules_of(tenant).keeps(each["occurred_at"], now)]
        try:
            table.transact([*_actions(table, tenant, left, kept)])
        except Cancelled:
            # Erased meanwhile: the tenant's texts, or one of these.
            table.sleep(pause)
            found = table.get_many([_key(each) for each in left])
            left = [each for each in found.values() if TEXT in each]
            if not left:
                return Moved()
        else:
            return Moved(len(kept), len(left) - len(kept))
    raise Unavailable("Other writers keep changing these searches; move the texts again.")


def _actions(
    table: Table,
    tenant: Mapping[str, Any],
    items: Sequence[Mapping[str, Any]],
    kept: Sequence[Mapping[str, Any]],
) -> Iterator[Action]:
    """Fails if the tenant's texts were erased since it was read: nothing erased comes back."""
    tenant_id, rules = tenant["tenant_id"], rules_of(tenant)
    floor = tenant.get(ERASED_BEFORE)
    if floor is None:
        yield table.check(tenant_key(tenant_id), f"attribute_not_exists({ERASED_BEFORE})")
    else:
        yield table.check(tenant_key(tenant_id), f"{ERASED_BEFORE} = :floor", floor=floor)
    for item in items:
        yield table.update(_key(item), f"REMOVE {TEXT}", f"attribute_exists({TEXT})")
    for item in kept:
        search = search_from(item)
        text = text_attributes(item[TEXT], rules.expires_at(search.occurred_at))
        yield table.put(key_of_text(search), text)


def _key(item: Mapping[str, Any]) -> Key:
    return Key(item["PK"], item["SK"])
