"""`tally oidc`: which tenants the clients of the OIDC issuer act for."""

from __future__ import annotations

from argparse import Namespace

from ops.actors import operator
from ops.commands import Commands, add_command, add_group
from ops.deployment import Deployment
from tally.access import clients
from tally.kernel.clock import current_instant
from tally.kernel.instants import for_display


def add_commands(commands: Commands) -> None:
    oidc = add_group(commands, "oidc", "clients of the OIDC issuer, and the tenants they act for")
    command = add_command(oidc, "link", link, "let a client's access tokens stand for a tenant")
    command.add_argument("client", metavar="CLIENT_ID", help="the client's id at the issuer")
    command.add_argument("tenant", metavar="TENANT", help="the tenant's id")
    command = add_command(
        oidc, "unlink", unlink, "take that back; within 30 seconds the tokens are refused"
    )
    command.add_argument("client", metavar="CLIENT_ID", help="the client's id at the issuer")
    add_command(oidc, "list", show_links, "list the linked clients")


def link(deployed: Deployment, arguments: Namespace) -> int:
    """NotFound if there is no such tenant; AlreadyExists if the client is linked to another."""
    made = clients.link_client(
        deployed.table,
        arguments.client,
        arguments.tenant,
        actor=operator(deployed),
        now=current_instant(),
    )
    print(f"Access tokens of {made.client_id} stand for {made.tenant_id}.")
    return 0


def unlink(deployed: Deployment, arguments: Namespace) -> int:
    """NotFound if the client is not linked."""
    was = clients.unlink_client(
        deployed.table, arguments.client, actor=operator(deployed), now=current_instant()
    )
    print(f"Access tokens of {was.client_id} no longer stand for {was.tenant_id}.")
    return 0


def show_links(deployed: Deployment, _: Namespace) -> int:
    links = list(clients.list_links(deployed.table))
    for each in links:
        print(f"{each.client_id}  {each.tenant_id}  since {for_display(each.linked_at)}")
    if not links:
        print("No client is linked.")
    return 0
