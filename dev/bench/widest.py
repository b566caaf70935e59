"""The requests that take longest: the widest that the API allows, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from dev.bench import samples
from dev.bench.end_to_end import request_data
from dev.bench.figures import Figure
from dev.bench.samples import Event
from dev.stack import LocalStack
from tally.access.first_keys import FirstKeys
from tally.intake.cloudevents import MAX_EVENTS

PART = "The widest requests"
MOST_S = 10
_BUYER = "wide-buyer"
_PROVIDERS = tuple(f"wide-{n}" for n in range(50))


def measure(stack: LocalStack, keys: FirstKeys) -> Iterator[Figure]:
    """100 searches over 50 providers each, no two of one dataset; their refunds; repetitions."""
    for tenant_id in (_BUYER, *_PROVIDERS):
        kept = {"query_text_retention_days": samples.TEXTS_KEPT_DAYS}
        tenant = {"tenant_id": tenant_id, "display_name": tenant_id, **kept}
        request_data(stack, "POST", "/v1/admin/tenants", keys.admin_key, tenant)
    named = [[(p, f"{p}-{n}") for p in _PROVIDERS] for n in range(MAX_EVENTS)]
    for datasets in named:
        _seconds(stack, keys, [samples.created(*dataset) for dataset in datasets])
    searches = [
        samples.search(_BUYER, [dataset_id for _, dataset_id in datasets]) for datasets in named
    ]
    refunds = [samples.refund(search) for search in searches]
    requests = {
        "100 searches over 50 providers each": searches,
        "the same searches again": searches,
        "100 refunds of 50 parts each": refunds,
        "the same refunds again": refunds,
    }
    for name, events in requests.items():
        yield Figure(PART, name, _seconds(stack, keys, events), "seconds", MOST_S)


def _seconds(stack: LocalStack, keys: FirstKeys, events: Sequence[Event]) -> float:
    begun = time.monotonic()
    answer = request_data(stack, "POST", "/v1/events", keys.events_key, events)
    if answer["rejected"]:
        raise RuntimeError(f"rejected: {answer['results'][0]}")
    return time.monotonic() - begun
