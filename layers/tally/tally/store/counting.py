"""Counting the changes that the stream delivers, each exactly once.

One transaction guards every change with a marker and adds their summed deltas to the counters, so
a crash, a second delivery or a batch cut otherwise finds either all of a change or none of it.
A change that cannot be counted is parked in the same way, and blocks nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from tally.domain.activity import AccessActivity
from tally.domain.catalog import CatalogObject, Dataset
from tally.domain.counting import (
    AccessTotals,
    BuyerTotals,
    DatasetTotals,
    Deltas,
    ProviderTotals,
    Record,
    Totals,
    by_totals,
    change,
    may_have_survivors,
    rolled_up,
    superseded,
    total,
)
from tally.domain.errors import Unavailable
from tally.domain.instants import Instant, plus, to_datetime
from tally.store import keys
from tally.store.activity import count_accesses
from tally.store.catalog import attributes_of, catalog_record_from, key_of_record, objects_of
from tally.store.items import from_item
from tally.store.keys import Key
from tally.store.records import record_from
from tally.store.table import MAX_TRANSACTION_ACTIONS, Action, Cancelled, Reason, Table

# Longer than any delivery can be late: the stream keeps a change for a day, the bucket of failed
# batches keeps it for 28.
MARKER_LIFETIME = timedelta(days=35)

_ENDED = "ended"
_COUNTED_FIELDS = ("objects", "bytes", "pending_review", "approved", "rejected", "active")
_ATTEMPTS = 50


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one record. Its guard is what makes it count once: written with the counters,
    it fails if the change was counted before."""

    raw: Mapping[str, Any]
    old: Record | None
    new: Record | None
    guard: Action

    @property
    def deltas(self) -> Deltas:
        return change(self.old, self.new)


@dataclass(frozen=True, slots=True)
class Poison:
    """A stream record that cannot be counted, and why."""

    raw: Mapping[str, Any]
    reason: str


@dataclass(slots=True)
class Counted:
    """What became of a batch."""

    counted: int = 0
    already_counted: int = 0
    without_effect: int = 0
    parked: list[Poison] = field(default_factory=list)


def count(table: Table, raws: Sequence[Mapping[str, Any]], now: Instant) -> Counted:
    """Count every stream record, once ever; those that cannot be are returned as `parked`, for
    `parking.park`. Raises if the database fails: then deliver the batch again."""
    result = Counted()
    changes: list[Change] = []
    for raw in raws:
        try:
            changes.append(read_change(raw, put_marker(table, raw, now)))
        except ValueError as error:
            result.parked.append(Poison(raw, str(error)))
    count_changes(table, changes, result)
    return result


def count_changes(table: Table, changes: Sequence[Change], result: Counted) -> None:
    """Count changes that could be read, each under its guard."""
    plain = []
    for each in changes:
        if superseded(each.old, each.new):
            _end_epoch(table, each, result)
        elif each.deltas:
            plain.append(each)
        else:
            result.without_effect += 1
    for group in _groups(plain):
        _count_group(table, group, result)
    # Even for a change that was counted before: the sweep after it may not have come to its end.
    for each in changes:
        if isinstance(each.new, Dataset) and may_have_survivors(each.old, each.new):
            rescue_survivors(table, each.new.dataset_id)


def read_change(raw: Mapping[str, Any], guard: Action) -> Change:
    """A DynamoDB stream record with its images in wire format. ValueError says what is wrong."""
    try:
        images = raw["dynamodb"]
        old, new = (
            record_from(from_item(images[name])) if name in images else None
            for name in ("OldImage", "NewImage")
        )
        read = Change(raw, old, new, guard)
        _ = read.deltas  # an image may be complete and still make no sense
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"unreadable image: {type(error).__name__}: {error}") from error
    return read


def put_marker(table: Table, raw: Mapping[str, Any], now: Instant) -> Action:
    """The guard of a change that comes from the stream."""
    forget_at = int(to_datetime(plus(now, MARKER_LIFETIME)).timestamp())
    return table.put_new(keys.marker(raw["eventID"]), {"ttl": forget_at})


def rescue_survivors(table: Table, dataset_id: str) -> None:
    """Bring objects that outlived their dataset's deletion into its present epoch.

    Only a deletion that arrives after newer events leaves any. The rewritten objects come back
    over the stream and are counted like all others.
    """
    dataset = _dataset(table, dataset_id)
    for record, revision in objects_of(table, dataset_id):
        _rescue(table, record, revision, dataset)


def _groups(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Cut so that the guards and the counters of each group fit into one transaction.

    Neighbours go together: a counter is paid for in each transaction that has one of its changes.
    """
    group: list[Change] = []
    touched: set[Totals] = set()
    for each in sorted(changes, key=_neighbourhood):
        own = {totals for totals, _ in rolled_up(each.deltas)}
        own |= {BuyerTotals(t.tenant_id) for t in own if isinstance(t, AccessTotals)}
        if len(group) + 1 + len(touched | own) > MAX_TRANSACTION_ACTIONS:
            yield group
            group, touched = [], set()
        group.append(each)
        touched |= own
    if group:
        yield group


def _neighbourhood(each: Change) -> tuple[str, str]:
    record = each.new or each.old
    return (record.tenant_id, getattr(record, "dataset_id", "")) if record else ("", "")


def _count_group(table: Table, group: Sequence[Change], result: Counted) -> None:
    left = list(group)
    ended: set[Totals] = set()
    for _ in range(_ATTEMPTS):
        if not left:
            return
        deltas = _without(ended, total(each.deltas for each in left))
        accesses = _Accesses.read(table, left, deltas)
        additions = by_totals(rolled_up(total([deltas, accesses.first_ones])))
        actions = [each.guard for each in left]
        for totals, amounts in additions.items():
            if isinstance(totals, AccessTotals):
                actions.append(accesses.action(table, totals, amounts["accesses"]))
            else:
                actions.append(_add(table, totals, dict(amounts)))
        try:
            table.transact(actions)
        except (Cancelled, ClientError) as error:
            reasons = _reasons_of(error)
            if reasons is None:
                _halve(table, left, result, error)
                return
            guards, counters = reasons[: len(left)], reasons[len(left) :]
            fresh = [each for each, reason in zip(left, guards, strict=True) if reason is None]
            result.already_counted += len(left) - len(fresh)
            failed = {t for t, reason in zip(additions, counters, strict=True) if reason}
            newly = {totals for totals in failed if isinstance(totals, DatasetTotals)}
            # Before the guards are written: what was counted is not looked at again.
            _rescue_stale(table, fresh, newly)
            left, ended = fresh, ended | newly
        else:
            result.counted += len(left)
            return
    raise Unavailable("Too many writers change the same counters.")


@dataclass(frozen=True, slots=True)
class _Accesses:
    """What is stored of the datasets that a group of changes accessed, and when it did last."""

    stored: Mapping[Key, Mapping[str, Any]]
    latest: Mapping[AccessTotals, Instant]

    @classmethod
    def read(cls, table: Table, changes: Sequence[Change], deltas: Deltas) -> _Accesses:
        latest: dict[AccessTotals, Instant] = {}
        for each in changes:
            if isinstance(each.new, AccessActivity):
                of = AccessTotals(each.new.tenant_id, each.new.dataset_id)
                latest[of] = max(latest.get(of, ""), each.new.accessed_at)
        touched = [totals for totals, _ in deltas if isinstance(totals, AccessTotals)]
        stored = table.get_many([keys.totals(totals) for totals in touched]) if touched else {}
        return cls(stored, latest)

    @property
    def first_ones(self) -> Deltas:
        """One dataset more for each buyer and dataset that were not seen together before."""
        fresh = (totals for totals in self.latest if keys.totals(totals) not in self.stored)
        return Counter((BuyerTotals(totals.tenant_id), "accessed_datasets") for totals in fresh)

    def action(self, table: Table, totals: AccessTotals, accesses: int) -> Action:
        before = self.stored.get(keys.totals(totals))
        latest = max(self.latest.get(totals, ""), before["last_accessed_at"] if before else "")
        return count_accesses(table, totals, accesses, latest, before)


def _halve(table: Table, group: Sequence[Change], result: Counted, error: Exception) -> None:
    """Find the change that no transaction takes, so that the others can be counted."""
    if len(group) == 1:
        result.parked.append(Poison(group[0].raw, f"refused by the database: {error}"))
        return
    middle = len(group) // 2
    _count_group(table, group[:middle], result)
    _count_group(table, group[middle:], result)


def _end_epoch(table: Table, each: Change, result: Counted) -> None:
    """Take all of a dataset's objects out of its provider's totals, in one subtraction."""
    totals = superseded(each.old, each.new)
    if totals is None:
        raise ValueError("the change ends no epoch")
    provider = ProviderTotals(totals.tenant_id)
    key = keys.totals(totals)
    for _ in range(_ATTEMPTS):
        stored = table.get(key, consistent=True) or {}
        deltas = each.deltas
        if _ENDED not in stored:
            deltas.subtract({(provider, f): stored.get(f, 0) for f in _COUNTED_FIELDS})
        actions = [each.guard, _end(table, key, stored)]
        for of, amounts in by_totals(total([deltas])).items():
            actions.append(_add(table, of, dict(amounts)))
        try:
            table.transact(actions)
        except (Cancelled, ClientError) as error:
            reasons = _reasons_of(error)
            if reasons is None:
                result.parked.append(Poison(each.raw, f"refused by the database: {error}"))
                return
            if reasons[0]:
                result.already_counted += 1
                return
        else:
            result.counted += 1
            return
    raise Unavailable("Too many writers change the same counters.")


def _end(table: Table, key: Key, stored: Mapping[str, Any]) -> Action:
    """Close an epoch's counters, on condition that they still are what was read."""
    names = {f"#{f}": f for f in _COUNTED_FIELDS}
    known = {f: stored[f] for f in _COUNTED_FIELDS if f in stored}
    clauses = [
        f"#{f} = :{f}" if f in known else f"attribute_not_exists(#{f})" for f in names.values()
    ]
    action = table.update(key, "SET #ended = :ended", " AND ".join(clauses), ended=True, **known)
    action["Update"]["ExpressionAttributeNames"] = names | {"#ended": _ENDED}
    return action


def _add(table: Table, totals: Totals, amounts: dict[str, int]) -> Action:
    if isinstance(totals, DatasetTotals):
        return table.add(keys.totals(totals), amounts, f"attribute_not_exists({_ENDED})")
    return table.add(keys.totals(totals), amounts)


def _without(ended: set[Totals], deltas: Deltas) -> Deltas:
    return Counter({key: amount for key, amount in deltas.items() if key[0] not in ended})


def _reasons_of(error: Exception) -> Sequence[Reason | None] | None:
    """The failed conditions by position; None if the transaction can never succeed as it is."""
    if isinstance(error, ClientError):
        if error.response["Error"]["Code"] != "ValidationException":
            raise error
        return None
    if not isinstance(error, Cancelled):
        raise error
    reasons = [reason for reason in error.reasons if reason]
    if any(not reason.is_condition and not reason.is_transient for reason in reasons):
        return None
    return [reason if reason and reason.is_condition else None for reason in error.reasons]


def _rescue_stale(
    table: Table, changes: Sequence[Change], ended: Collection[DatasetTotals]
) -> None:
    """An object written while its dataset was being deleted may carry the epoch before."""
    for each in changes:
        if isinstance(each.new, CatalogObject) and any(t in ended for t, _ in each.deltas):
            item = table.get(key_of_record(each.new), consistent=True)
            record = item and catalog_record_from(item)
            if item and isinstance(record, CatalogObject):
                dataset = _dataset(table, record.dataset_id)
                _rescue(table, record, item["revision"], dataset)


def _rescue(table: Table, record: CatalogObject, revision: int, dataset: Dataset | None) -> None:
    if dataset is None or not dataset.alive:
        return
    moved = record.moved_to(dataset.deleted)
    if moved == record or moved.state is None:
        return
    attributes = attributes_of(moved) | {"revision": revision + 1}
    put = table.put(key_of_record(moved), attributes, "revision = :revision", revision=revision)
    try:
        table.transact([put])
    except Cancelled as cancelled:
        if _reasons_of(cancelled) is None:
            raise
        # Somebody wrote it meanwhile: that change will come over the stream and be looked at.


def _dataset(table: Table, dataset_id: str) -> Dataset | None:
    item = table.get(keys.dataset(dataset_id), consistent=True)
    record = item and catalog_record_from(item)
    return record if isinstance(record, Dataset) else None
