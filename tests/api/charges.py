"""Charges and refunds: the events, and what the ledger has of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from tally.ledger.model.entries import EntrySide
from tally.ledger.reads import entries
from tests.api.answers import (
    ingested,
    rejected,
)
from tests.builders import accept, told
from tests.world import World

MONTH = "2026-04"


def charge(world: World, amount: str, **data: Any) -> dict[str, Any]:
    """An accepted search of acme's; the event."""
    search = told("search.performed", charged_amount=amount, **data)
    accept(world, search)
    return search


def refund(of: Mapping[str, Any], amount: str, **data: Any) -> dict[str, Any]:
    named = {"source": of["source"], "id": of["id"]}
    return told("charge.refunded", charge_event=named, amount=amount, **data)


def spent(world: World, tenant_id: str = "acme", month: str = MONTH) -> int:
    """What the buyer's summary says of a month, when it is that month; in micro-units."""
    world.deliver()
    now, world.now = world.now, f"{month}-15T00:00:00.000000000Z"
    total: Decimal = world.get("/v1/buyer/spend", tenant_id)["total_spend"]
    world.now = now
    return int(total * 1_000_000)


def earned(world: World, provider_id: str, month: str = MONTH) -> int:
    """A provider's credits of a month, in micro-units."""
    return sum(e.amount for e in entries(world.table, provider_id, month, EntrySide.CREDIT))


def refused(world: World, sent: Mapping[str, Any], code: str, message: str) -> None:
    """The event is rejected in these words, and nothing is stored."""
    with world.unchanged():
        answered = world.send(sent)

    assert answered == ingested(422, rejected(sent, code, message))


@contextmanager
def nothing_booked(world: World) -> Iterator[None]:
    """Nothing is stored but registers, which are written ahead: of nothing they do no harm."""
    before = booked(world)
    yield
    assert booked(world) == before


def booked(world: World) -> list[dict[str, Any]]:
    return [item for item in world.items() if not item["PK"]["S"].startswith("PERIOD")]


def allocated(*parts: tuple[str, str], charged: str = "0.45") -> dict[str, Any]:
    """A search of dset_1 and dset_2 with these parts."""
    return told(
        "search.performed",
        charged_amount=charged,
        dataset_ids=["dset_1", "dset_2"],
        allocations=[{"dataset_id": dataset_id, "amount": amount} for dataset_id, amount in parts],
    )
