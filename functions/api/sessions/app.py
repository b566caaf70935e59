"""POST /v1/sessions: a short-lived token with some of the key's scopes, for a page or a program."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from tally.access.model.scopes import Scope
from tally.access.model.sessions import LONGEST, SHORTEST, USUAL
from tally.access.sessions import SigningSecret, open_session, session_secret
from tally.http.arguments import Provided
from tally.http.bodies import Body
from tally.http.dependencies import CurrentActor, CurrentCaller, Now, PlatformTenantId, TheTable
from tally.http.endpoint import Endpoint
from tally.kernel.errors import NotFound
from tally.kernel.instants import for_display
from tally.wire.fields import Id

endpoint = Endpoint(None, errors=[NotFound])

SessionSecret = Annotated[SigningSecret, Provided(session_secret)]
TtlSeconds = Annotated[
    int,
    Field(strict=True, ge=int(SHORTEST.total_seconds()), le=int(LONGEST.total_seconds())),
]


class SessionRequest(BaseModel):
    """`tenant_id`: whose data the session is for, if not the caller's."""

    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    ttl_seconds: TtlSeconds = int(USUAL.total_seconds())
    tenant_id: Id | None = None


@dataclass(frozen=True, slots=True)
class SessionAnswer:
    """`session_token` is a bearer token until `expires_at`, or until its key ends."""

    session_token: str
    tenant_id: str
    scopes: list[Scope]
    expires_at: str


@endpoint.post("/v1/sessions", status_code=201)
def create_session(
    *,
    wanted: Body[SessionRequest],
    caller: CurrentCaller,
    actor: CurrentActor,
    table: TheTable,
    secret: SessionSecret,
    platform_tenant_id: PlatformTenantId,
    now: Now,
) -> SessionAnswer:
    token, session = open_session(
        table,
        secret,
        caller,
        scopes=wanted.scopes,
        lasts=timedelta(seconds=wanted.ttl_seconds),
        tenant_id=wanted.tenant_id,
        platform_tenant_id=platform_tenant_id,
        now=now,
        actor=actor,
    )
    return SessionAnswer(
        session_token=token,
        tenant_id=session.tenant_id,
        scopes=list(session.scopes),
        expires_at=for_display(session.expires_at),
    )


handler = endpoint.handler
