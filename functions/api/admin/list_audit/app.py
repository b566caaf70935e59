"""GET /v1/admin/audit: who did what to credentials, tenants and payouts, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tally.access.model.scopes import Scope
from tally.audit.model import AuditEntry, Change
from tally.audit.trail import AuditPosition
from tally.audit.trail import list_audit as stored_entries
from tally.http.cursors import Cursors
from tally.http.dependencies import Now, TheTable
from tally.http.endpoint import Endpoint
from tally.http.lists import LIST_ERRORS, Cursor, Limit, cursors_of, fitting
from tally.kernel.instants import for_display

endpoint = Endpoint(Scope.ADMIN, platform_only=True, errors=LIST_ERRORS, rows="entries")

AuditCursors = Annotated[Cursors[AuditPosition], cursors_of("audit", "occurred_at", AuditPosition)]


@dataclass(frozen=True, slots=True)
class AuditActorAnswer:
    """`type`: `api_key`, `session`, `access_token`, `schedule` or `operator`; `id` says which one.
    `tenant_id` is the credential's, `ip_address` where the request came from; null without one."""

    type: str
    id: str
    tenant_id: str | None
    ip_address: str | None


@dataclass(frozen=True, slots=True)
class ChangedValueAnswer:
    """A value before and after; null is none, or the default."""

    old: str | int | None
    new: str | int | None


@dataclass(frozen=True, slots=True)
class AuditEntryAnswer:
    """One deed: `target` is what it was done to, `tenant_id` whose that is. `details` has what else
    there is to know, by name; what was changed, with its old and new value."""

    audit_id: str
    occurred_at: str
    actor: AuditActorAnswer
    action: str
    target: str
    tenant_id: str | None
    details: dict[str, str | int | ChangedValueAnswer | None]


@dataclass(frozen=True, slots=True)
class AuditList:
    """`total` counts all entries that are kept. `next_cursor` is null on the last page."""

    entries: list[AuditEntryAnswer]
    total: int
    next_cursor: str | None


@endpoint.get("/v1/admin/audit")
def list_audit(
    table: TheTable, now: Now, cursors: AuditCursors, limit: Limit = 20, cursor: Cursor = None
) -> AuditList:
    page = stored_entries(table, now, limit=limit, after=cursors.read(cursor))
    entries, last = fitting(page, _answer)
    return AuditList(entries=entries, total=page.total, next_cursor=cursors.write(last))


def _answer(entry: AuditEntry) -> AuditEntryAnswer:
    return AuditEntryAnswer(
        audit_id=entry.audit_id,
        occurred_at=for_display(entry.occurred_at),
        actor=AuditActorAnswer(
            type=entry.actor.type.value,
            id=entry.actor.subject,
            tenant_id=entry.actor.tenant_id,
            ip_address=entry.actor.address,
        ),
        action=entry.deed.value,
        target=entry.target,
        tenant_id=entry.tenant_id,
        details={
            name: ChangedValueAnswer(old=value.old, new=value.new)
            if isinstance(value, Change)
            else value
            for name, value in entry.details.items()
        },
    )


handler = endpoint.handler
