"""What series cost: how much they add to counting, and to read three years of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import batched
from typing import Any

from dev.bench import samples
from dev.bench.comparison import Record
from dev.bench.figures import Figure
from dev.bench.lab import BATCH, Lab
from dev.bench.samples import Event
from dev.template import largest_batch
from tally.access.model.scopes import Scope
from tally.aws.items import to_item
from tally.counting.engine import count, count_under
from tally.counting.items import AS_OF
from tally.counting.markers import Markers
from tally.counting.parts import NO_PARTS
from tally.kernel.counters import Totals
from tally.kernel.instants import Instant
from tally.ledger.counters import BuyerDay, DatasetDay, ProviderDay
from tally.ledger.items import CREDIT_PREFIX

ADDING = "What series add to counting"
READING = "Three years of a series, day by day, warm"
_MOST_ADDED = 1
_MOST_CALLS, _MOST_READ_UNITS = 8, 20
_DAYS = 1_096
_NEVER: Instant = "9999-12-31T23:59:59.999999999Z"
_OWNERS = tuple(f"bench-seller-{n}" for n in range(10))
_DATASETS = tuple(f"bench-sold-{n}" for n in range(10))
_BUYERS = tuple(f"bench-client-{n}" for n in range(10))
# As long as a UUID.
_TENANT, _DATASET = "t".ljust(36, "0"), "d".ljust(36, "0")
_SOLD = {"search": 51_234_567_890, "retrieval": 1_234_567_890, "refunds": 234_567_890}


def measure(lab: Lab) -> Iterator[Figure]:
    for tenant_id in (*_OWNERS, *_BUYERS, _TENANT):
        lab.tenant(tenant_id)
    owned = [*zip(_OWNERS, _DATASETS, strict=True), (_TENANT, _DATASET)]
    lab.post([samples.created(*each) for each in owned])
    lab.count()
    yield from _add(lab)
    yield from _read(lab)


def _add(lab: Lab) -> Iterator[Figure]:
    """Write units more than a release without series takes for events like these."""
    full = largest_batch()
    kinds: Sequence[tuple[str, Callable[[int], Event]]] = (
        ("a search", lambda n: samples.search(_BUYERS[n], [_DATASETS[n]])),
        ("an access", lambda n: samples.access(_BUYERS[n], _DATASETS[n])),
    )
    for parties, size, most in (
        (1, BATCH, _MOST_ADDED),
        (10, BATCH, None),
        (10, full, _MOST_ADDED),
    ):
        plural = "s" * (parties > 1)
        for kind, make in kinds:
            among = f"among {parties} buyer{plural} and provider{plural}"
            name = f"{kind} {among}, batches of {size:,}"
            units = []
            for count_all in (_without_series, _as_it_is):
                lab.post([make(n % parties) for n in range(size)])
                changes = lab.changes()
                with lab.meter.measure() as usage:
                    count_all(lab, changes, size)
                units.append(usage.write_units / size)
            yield Figure(ADDING, f"{name}, without series", units[0], "write units")
            yield Figure(ADDING, f"{name}: more", units[1] - units[0], "write units", most)


def _as_it_is(lab: Lab, changes: Sequence[Record], size: int) -> None:
    for batch in batched(changes, size, strict=False):
        count(lab.table, batch, lab.now)


def _without_series(lab: Lab, changes: Sequence[Record], size: int) -> None:
    """As before there were any: credits were not counted."""
    before = [
        each
        for each in changes
        if not each["dynamodb"]["Keys"]["SK"]["S"].startswith(CREDIT_PREFIX)
    ]
    for batch in batched(before, size, strict=False):
        markers = Markers(lab.table, lab.now, shared_since=0)
        count_under(markers, lab.table, batch, NO_PARTS, _NEVER)


def _read(lab: Lab) -> Iterator[Figure]:
    today = date.fromisoformat(lab.now[:10])
    first = today - timedelta(days=_DAYS - 1)
    days = [str(first + timedelta(days=n)) for n in range(_DAYS)]
    lab.put(_stored(ProviderDay(_TENANT, "USD", day), _SOLD | {"sales": 54_321}) for day in days)
    lab.put(_stored(DatasetDay(_DATASET, "USD", day), _SOLD | {"sales": 54_321}) for day in days)
    did = {"searches": 54_321, "accesses": 54_321}
    lab.put(_stored(BuyerDay(_TENANT, day), _SOLD | did) for day in days)
    key = lab.new_key(_TENANT, Scope.BILLING_READ)
    for name, path, more in (
        ("a provider's", "/v1/provider/series", {}),
        ("a dataset's", "/v1/provider/series", {"dataset_id": _DATASET}),
        ("a buyer's", "/v1/buyer/series", {}),
    ):
        query = {"from": days[0], "to": days[-1], **more}
        lab.request("GET", path, key, query=query)  # from now on the key is known
        with lab.meter.measure() as usage:
            told = lab.request("GET", path, key, query=query)
        money = "total_spend" if "buyer" in path else "revenue"
        if not all(period[money] for period in told["periods"]):
            raise RuntimeError("not all days were read")
        yield Figure(READING, name, usage.calls, "calls", _MOST_CALLS)
        yield Figure(READING, name, usage.read_units, "read units", _MOST_READ_UNITS)


def _stored(totals: Totals, amounts: Mapping[str, int]) -> Mapping[str, Any]:
    """As large as they become: also repaired."""
    known = {name: n for name, n in amounts.items() if name in totals.FIELDS}
    return to_item(totals.key, known | {AS_OF: 1_775_383_200})
