"""What it takes to accept an event, to count a change, and to delete a dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import batched
from typing import Any

from dev.bench import samples
from dev.bench.figures import Figure, of_usage
from dev.bench.lab import BATCH, Lab
from dev.bench.meter import Usage
from dev.bench.reads import Provider
from dev.bench.samples import Event
from dev.template import largest_batch
from tally.counting.changes import Counted
from tally.counting.engine import count, count_under
from tally.counting.markers import Markers
from tally.counting.parts import NO_PARTS

ACCEPTING = "An accepted event"
COUNTING = "A counted change"
DELETING = "A deleted dataset, accepted and counted"
MOST_UNITS_PER_CHANGE = 0.8
_MOST_UNITS_OF_ONE_DATASET = 0.3
type Record = dict[str, Any]
type Count = Callable[[Lab, Sequence[Record]], Counted]

_BATCHES = 4
_SINGLES = 50


def accept(lab: Lab) -> Iterator[Figure]:
    """Calls and units per event: alone, in full requests, mixed, and as duplicates."""
    dataset = _provider(lab, "accepting", datasets=1)
    lab.post([samples.created(*dataset[0])])
    alone = samples.uploads(dataset, _SINGLES)
    with lab.meter.measure() as usage:
        for event in alone:
            lab.post([event])
    yield from of_usage(ACCEPTING, "an upload alone", usage, _SINGLES)
    uploads = samples.uploads(dataset, BATCH * _BATCHES)
    mix = samples.mix([(dataset[0][0], f"mixed-{n}") for n in range(5)], BATCH * _BATCHES)
    for name, events in (("an upload", uploads), ("any event", mix)):
        yield from of_usage(ACCEPTING, f"{name} in 100", posting(lab, events), len(events))
    again = posting(lab, uploads)
    yield from of_usage(ACCEPTING, "a duplicate in 100", again, len(uploads))


def count_changes(lab: Lab) -> Iterator[Figure]:
    """Write units per counted change, by how the batch is spread and how big it is; and what they
    were when each change had a marker of its own."""
    full = largest_batch()
    layouts: Sequence[tuple[str, int, int, int, float | None]] = (
        ("1 dataset", 1, 1, BATCH, _MOST_UNITS_OF_ONE_DATASET),
        ("10 datasets of 1 tenant", 1, 10, BATCH, MOST_UNITS_PER_CHANGE),
        ("10 tenants", 10, 1, BATCH, MOST_UNITS_PER_CHANGE),
        ("100 tenants", 100, 1, BATCH, None),
        ("100 tenants", 100, 1, full, None),
        ("1 dataset", 1, 1, 1, None),
    )
    for name, tenants, datasets, size, most in layouts:
        owned = [
            pair
            for n in range(tenants)
            for pair in _provider(lab, f"counted-{size}-{tenants}-{datasets}-{n}", datasets)
        ]
        number = max(size, BATCH * _BATCHES) if size > 1 else _SINGLES
        for way, how in (("", _as_it_is), (", markers of their own", _before)):
            figure = f"{name}, batches of {size:,}{way}"
            usage, counted = _counting(lab, owned, number, size, how)
            goal = None if way else most
            yield Figure(COUNTING, figure, usage.write_units / counted, "write units", goal)
            yield Figure(COUNTING, figure, usage.read_units / counted, "read units")


def _as_it_is(lab: Lab, batch: Sequence[Record]) -> Counted:
    return count(lab.table, batch, lab.now)


def _before(lab: Lab, batch: Sequence[Record]) -> Counted:
    """As it was before changes shared their markers."""
    return count_under(Markers(lab.table, lab.now, None), lab.table, batch, NO_PARTS)


def delete(lab: Lab, small: Provider, large: Provider, sizes: tuple[int, int]) -> Iterator[Figure]:
    """Calls and units of a deletion; a thousand times the objects must cost the same."""
    of_small, of_large = (_deleting(lab, provider) for provider in (small, large))
    yield from of_usage(DELETING, f"{sizes[0]:,} objects", of_small)
    yield from of_usage(DELETING, f"{sizes[1]:,} objects", of_large, at_most=of_small)


def _provider(lab: Lab, tenant_id: str, datasets: int = 1) -> list[tuple[str, str]]:
    lab.tenant(tenant_id)
    return [(tenant_id, f"{tenant_id}-{n}") for n in range(datasets)]


def posting(lab: Lab, events: Sequence[Event]) -> Usage:
    """What it takes to accept events."""
    with lab.meter.measure() as usage:
        lab.post(events)
    return usage


def _counting(
    lab: Lab, datasets: Sequence[tuple[str, str]], number: int, size: int, how: Count
) -> tuple[Usage, int]:
    """What it takes to count so many uploads, delivered in batches of a size."""
    lab.post([samples.created(*dataset) for dataset in datasets])
    lab.count()
    lab.post(samples.uploads(datasets, number))
    changes, counted = lab.changes(), 0
    with lab.meter.measure() as usage:
        for batch in batched(changes, size, strict=False):
            counted += how(lab, batch).counted
    if counted != number:
        raise RuntimeError(f"{counted} of {number} changes were counted")
    return usage, counted


def _deleting(lab: Lab, provider: Provider) -> Usage:
    lab.count()  # whatever still waits
    with lab.meter.measure() as usage:
        lab.post([samples.deleted(provider.tenant_id, provider.dataset_id)])
        lab.count()
    return usage
