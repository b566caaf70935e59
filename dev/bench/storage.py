"""What an event leaves in the table, in the bytes that DynamoDB bills."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dev.bench import samples
from dev.bench.figures import Figure
from dev.bench.lab import Lab
from dev.bench.samples import Event
from dev.bench.units import item_size
from dev.stack import LocalStack
from dev.template import resources
from tally.activity.items import TEXT
from tally.counting.markers import MARKER_LIFETIME

PART = "What an event leaves in the table"
CHANGES = "changes to count"
KEPT = "bytes that stay"
EXPIRES = f"bytes that expire after {MARKER_LIFETIME.days} days"
UPLOAD, SEARCH, ACCESS = "an upload", "a search of 1 provider", "an access"
IDENTIFICATION = "an identification in 100"

_OVERHEAD = 100  # bytes that DynamoDB adds to each item
_TENANT, _DATASET, _ORGANIZATION = "bench-storing", "bench-stored", "org_1"
_EVENTS = 100


def measure(stack: LocalStack) -> Iterator[Figure]:
    """Bytes per event once it is counted: records and marks that stay, markers that expire.

    What the index holds of accesses is not in them.
    """
    lab = Lab.on(stack, "bench-storage")
    lab.tenant(_TENANT)
    lab.post([samples.created(_TENANT, _DATASET), samples.organization(_TENANT, _ORGANIZATION)])
    made: Sequence[tuple[str, Callable[[], Event]]] = (
        (UPLOAD, lambda: samples.uploads([(_TENANT, _DATASET)], 1)[0]),
        (SEARCH, lambda: samples.search(_TENANT, [_DATASET])),
        (ACCESS, lambda: samples.access(_TENANT, _DATASET)),
        (IDENTIFICATION, lambda: samples.identification(_TENANT, _ORGANIZATION)),
    )
    client = stack.client("dynamodb")
    for name, make in made:
        lab.count()
        before = _stored(client, lab.table.name)
        lab.post([make() for _ in range(_EVENTS)])
        yield Figure(PART, name, lab.count().counted / _EVENTS, CHANGES)
        after = _stored(client, lab.table.name)
        for unit in (KEPT, EXPIRES):
            yield Figure(PART, name, (after[unit] - before[unit]) / _EVENTS, unit)


def _stored(client: Any, table_name: str) -> Mapping[str, int]:
    """Bytes of all items, by whether they expire."""
    ((_, table),) = resources("AWS::DynamoDB::Table").items()
    expiry = table["Properties"]["TimeToLiveSpecification"]["AttributeName"]
    stored = {KEPT: 0, EXPIRES: 0}
    for page in client.get_paginator("scan").paginate(TableName=table_name):
        for item in page["Items"]:
            # A query text expires, too, but only after a year or whenever its tenant says.
            expires = expiry in item and TEXT not in item
            stored[EXPIRES if expires else KEPT] += item_size(item) + _OVERHEAD
    return stored
