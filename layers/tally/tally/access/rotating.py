"""Rotating an API key: a new one takes its place, and both work until the grace ends."""

from __future__ import annotations

from datetime import timedelta

from tally.access.api_keys import (
    api_key_of,
    check_maker,
    described,
    listed_key_of,
    put_api_key,
)
from tally.access.issuing import new_api_key
from tally.access.items import api_key_key
from tally.access.model.api_keys import ApiKey, earlier
from tally.access.model.callers import Caller
from tally.audit.model import Actor, Deed
from tally.audit.trail import audited
from tally.aws.table import Table
from tally.aws.transactions import Action, Cancelled, named
from tally.kernel.errors import InsufficientScope, KeyNotActive, Unauthorized, Unavailable
from tally.kernel.instants import Instant, for_display, plus

LONGEST_GRACE = timedelta(days=7)
USUAL_GRACE = timedelta(days=1)

_ATTEMPTS = 5


def rotate_api_key(
    table: Table,
    caller: Caller,
    api_key_id: str,
    *,
    grace: timedelta,
    now: Instant,
    actor: Actor,
) -> tuple[str, ApiKey]:
    """A new key of the same name, scopes and expiry: its text, and what is stored of it.

    The old key lives until the grace ends, and never longer than it would have. NotFound if the
    caller's tenant has no such key; KeyNotActive if it is revoked or expired; InsufficientScope if
    it may more than the caller. The new key does not outlive the caller's; Unauthorized if that was
    revoked meanwhile.
    """
    for _ in range(_ATTEMPTS):
        old = api_key_of(table, caller.tenant_id, api_key_id)
        _check_may_rotate(old, caller, now)
        text, new = new_api_key(
            old.tenant_id,
            name=old.name,
            scopes=old.scopes,
            created_at=now,
            expires_at=earlier(old.expires_at, caller.expires_at),
        )
        ends_at = earlier(old.expires_at, plus(now, grace)) or now
        # The caller's own key is written, and cannot be checked as well in one transaction.
        maker = [] if old.api_key_id == caller.subject else check_maker(table, new, caller)
        entry = _entry(table, actor, old, new, ends_at)
        try:
            table.transact([*maker, *_end(table, old, ends_at), *put_api_key(table, new), *entry])
        except Cancelled as cancelled:
            if cancelled.failed("maker"):
                raise Unauthorized from cancelled
            if not cancelled.failed("old"):
                raise
        else:
            return text, new
    raise Unavailable("The key is being changed by others; send the request again.")


def _check_may_rotate(key: ApiKey, caller: Caller, now: Instant) -> None:
    if not key.is_active(now):
        if key.api_key_id == caller.subject:  # which ended a moment ago
            raise Unauthorized
        raise KeyNotActive(
            f"API key {key.api_key_id} is revoked or expired; issue a new key instead."
        )
    for scope in key.scopes:
        if not caller.may(scope):
            raise InsufficientScope(f"Only a key with the scope {scope} can grant it.")


def _entry(table: Table, actor: Actor, old: ApiKey, new: ApiKey, ends_at: Instant) -> list[Action]:
    return audited(
        table,
        actor,
        Deed.API_KEY_ROTATED,
        target=old.api_key_id,
        tenant_id=old.tenant_id,
        at=new.created_at,
        replaced_by=new.api_key_id,
        ends_at=for_display(ends_at),
        **described(new),
    )


def _end(table: Table, key: ApiKey, ends_at: Instant) -> list[Action]:
    """Let a key expire, if it still is as it was read."""
    unchanged, bound = "attribute_not_exists(expires_at)", {}
    if key.expires_at:
        unchanged, bound = "expires_at = :was", {"was": key.expires_at}
    condition = f"attribute_exists(PK) AND attribute_not_exists(revoked_at) AND {unchanged}"
    return [
        named("old", table.update(item, "SET expires_at = :ends", condition, ends=ends_at, **bound))
        for item in (api_key_key(key.prefix), listed_key_of(key))
    ]
