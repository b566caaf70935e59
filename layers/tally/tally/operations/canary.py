"""The canary: a probe every few minutes. What it wrote is removed, or it would pile up for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tally.aws.table import Table
from tally.aws.transactions import MAX_TRANSACTION_ACTIONS
from tally.catalog.reads import ended_epochs
from tally.kernel.events import event_key
from tally.operations.calls import Call, Reply
from tally.operations.probe import EVENTS, Passed, Prober

TENANT_ID = "tally-canary"


def run_canary(prober: Prober) -> Passed:
    """ProbeFailed says what failed. There remain a tenant with a deleted dataset and its counters,
    and the markers of its changes, which expire."""
    sent: list[Mapping[str, Any]] = []
    try:
        return replace(prober, call=_noting(prober.call, sent)).run()
    finally:
        _forget(prober.table, sent)


def _noting(call: Call, sent: list[Mapping[str, Any]]) -> Call:
    """The same calls, with the events that they send noted."""

    def noting(method: str, path: str, api_key: str, body: Any) -> Reply:
        if path == EVENTS:
            sent.append(body)
        return call(method, path, api_key, body)

    return noting


def _forget(table: Table, sent: Sequence[Mapping[str, Any]]) -> None:
    """Remove the marks of events, and the counters of their datasets that deletions have ended."""
    keys = {event_key(event["source"], event["id"]) for event in sent}
    for dataset_id in {event["data"]["dataset_id"] for event in sent}:
        keys |= set(ended_epochs(table, dataset_id))
    if keys:
        table.transact([table.delete(key) for key in sorted(keys)[:MAX_TRANSACTION_ACTIONS]])
