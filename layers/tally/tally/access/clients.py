"""Clients of the OIDC issuer, linked to the tenants that they act for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from tally.access.items import OIDC_CLIENT_PREFIX, OIDC_CLIENTS_PK, oidc_client_key, tenant_key
from tally.access.model.access_tokens import is_client_id
from tally.audit.model import Actor, Deed
from tally.audit.trail import audited
from tally.aws.table import Table
from tally.aws.transactions import Cancelled, named
from tally.kernel.errors import AlreadyExists, InvalidRequest, NotFound
from tally.kernel.instants import Instant


@dataclass(frozen=True, slots=True)
class ClientLink:
    """Access tokens of the client stand for the tenant, unless they name one themselves."""

    client_id: str
    tenant_id: str
    linked_at: Instant


def link_client(
    table: Table, client_id: str, tenant_id: str, *, actor: Actor, now: Instant
) -> ClientLink:
    """The link, made now or earlier.

    InvalidRequest if no client can have the id; NotFound if the tenant does not exist;
    AlreadyExists if the client is linked to another tenant.
    """
    if not is_client_id(client_id):
        raise InvalidRequest(
            "A client's id has 1 to 128 of A-Z a-z 0-9 . _ ~ : / @ | + = -.", field="client_id"
        )
    link = ClientLink(client_id, tenant_id, now)
    attributes = {"client_id": client_id, "tenant_id": tenant_id, "linked_at": now}
    done = audited(
        table, actor, Deed.OIDC_CLIENT_LINKED, target=client_id, tenant_id=tenant_id, at=now
    )
    try:
        table.transact(
            [
                named("tenant", table.must_exist(tenant_key(tenant_id))),
                table.put_new(oidc_client_key(client_id), attributes),
                *done,
            ]
        )
    except Cancelled as cancelled:
        if cancelled.failed("tenant"):
            raise NotFound(f"Tenant {tenant_id} does not exist.") from cancelled
        there = find_link(table, client_id)
        if there and there.tenant_id == tenant_id:
            return there
        owner = there.tenant_id if there else "another tenant"
        raise AlreadyExists(
            f"Client {client_id} is linked to {owner}; unlink it first.", field="client_id"
        ) from cancelled
    return link


def unlink_client(table: Table, client_id: str, *, actor: Actor, now: Instant) -> ClientLink:
    """The link that was. Its tokens are refused from then on, where one is remembered within 30
    seconds. NotFound if the client is not linked."""
    link = find_link(table, client_id) if is_client_id(client_id) else None
    if link:
        done = audited(
            table,
            actor,
            Deed.OIDC_CLIENT_UNLINKED,
            target=client_id,
            tenant_id=link.tenant_id,
            at=now,
        )
        unlinked = table.delete(
            oidc_client_key(client_id),
            "tenant_id = :tenant_id AND linked_at = :linked_at",
            tenant_id=link.tenant_id,
            linked_at=link.linked_at,
        )
        with suppress(Cancelled):  # somebody else was first
            table.transact([unlinked, *done])
            return link
    raise NotFound(f"Client {client_id} is not linked.")


def find_link(table: Table, client_id: str) -> ClientLink | None:
    """None if the client is not linked. Read consistently, so that an unlinking is seen at once."""
    item = table.get(oidc_client_key(client_id), consistent=True)
    return ClientLink(item["client_id"], item["tenant_id"], item["linked_at"]) if item else None


def list_links(table: Table) -> Iterator[ClientLink]:
    """All of them, by client."""
    for item in table.query(OIDC_CLIENTS_PK, OIDC_CLIENT_PREFIX, consistent=True):
        yield ClientLink(item["client_id"], item["tenant_id"], item["linked_at"])
