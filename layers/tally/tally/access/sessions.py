"""Sessions: what a server with an API key hands to its pages. Nothing of them is stored."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from typing import Protocol

from tally.access.items import tenant_key
from tally.access.model.api_keys import earlier, prefix_of
from tally.access.model.callers import Caller, Proof
from tally.access.model.scopes import Scope
from tally.access.model.sessions import Session, parse_token, write_token
from tally.audit.model import Actor, Deed
from tally.audit.trail import audited
from tally.aws.secrets import Secret, Version
from tally.aws.table import Table
from tally.aws.transactions import Cancelled, named
from tally.kernel.errors import InsufficientScope, NotFound
from tally.kernel.instants import Instant, for_display, plus


class SigningSecret(Protocol):
    """What signs sessions. A token names the version of it that signed."""

    def current(self) -> Version:
        """The version that signs now."""

    def version(self, version_id: str) -> Version | None:
        """None if there is no such version."""


@cache
def session_secret() -> SigningSecret:
    """The secret of this stack."""
    return Secret("SESSION_SECRET_ARN")


def open_session(
    table: Table,
    secret: SigningSecret,
    caller: Caller,
    *,
    scopes: Iterable[Scope],
    lasts: timedelta,
    tenant_id: str | None,
    platform_tenant_id: str,
    now: Instant,
    actor: Actor,
) -> tuple[str, Session]:
    """A session's token and what it grants: for the caller's tenant, unless another is named.

    It never outlives the caller's key. InsufficientScope if the caller may not open it; NotFound if
    there is no such tenant. Only one for another tenant is written down, in the audit trail.
    """
    prefix = prefix_of(caller.subject) if caller.proof is Proof.API_KEY else None
    if prefix is None:
        raise InsufficientScope("Only an API key can open a session; send the request with one.")
    wanted = tuple(dict.fromkeys(scopes))
    tenant_id = tenant_id or caller.tenant_id
    is_foreign = tenant_id != caller.tenant_id
    if is_foreign:
        _check_foreign(caller, wanted, platform_tenant_id)
    for scope in wanted:
        if not caller.may(scope):
            raise InsufficientScope(f"Only a key with the scope {scope} can lend it to a session.")
    expires_at = earlier(plus(now, lasts), caller.expires_at) or now
    session = Session(prefix, tenant_id, wanted, expires_at)
    version = secret.current()
    token = write_token(session, version.version_id, version.value)
    if is_foreign:
        _write_down(table, session, actor, now)
    return token, session


def prove_session(text: str, secret: SigningSecret, now: Instant) -> Session | None:
    """What a token grants, as long as its key is active; None if it is forged or expired."""
    token = parse_token(text)
    version = secret.version(token.version_id) if token else None
    if token is None or version is None:
        return None
    session = token.proven(version.value, version.replaced_at)
    return session if session and now < session.expires_at else None


def _check_foreign(caller: Caller, wanted: Iterable[Scope], platform_tenant_id: str) -> None:
    if caller.tenant_id != platform_tenant_id or not caller.may(Scope.ADMIN):
        raise InsufficientScope(
            f"A session of another tenant needs the scope {Scope.ADMIN} of the platform tenant."
        )
    if Scope.ADMIN in wanted:
        raise InsufficientScope(
            f"A session of another tenant cannot have the scope {Scope.ADMIN}; ask for others."
        )


def _write_down(table: Table, session: Session, actor: Actor, now: Instant) -> None:
    entry = audited(
        table,
        actor,
        Deed.SESSION_OPENED,
        target=session.tenant_id,
        tenant_id=session.tenant_id,
        at=now,
        scopes=" ".join(session.scopes),
        expires_at=for_display(session.expires_at),
    )
    try:
        table.transact([named("tenant", table.must_exist(tenant_key(session.tenant_id))), *entry])
    except Cancelled as cancelled:
        if cancelled.failed("tenant"):
            raise NotFound(f"Tenant {session.tenant_id} does not exist.") from cancelled
        raise
