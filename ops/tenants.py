"""`tally tenants`: the tenants there are, and those that the list of tenants lacks."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from ops.commands import Commands, add_command, add_group
from ops.deployment import Deployment
from tally.access.model.tenants import Tenant
from tally.access.tenants import (
    correct_total,
    get_tenant,
    list_existing,
    list_tenants,
    unlist_missing,
)
from tally.counting.recount import all_tenants
from tally.kernel.errors import NotFound
from tally.kernel.instants import for_display

_PAGE = 100


def add_commands(commands: Commands) -> None:
    tenants = add_group(commands, "tenants", "tenants and their list")
    add_command(tenants, "list", show_list, "list all tenants with their rates")
    command = add_command(tenants, "show", show_tenant, "show all that is stored of a tenant")
    command.add_argument("tenant", help="the tenant's id")
    add_command(
        tenants,
        "index",
        index_tenants,
        "put tenants from before there was a list of tenants into it; may be repeated",
    )


def show_list(deployed: Deployment, _: Namespace) -> int:
    for tenant in _listed(deployed):
        rates = f"fee {tenant.fee_rate:f}  reserve {tenant.reserve_rate:f}"
        print(f"{tenant.tenant_id}  {tenant.billing_currency}  {rates}  {tenant.display_name}")
    return 0


def show_tenant(deployed: Deployment, arguments: Namespace) -> int:
    """NotFound if there is none with that id."""
    tenant = get_tenant(deployed.table, arguments.tenant)
    if tenant is None:
        raise NotFound(f"Tenant {arguments.tenant} does not exist.")
    shown = {
        "display_name": tenant.display_name,
        "billing_currency": tenant.billing_currency,
        "fee_rate": f"{tenant.fee_rate:f}",
        "reserve_rate": f"{tenant.reserve_rate:f}",
        "requests_per_minute": _or_default(tenant.requests_per_minute),
        "query_text_retention_days": _or_default(tenant.query_text_retention_days),
        "created_at": for_display(tenant.created_at),
    }
    print(tenant.tenant_id)
    for name, value in shown.items():
        print(f"  {name:26} {value}")
    return 0


def index_tenants(deployed: Deployment, _: Namespace) -> int:
    """Reads the whole table. Tenants that are created meanwhile are in the list already."""
    found = added = 0
    for tenant_id in all_tenants(deployed.table):
        found += 1
        if list_existing(deployed.table, tenant_id):
            added += 1
            print(f"{tenant_id}: added")
    print(f"{found} tenants, {added} of them were not in the list.")
    for tenant_id in unlist_missing(deployed.table):
        print(f"{tenant_id}: taken out of the list, since there is no such tenant")
    before, total = correct_total(deployed.table)
    if before != total:
        print(f"The list's total was {before} and is {total} now.")
    return 0


def _listed(deployed: Deployment) -> Iterator[Tenant]:
    page = list_tenants(deployed.table, limit=_PAGE)
    yield from page.rows
    while page.last:
        page = list_tenants(deployed.table, limit=_PAGE, after=page.last)
        yield from page.rows


def _or_default(value: int | None) -> str:
    return "the stack's default" if value is None else str(value)
