"""The most that one event of each type writes: it must fit into a transaction of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tally.aws import table as tables
from tally.aws.transactions import MAX_TRANSACTION_ACTIONS
from tally.intake import accepting
from tally.intake.accepting import Accepted, Outcome, ingest
from tally.intake.cloudevents import read_event
from tally.intake.registry import EVENT_TYPES
from tally.kernel.events import Door, InvalidEvent
from tests.builders import event, market, told
from tests.world import World

DATASETS = [f"d{n:02}" for n in range(50)]
MAY = "2026-05-10T00:00:00.000000000Z"
OPEN, ENDED = "2026-05-05T00:00:00Z", "2026-03-15T00:00:00Z"


@dataclass
class Watched:
    """A client that notes how many actions each transaction with the mark of an event has."""

    client: Any
    widest: int = 0

    def transact_write_items(self, **arguments: Any) -> Any:
        actions = arguments["TransactItems"]
        if any(is_mark(each["Put"]) for each in actions if "Put" in each):
            self.widest = max(self.widest, len(actions))
        return self.client.transact_write_items(**arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)


def is_mark(put: dict[str, Any]) -> bool:
    return bool(put["Item"]["SK"]["S"] == "EVENT")


@dataclass
class Sender:
    world: World
    actions: dict[str, int] = field(default_factory=dict)

    def send(self, *events: dict[str, Any]) -> Sequence[Outcome]:
        watched: Any = Watched(self.world.table.client)
        table = replace(self.world.table, client=watched)
        door = Door(self.world.now, backfill=True)
        outcomes = ingest(table, [read_event(each, door.now) for each in events], door)
        for name in {each["type"] for each in events}:
            self.actions[name] = max(self.actions.get(name, 0), watched.widest)
        return outcomes


@pytest.fixture
def sender(world: World) -> Sender:
    """ada may buy of 50 providers with a dataset each. It is May, and March has ended."""
    market(world, "acme", "ada", **{f"p{name}": [name] for name in DATASETS})
    world.now = MAY
    return Sender(world)


def search(providers: int, time: str) -> dict[str, Any]:
    """Of 50 datasets, of which so many cost something."""
    data: dict[str, Any] = {
        "tenant_id": "ada",
        "dataset_ids": DATASETS,
        "search_activity_id": f"sa-{providers}",
        "charged_amount": f"{providers / 100:.2f}",
        "allocations": [{"dataset_id": name, "amount": "0.01"} for name in DATASETS[:providers]],
    }
    return told("search.performed", time, **data)


def refund_of(charge: dict[str, Any], time: str) -> dict[str, Any]:
    named = {"source": charge["source"], "id": charge["id"]}
    amount = charge["data"]["charged_amount"]
    return told("charge.refunded", time, tenant_id="ada", charge_event=named, amount=amount)


@pytest.mark.slow
def test_no_event_needs_more_actions_than_a_transaction_holds(sender: Sender) -> None:
    of_dataset = [event(f"dataset.{kind}", OPEN) for kind in ("created", "updated", "deleted")]
    of_object = ["uploaded", "approved", "rejected", "indexed", "deleted"]
    of_organization = [
        event(f"organization.{kind}", OPEN) for kind in ("created", "updated", "deleted")
    ]
    usage = [told("identification.recorded", ENDED), told("usage.recorded", ENDED)]
    imported, now = search(47, ENDED), search(50, OPEN)
    in_order = [
        *of_dataset[:2],
        *(event(f"object.{kind}", OPEN, size_bytes=1) for kind in of_object),
        of_dataset[2],
        event("partner.configured", OPEN, credit_pool_total=1),
        event("organization.created", "2026-01-01T00:00:00Z"),
        *usage,
        *of_organization[1:],
        told("dataset.accessed", ENDED, tenant_id="ada", dataset_id="d00"),
        imported,
        now,
        refund_of(imported, ENDED),
        refund_of(now, OPEN),
    ]

    for each in in_order:
        assert sender.send(each) == [Accepted()], each["type"]

    assert sender.actions == {
        "partner.configured": 2,
        **dict.fromkeys(("dataset.updated", "dataset.deleted"), 3),
        **{f"object.{kind}": 2 for kind in of_object},
        "dataset.created": 4,
        **{f"organization.{kind}": 3 for kind in ("created", "updated", "deleted")},
        **dict.fromkeys(("identification.recorded", "usage.recorded"), 3),
        "dataset.accessed": 5,
        "charge.refunded": 97,
        "search.performed": 99,
    }
    assert sender.actions.keys() == set(EVENT_TYPES)
    assert max(sender.actions.values()) <= MAX_TRANSACTION_ACTIONS


@pytest.mark.slow
def test_history_of_more_providers_is_refused(sender: Sender) -> None:
    """A charge, and the refund of one that was made in an open month."""
    now = search(48, OPEN)
    assert sender.send(now) == [Accepted()]
    message = (
        "time: what is imported into an ended month may concern at most 47 providers; name fewer, "
        "or send it without backfill"
    )

    for each in (search(49, ENDED), refund_of(now, ENDED)):
        (refused,) = sender.send(each)
        assert isinstance(refused, InvalidEvent)
        assert (refused.message, refused.field) == (message, "time")


def test_an_event_that_is_too_wide_is_an_error_and_does_not_wait_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.tenant("acme")
    for module in (accepting, tables):
        monkeypatch.setattr(module, "MAX_TRANSACTION_ACTIONS", 2)

    with pytest.raises(ValueError, match="4 actions do not fit into one transaction"):
        Sender(world).send(event("dataset.created"))
