"""The list of tenants, those from before it included, and the commands that show it."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import pytest

from dev.gateway import PLATFORM
from ops.deployment import Deployment
from ops.tenants import index_tenants, show_list, show_tenant
from tally.access.items import listed_tenant_key, tenant_key, tenants_total_key
from tally.access.tenants import change_tenant, ensure_tenant, list_existing, list_tenants
from tally.aws.items import to_item
from tally.aws.table import Table
from tally.kernel.errors import NotFound
from tests.operators import OPERATOR
from tests.world import World

NOTHING = Namespace()


@pytest.fixture
def old(world: World) -> World:
    """A table from before there was a list: tenants platform, acme and north, and no list."""
    for tenant_id in ("acme", "north"):
        world.tenant(tenant_id)
    table, ids = world.table, ["acme", "north", PLATFORM]
    table.transact([table.delete(listed_tenant_key(each)) for each in ids])
    table.transact([table.delete(tenants_total_key())])
    assert listed(table) == ([], 0)
    return world


def listed(table: Table) -> tuple[list[str], int]:
    page = list_tenants(table, limit=100)
    return [tenant.tenant_id for tenant in page.rows], page.total


def deployment(world: World) -> Deployment:
    return Deployment(world.table, {}, None, None)


# -------------------------------------------------------------------- tenants from before


def test_tenants_from_before_are_put_into_the_list(
    old: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert index_tenants(deployment(old), NOTHING) == 0

    assert listed(old.table) == (["acme", "north", PLATFORM], 3)
    added = capsys.readouterr().out.splitlines()
    assert sorted(added[:-1]) == ["acme: added", "north: added", "platform: added"]
    assert added[-1] == "3 tenants, 3 of them were not in the list."


def test_it_may_be_repeated_and_go_on_where_it_was_killed(
    old: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list_existing(old.table, "north")

    for _ in range(2):
        assert index_tenants(deployment(old), NOTHING) == 0

    assert listed(old.table) == (["acme", "north", PLATFORM], 3)
    assert capsys.readouterr().out.endswith("3 tenants, 0 of them were not in the list.\n")


def test_it_is_exact_while_tenants_are_created(old: World) -> None:
    """Before each of its first calls, somebody creates one more; and two run at once."""
    names = iter(f"new-{n}" for n in range(12))
    inside = False

    def create(_: str) -> None:
        nonlocal inside
        if not inside and (name := next(names, None)):
            inside = True
            old.tenant(name)
            list_existing(old.table, "acme")
            inside = False

    with old.on_call(create):
        index_tenants(deployment(old), NOTHING)

    ids, total = listed(old.table)
    assert {"acme", "north", PLATFORM, "new-0", "new-1"} <= set(ids)
    assert total == len(ids) == len(set(ids))
    stored = [item["tenant_id"]["S"] for item in old.items() if item["SK"]["S"] == "TENANT"]
    assert sorted(ids) == sorted(stored)


@pytest.mark.parametrize("wrong", [None, 0, 1, 7])
def test_a_total_that_was_restored_without_its_tenants_is_corrected(
    wrong: int | None, old: World, capsys: pytest.CaptureFixture[str]
) -> None:
    index_tenants(deployment(old), NOTHING)
    table, key = old.table, tenants_total_key()
    table.transact([table.delete(key) if wrong is None else table.put(key, {"tenants": wrong})])
    names = iter(f"new-{n}" for n in range(3))

    def create(call: str) -> None:
        if call == "Query" and (name := next(names, None)):  # while the list is read
            old.tenant(name)

    capsys.readouterr()
    with old.on_call(create):
        index_tenants(deployment(old), NOTHING)

    ids, total = listed(table)
    assert total == len(ids) == 6
    # Each new tenant adds one to what is wrong, until it is corrected.
    assert capsys.readouterr().out.splitlines()[1:] == [
        f"The list's total was {(wrong or 0) + 3} and is 6 now."
    ]


@pytest.mark.parametrize("gone", [["acme"], ["acme", "north"], ["north", PLATFORM]])
def test_places_that_were_restored_without_their_tenants_are_not_shown_and_then_removed(
    gone: list[str], old: World, capsys: pytest.CaptureFixture[str]
) -> None:
    index_tenants(deployment(old), NOTHING)
    table = old.table
    table.transact([table.delete(tenant_key(each)) for each in gone])
    left = [each for each in ("acme", "north", PLATFORM) if each not in gone]

    one_by_one: list[str] = []
    after = None
    while not one_by_one or after:
        page = list_tenants(table, limit=1, after=after)
        one_by_one += [tenant.tenant_id for tenant in page.rows]
        after = page.last
    capsys.readouterr()
    index_tenants(deployment(old), NOTHING)

    assert one_by_one == left
    assert listed(table) == (left, len(left))
    assert capsys.readouterr().out.splitlines()[1:] == [
        *(f"{each}: taken out of the list, since there is no such tenant" for each in gone),
        f"The list's total was 3 and is {len(left)} now.",
    ]
    assert list_existing(table, left[0]) is False
    old.tenant(gone[0])  # its place is free again
    assert listed(table) == (sorted([*left, gone[0]]), len(left) + 1)


def test_what_does_not_exist_is_not_listed(old: World) -> None:
    with old.unchanged(), pytest.raises(NotFound):
        list_existing(old.table, "nobody")


def test_a_tenant_from_before_may_be_changed(world: World) -> None:
    """Its item has neither limits nor a number of changes."""
    attributes = {
        "tenant_id": "old",
        "display_name": "Old",
        "billing_currency": "EUR",
        "fee_rate": "0.30",
        "reserve_rate": "0.10",
        "created_at": world.now,
    }
    item: Any = to_item(tenant_key("old"), attributes)
    world.table.client.put_item(TableName=world.table.name, Item=item)

    for limit in (5, None, 6):
        wanted = {"requests_per_minute": limit}
        changed = change_tenant(world.table, "old", wanted, world.now, OPERATOR)
        assert changed.requests_per_minute == limit

    stored = world.table.get(tenant_key("old"), consistent=True)
    key = {"PK": "TENANT#old", "SK": "TENANT"}
    assert stored == key | attributes | {"requests_per_minute": 6, "changes": 3}


def test_what_is_sure_to_be_there_is_written_once(world: World) -> None:
    ensure_tenant(world.table, "new", "New", world.now, OPERATOR)

    with world.unchanged():
        ensure_tenant(world.table, "new", "Other", world.now, OPERATOR)

    assert listed(world.table) == (["new", PLATFORM], 2)


# ------------------------------------------------------------------------------ commands


def test_the_list_is_shown(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.tenant("acme", display_name="Acme & Sons", billing_currency="EUR")
    for n in range(100):
        world.tenant(f"many-{n:03}")

    assert show_list(deployment(world), NOTHING) == 0

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 102
    assert lines[0] == "acme  EUR  fee 0.30  reserve 0.10  Acme & Sons"


def test_a_tenant_is_shown(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.tenant("acme", requests_per_minute=0)

    assert show_tenant(deployment(world), Namespace(tenant="acme")) == 0

    assert capsys.readouterr().out == (
        "acme\n"
        "  display_name               Acme\n"
        "  billing_currency           USD\n"
        "  fee_rate                   0.30\n"
        "  reserve_rate               0.10\n"
        "  requests_per_minute        0\n"
        "  query_text_retention_days  the stack's default\n"
        "  created_at                 2026-04-05T10:00:00Z\n"
    )


def test_an_unknown_tenant_is_not_shown(world: World) -> None:
    with pytest.raises(NotFound, match="Tenant nobody does not exist"):
        show_tenant(deployment(world), Namespace(tenant="nobody"))
