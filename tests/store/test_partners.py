"""The list of organizations beside events that change it."""

from __future__ import annotations

from tally.partners.organizations import Wanted, list_organizations
from tests.builders import event
from tests.world import World


def test_an_organization_that_is_deleted_while_a_page_is_read_is_left_out(world: World) -> None:
    world.tenant("acme")
    world.send(
        event("organization.created", "2026-04-05T09:00:00Z"),
        event("organization.created", "2026-04-05T09:01:00Z", organization_id="org_2"),
    )

    def delete_between_the_reads(operation: str) -> None:
        if operation == "BatchGetItem" and not deleted:
            deleted.append(True)
            world.send(event("organization.deleted", "2026-04-05T09:02:00Z"))

    deleted: list[bool] = []
    with world.on_call(delete_between_the_reads):
        page = list_organizations(world.table, "acme", Wanted(), page=1, page_size=20)

    assert [each.organization_id for each in page.organizations] == ["org_2"]
