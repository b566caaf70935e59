"""Texts from before they had items of their own: moved once, and none that was erased."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from typing import Any

import pytest

from ops.deployment import Deployment
from ops.query_texts import erase_texts, move_all
from tally.activity import moving
from tally.activity.moving import Moved, move_texts
from tally.aws.table import Table
from tally.counting.recount import recount
from tally.kernel.errors import NotFound, Unavailable
from tests.api.activity import SEARCHES, page
from tests.api.texts import erase, holding, keep_for, market, put_from_before, texts
from tests.faults import PLAIN_FAULTS, Crash, Fault, FaultyClient, conflict, rival
from tests.world import World

TEXTS = {f"sa_{n}": f"text number {n}" for n in range(5)}
MIDDLE = "2026-04-05T08:02:00Z"


@pytest.fixture(name="world")
def made_world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """acme searched five times, a minute apart."""
    monkeypatch.setattr(moving, "_AT_ONCE", 2)
    monkeypatch.setattr(moving, "_PAGE", 3)
    market(world)
    for n, (search_id, text) in enumerate(TEXTS.items()):
        put_from_before(world, search_id, f"2026-04-05T08:0{n}:00.000000000Z", text)
    world.deliver()
    return world


@pytest.fixture
def client(world: World) -> FaultyClient:
    return FaultyClient(world.table.client)


@pytest.fixture
def table(world: World, client: Any) -> Table:
    return replace(world.table, client=client)


def test_lists_are_the_same_and_each_text_has_an_item_of_its_own(world: World) -> None:
    before = page(world, SEARCHES)

    assert move_texts(world.table, "acme", world.now) == Moved(5, 0)

    assert page(world, SEARCHES) == before
    stored = {item["SK"]["S"]: item for item in world.items() if "query_text" in item}
    assert len(stored) == 5
    assert all(key.startswith("TEXT#") and "ttl" in stored[key] for key in stored)
    assert world.new_stream_records() == []
    assert recount(world.table, "acme", sleep=lambda _: None) == []
    with world.unchanged():
        assert move_texts(world.table, "acme", world.now) == Moved(0, 0)


def test_what_is_erased_or_too_old_is_dropped(world: World) -> None:
    erase(world, MIDDLE)

    assert move_texts(world.table, "acme", world.now) == Moved(3, 2)

    assert [len(holding(world, text)) for text in TEXTS.values()] == [0, 0, 1, 1, 1]
    assert texts(world) == {**TEXTS, "sa_0": None, "sa_1": None}


def test_a_tenant_with_a_retention_of_its_own(world: World) -> None:
    put_from_before(world, "sa_9", "2026-04-01T08:00:00.000000000Z", "four days old")
    keep_for(world, 2)

    assert move_texts(world.table, "acme", world.now) == Moved(5, 1)


@pytest.mark.parametrize("fault", PLAIN_FAULTS)
@pytest.mark.parametrize("writes", range(3))
def test_a_move_that_dies_anywhere_may_be_repeated(
    world: World, table: Table, client: FaultyClient, writes: int, fault: Fault
) -> None:
    client.after(writes, fault)
    try:
        move_texts(table, "acme", world.now)
    except Crash:
        move_texts(table, "acme", world.now)

    assert texts(world) == TEXTS
    assert [len(holding(world, text)) for text in TEXTS.values()] == [1] * 5


@pytest.mark.parametrize("writes", range(3))
def test_nothing_that_is_erased_meanwhile_comes_back(
    world: World, table: Table, client: FaultyClient, writes: int
) -> None:
    def erased() -> None:
        erase(world, MIDDLE)
        world.do_erasures()

    client.after(writes, rival(erased))
    move_texts(table, "acme", world.now)

    world.wait(seconds=120)
    world.do_erasures()
    assert [len(holding(world, text)) for text in TEXTS.values()] == [0, 0, 1, 1, 1]


def test_who_is_always_overtaken_gives_up(world: World, table: Table, client: FaultyClient) -> None:
    for n in range(200):
        client.after(n, conflict)

    with pytest.raises(Unavailable):
        move_texts(table, "acme", world.now)

    assert texts(world) == TEXTS


def test_a_tenant_that_does_not_exist(world: World) -> None:
    put_from_before(world, "sa_1", "2026-04-05T08:00:00.000000001Z", "x")
    world.table.client.delete_item(
        TableName=world.table.name, Key={"PK": {"S": "TENANT#acme"}, "SK": {"S": "TENANT"}}
    )

    with pytest.raises(NotFound, match="Tenant acme does not exist"):
        move_texts(world.table, "acme", world.now)


def test_the_commands_do_so_for_all_tenants(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.query_texts.current_instant", lambda: world.now)
    deployed = Deployment(world.table, {}, None, None)
    erase(world, MIDDLE)

    assert erase_texts(deployed, Namespace(tenant=["acme"])) == 0
    assert move_all(deployed, Namespace(tenant=[])) == 0

    assert capsys.readouterr().out.splitlines()[-5:] == [
        "acme: 2 deleted",
        "acme: 3 moved, 0 erased or too old",
        "north: 0 moved, 0 erased or too old",
        "platform: 0 moved, 0 erased or too old",
        "rival: 0 moved, 0 erased or too old",
    ]
