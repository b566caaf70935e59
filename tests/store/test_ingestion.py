"""Accepting events beside rivals and across crashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tally.intake.accepting import Accepted, Duplicate, Outcome, ingest
from tally.intake.cloudevents import read_event
from tally.kernel.errors import Unavailable
from tally.kernel.events import Door, EventConflict, UnknownDataset
from tally.partners.model.organizations import OrganizationStatus
from tally.partners.organizations import Wanted, list_organizations
from tests.builders import accept, created, event, market, told
from tests.faults import Crash, FaultyClient, conflict, crash_after, crash_before, rival, throttle
from tests.portfolios import usage_entries
from tests.world import World


@pytest.fixture
def client(world: World) -> FaultyClient:
    """The client that all later writes of the world go through."""
    world.tenant("acme")
    post(world, event("dataset.created"), event("object.uploaded", size_bytes=1))
    faulty = FaultyClient(world.table.client)
    stand_in: Any = faulty
    world.table = replace(world.table, client=stand_in)
    return faulty


def post(world: World, *events: dict[str, Any]) -> Sequence[Outcome]:
    return ingest(world.table, [read_event(e, world.now) for e in events], Door(world.now))


def state(world: World) -> tuple[int, int, int]:
    """Approved, rejected and active objects, counted from scratch."""
    world.deliver()
    dashboard = world.get("/v1/provider/dashboard", "acme")
    analytics = world.get("/v1/provider/datasets/dset_1/analytics", "acme")
    return (
        dashboard["objects_approved"],
        dashboard["objects_rejected"],
        analytics["active_object_count"],
    )


def test_two_requests_about_one_object_at_once_both_count(
    world: World, client: FaultyClient
) -> None:
    client.after(0, rival(lambda: post(world, event("object.approved"))))
    assert post(world, event("object.indexed")) == [Accepted()]
    assert state(world) == (1, 0, 1)


def test_the_same_event_in_two_requests_at_once_is_accepted_once(
    world: World, client: FaultyClient
) -> None:
    same = event("object.approved")
    outcomes: list[Outcome] = []
    client.after(0, rival(lambda: outcomes.extend(post(world, same))))
    outcomes += post(world, same)
    assert outcomes == [Accepted(), Duplicate()]
    assert state(world) == (1, 0, 0)


def test_two_requests_that_create_one_dataset_at_once_agree_on_its_owner(
    world: World, client: FaultyClient
) -> None:
    world.tenant("other")
    outcomes: list[Outcome] = []
    mine = event("dataset.created", dataset_id="wanted")
    theirs = event("dataset.created", tenant_id="other", dataset_id="wanted")
    client.after(0, rival(lambda: outcomes.extend(post(world, theirs))))
    (refused,) = post(world, mine)
    assert outcomes == [Accepted()]
    assert getattr(refused, "code", None) == "unknown_dataset"


@pytest.mark.parametrize("fault", [crash_before, crash_after])
def test_a_request_that_died_is_sent_again(world: World, client: FaultyClient, fault: Any) -> None:
    events = [event("object.approved"), event("object.indexed")]
    client.after(0, fault)
    with pytest.raises(Crash):
        post(world, *events)
    survivor = Duplicate() if fault is crash_after else Accepted()
    assert post(world, *events) == [survivor, survivor]
    assert state(world) == (1, 0, 1)


@pytest.mark.parametrize("fault", [throttle, conflict])
def test_what_passes_by_itself_is_tried_again(
    world: World, client: FaultyClient, fault: Any
) -> None:
    for n in range(5):
        client.after(n, fault)
    assert post(world, event("object.rejected")) == [Accepted()]
    assert state(world) == (0, 1, 0)


def test_what_does_not_pass_is_unavailable_and_nothing_is_written(
    world: World, client: FaultyClient
) -> None:
    before = world.items()
    for n in range(1000):
        client.after(n, throttle)
    with pytest.raises(Unavailable):
        post(world, event("object.rejected"))
    assert world.items() == before


def test_a_request_of_a_hundred_events_takes_few_transactions(
    world: World, client: FaultyClient
) -> None:
    events = [event("object.uploaded", object_id=f"o{n}", size_bytes=1) for n in range(100)]
    assert post(world, *events) == [Accepted()] * 100
    assert client.writes == 2


def entered(world: World) -> list[int]:
    """The quantities of acme's usage entries, whose order is that of hashes."""
    return sorted(entry.usage.quantity for entry in usage_entries(world.table, "acme"))


def charge_and_refund() -> tuple[dict[str, Any], dict[str, Any]]:
    charge = event("dataset.accessed", kind="retrieval", charged_amount="1.00", currency="USD")
    of = {"source": charge["source"], "id": charge["id"]}
    return charge, event("charge.refunded", charge_event=of, amount="0.40", currency="USD")


def test_a_refund_and_a_repetition_of_its_charge_in_one_request(
    world: World, client: FaultyClient
) -> None:
    """Both are about one mark; it was read for the refund, so the repetition writes nothing."""
    charge, refund = charge_and_refund()
    post(world, charge)
    before = client.writes
    assert post(world, refund, charge) == [Accepted(), Duplicate()]
    assert client.writes == before + 1


def test_a_refund_under_its_charges_own_id_is_a_conflict(world: World) -> None:
    world.tenant("acme")
    charge, refund = charge_and_refund()
    post(world, event("dataset.created"), charge)
    (outcome,) = post(world, refund | {"id": charge["id"]})
    assert isinstance(outcome, EventConflict)


def test_what_is_accepted_later_in_the_request_was_not_accepted_before(world: World) -> None:
    """Events are decided one after the other: the first of these has nothing to be in conflict
    with, and may be sent again."""
    world.tenant("acme")
    early = event("object.uploaded", id="twice", size_bytes=1)

    outcomes = post(world, early, event("dataset.created"), early)

    assert isinstance(outcomes[0], UnknownDataset)
    assert outcomes[1:] == [Accepted(), Accepted()]


def test_a_hundred_identifications_take_two_transactions_and_an_entry_each(
    world: World, client: FaultyClient
) -> None:
    """A mark each and one sum: what they add to the counters does not grow with them."""
    post(world, *(event("organization.created", organization_id=f"org_{n}") for n in range(10)))
    world.deliver()
    before = client.writes
    events = [event("identification.recorded", organization_id=f"org_{n % 10}") for n in range(100)]

    assert post(world, *events) == [Accepted()] * 100

    assert client.writes == before + 2
    assert entered(world) == [1, 99]
    assert len(world.new_stream_records()) == 2


def test_identifications_of_many_days_are_entered_day_by_day(
    world: World, client: FaultyClient
) -> None:
    post(world, event("organization.created", "2026-03-01T00:00:00Z"))
    before = client.writes
    times = [f"2026-03-{1 + n % 30:02}T12:00:00Z" for n in range(100)]

    assert (
        post(world, *(event("identification.recorded", at) for at in times)) == [Accepted()] * 100
    )

    assert client.writes == before + 2
    assert sum(entered(world)) == 100


def test_the_same_identification_in_two_requests_at_once_is_entered_once(
    world: World, client: FaultyClient
) -> None:
    post(world, event("organization.created"))
    same, other = event("identification.recorded"), event("identification.recorded", quantity=5)
    outcomes: list[Outcome] = []
    client.after(0, rival(lambda: outcomes.extend(post(world, same))))

    outcomes += post(world, same, other)

    assert outcomes == [Accepted(), Duplicate(), Accepted()]
    assert entered(world) == [1, 5]


def test_two_requests_about_one_organization_at_once_both_count(
    world: World, client: FaultyClient
) -> None:
    post(world, event("organization.created", "2026-04-05T09:00:00Z"))
    suspended = event("organization.updated", "2026-04-05T09:10:00Z", status="suspended")
    renamed = event("organization.updated", "2026-04-05T09:20:00Z", name="Renamed")
    client.after(0, rival(lambda: post(world, suspended)))

    assert post(world, renamed) == [Accepted()]

    wanted = Wanted(status=OrganizationStatus.SUSPENDED, search="RENAMED")
    assert list_organizations(world.table, "acme", wanted, page=1, page_size=1).total == 1


# ------------------------------------------------------------------ reading in proportion


@dataclass
class ReadingClient:
    """A client that remembers the keys it reads, and counts the transactions it tries."""

    real: Any
    keys: list[str] = field(default_factory=list)
    transactions: int = 0

    def batch_get_item(self, **arguments: Any) -> Any:
        for request in arguments["RequestItems"].values():
            self.keys += map(str, request["Keys"])
        return self.real.batch_get_item(**arguments)

    def transact_write_items(self, **arguments: Any) -> Any:
        self.transactions += 1
        return self.real.transact_write_items(**arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


def reading(world: World) -> ReadingClient:
    client = ReadingClient(world.table.client)
    stand_in: Any = client
    world.table = replace(world.table, client=stand_in)
    return client


def wide_searches(world: World) -> list[dict[str, Any]]:
    """Ten searches, each of thirty datasets of thirty providers; no two of the same dataset."""
    providers = [f"p{n}" for n in range(30)]
    market(world, "acme", *providers)
    named = [{p: f"{p}-{n}" for p in providers} for n in range(10)]
    for datasets in named:
        owned = {provider: [dataset] for provider, dataset in datasets.items()}
        accept(world, *created(**owned))
    return [
        told("search.performed", dataset_ids=list(datasets.values()), charged_amount="0.60")
        for datasets in named
    ]


@pytest.mark.slow
def test_a_request_reads_each_item_once(world: World) -> None:
    searches = wide_searches(world)
    client = reading(world)

    assert post(world, *searches) == [Accepted()] * 10

    datasets, tenant, announced = 300, 1, 32
    assert len(client.keys) == datasets + tenant + announced
    two_searches_each, announcement = 5, 1
    assert client.transactions == two_searches_each + announcement


@pytest.mark.slow
def test_a_repeated_request_finds_out_at_its_first_transaction(world: World) -> None:
    searches = wide_searches(world)
    post(world, *searches)
    client = reading(world)

    assert post(world, *searches) == [Duplicate()] * 10

    datasets_of_a_call, tenant, marks = 90, 1, 10
    assert len(client.keys) == datasets_of_a_call + tenant + marks
    assert client.transactions == 1


def test_what_a_rival_changed_is_read_again(world: World, client: FaultyClient) -> None:
    """An item that was read for an early event of the request and changed before a later one."""
    early = [event("object.uploaded", object_id=f"o{n}", size_bytes=1) for n in range(50)]
    late = event("object.indexed")
    client.after(1, rival(lambda: post(world, event("object.approved"))))

    assert post(world, *early, late) == [Accepted()] * 51

    assert state(world) == (1, 0, 1)
