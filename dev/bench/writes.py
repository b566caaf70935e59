"""What it takes to accept an event, to count a change, and to delete a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import batched

from dev.bench import samples
from dev.bench.figures import Figure, of_usage
from dev.bench.lab import BATCH, Lab
from dev.bench.meter import Usage
from dev.bench.reads import Provider
from dev.bench.samples import Event
from tally.counting.engine import count

ACCEPTING = "An accepted event"
COUNTING = "A counted change"
DELETING = "A deleted dataset, accepted and counted"
MOST_UNITS_PER_CHANGE = 2.5
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
    """Write units per counted change, by how the batch is spread and how big it is."""
    layouts = (
        ("1 dataset", _provider(lab, "one", datasets=1)),
        ("10 datasets of 1 tenant", _provider(lab, "many", datasets=10)),
        ("10 tenants", [pair for n in range(10) for pair in _provider(lab, f"one-of-ten-{n}")]),
    )
    for name, datasets in layouts:
        units = _counting(lab, datasets, BATCH * _BATCHES, BATCH)
        figure = f"{name}, batches of {BATCH}"
        yield Figure(COUNTING, figure, units, "write units", MOST_UNITS_PER_CHANGE)
    units = _counting(lab, layouts[0][1], _SINGLES, 1)
    yield Figure(COUNTING, "1 dataset, batches of 1", units, "write units")


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


def _counting(lab: Lab, datasets: Sequence[tuple[str, str]], number: int, size: int) -> float:
    """Write units per change of so many uploads, delivered in batches of a size."""
    lab.post([samples.created(*dataset) for dataset in datasets])
    lab.count()
    lab.post(samples.uploads(datasets, number))
    changes, counted = lab.changes(), 0
    with lab.meter.measure() as usage:
        for batch in batched(changes, size, strict=False):
            counted += count(lab.table, batch, lab.now).counted
    if counted != number:
        raise RuntimeError(f"{counted} of {number} changes were counted")
    return usage.write_units / counted


def _deleting(lab: Lab, provider: Provider) -> Usage:
    lab.count()  # whatever still waits
    with lab.meter.measure() as usage:
        lab.post([samples.deleted(provider.tenant_id, provider.dataset_id)])
        lab.count()
    return usage
