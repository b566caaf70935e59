"""Letting requests through, or not: a process has a Limiter, and shares windows by the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tally.aws.table import Modified, Table
from tally.aws.transactions import Action
from tally.kernel.errors import Unavailable
from tally.kernel.instants import Instant, to_datetime
from tally.kernel.memory import Memory
from tally.limits.items import window_attributes, window_from, window_key
from tally.limits.model import WINDOW_S, Lease, Opening, Share, leased, next_lease, seen

_MOST_REMEMBERED = 1000
_MOST_REFUSALS = 8
_TRUSTED_FOR_MS = 30_000


class Quota(NamedTuple):
    """A limit, and what is left of the window, as far as this process knows.

    `admitted`: whether the request may go on. `resets_in_s` is 1 to 60; `resets_at_s` counts from
    1970.
    """

    admitted: bool
    limit: int
    remaining: int
    resets_in_s: int
    resets_at_s: int


class _Tenant:
    """What a process remembers of a tenant. A limit of 0 is none."""

    def __init__(self, limit: int, read_at: int) -> None:
        self.limit = limit
        self.read_at = read_at
        self.share: Share | None = None


class Limiter:
    """Counts the requests of tenants that one process answers, one after the other."""

    def __init__(self) -> None:
        self._tenants: Memory[str, _Tenant] = Memory(_MOST_REMEMBERED)

    def count(
        self, table: Table, tenant_id: str, now: Instant, read_limit: Callable[[], int]
    ) -> Quota | None:
        """Count a request; None if the tenant has no limit.

        `read_limit` reads the tenant's limit, 0 for none; it is asked again after 30 seconds.
        Unavailable if the table is: whoever cannot be counted is not let through.
        """
        at = int(to_datetime(now).timestamp() * 1000)
        tenant = self._tenant(tenant_id, at, read_limit)
        limit = tenant.limit
        if not limit:
            return None
        share = _share(table, tenant_id, tenant, at)
        admitted = share.tokens > 0
        if admitted:
            share = share.spent()
        tenant.share = share
        return Quota(
            admitted=admitted,
            limit=limit,
            remaining=share.remaining(limit),
            resets_in_s=min(WINDOW_S, _seconds(share.until - at)),
            resets_at_s=_seconds(share.until),
        )

    def _tenant(self, tenant_id: str, at: int, read_limit: Callable[[], int]) -> _Tenant:
        tenant = self._tenants.get(tenant_id)
        if tenant is None:
            tenant = _Tenant(read_limit(), at)
            self._tenants.put(tenant_id, tenant)
        elif at >= tenant.read_at + _TRUSTED_FOR_MS:
            limit = read_limit()
            if tenant.share and limit < tenant.limit:
                tenant.share = tenant.share.without_tokens()
            tenant.limit, tenant.read_at = limit, at
        return tenant


def _share(table: Table, tenant_id: str, tenant: _Tenant, now: int) -> Share:
    """The tenant's share of the window that is open now; without tokens if that is used up."""
    share = tenant.share
    if share and share.tokens and now < share.until:
        return share
    for refused in range(_MOST_REFUSALS):
        if share and share.used_up(tenant.limit, now):
            return share
        wanted = next_lease(share, tenant.limit, now, refused)
        # What is remembered if the write fails for good.
        tenant.share = share and share.in_doubt()
        modified = _ask(table, tenant_id, wanted)
        if share and modified.attempts > 1:
            share = share.in_doubt()
        window = window_from(modified.item) if modified.item else None
        if window and modified.done:
            return leased(share, window, wanted.block, now)
        share = seen(share, window, now) if window else None
    raise Unavailable("Too many requests at once; send the request again.")


def _ask(table: Table, tenant_id: str, wanted: Opening | Lease) -> Modified:
    if isinstance(wanted, Opening):
        opening = _opening(table, tenant_id, wanted)
        return table.modify(opening, again=opening)
    first, again = (_lease(table, tenant_id, each) for each in (wanted, wanted.again()))
    return table.modify(first, again=again)


def _opening(table: Table, tenant_id: str, wanted: Opening) -> Action:
    """Refused if the open window ends later than the process knows."""
    attributes = window_attributes(wanted.window)
    return table.update(
        window_key(tenant_id),
        f"SET {', '.join(f'#{name} = :{name}' for name in attributes)}",
        "attribute_not_exists(PK) OR #ends_at <= :ended",
        names=[*attributes],
        ended=wanted.ended,
        **attributes,
    )


def _lease(table: Table, tenant_id: str, wanted: Lease) -> Action:
    """Refused if the open window is another one, or has not so much left."""
    condition = "ends_at >= :earliest AND ends_at <= :latest AND leased <= :most_leased"
    bound: dict[str, Any] = {}
    if wanted.most_held is not None:
        condition += " AND held <= :most_held"
        bound["most_held"] = wanted.most_held
    return table.update(
        window_key(tenant_id),
        "ADD leased :block, held :more_held, processes :joins",
        condition,
        earliest=wanted.earliest,
        latest=wanted.latest,
        most_leased=wanted.most_leased,
        block=wanted.block,
        more_held=wanted.more_held,
        joins=wanted.joins,
        **bound,
    )


def _seconds(milliseconds: int) -> int:
    """Whole seconds, rounded up."""
    return -(-milliseconds // 1000)
