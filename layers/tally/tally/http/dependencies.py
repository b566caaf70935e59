"""What a route can ask for in its signature: who calls, the table, the time, the request."""

from __future__ import annotations

import os
from operator import attrgetter
from typing import Annotated

from tally.access.model.callers import Caller
from tally.audit.model import Actor, ActorType
from tally.aws.table import Table, default_table
from tally.http.arguments import FromRequest, Provided
from tally.http.requests import Request
from tally.kernel.instants import Instant


def platform_tenant_id() -> str:
    return os.environ["PLATFORM_TENANT_ID"]


def _actor(request: Request) -> Actor:
    caller, gateway = request.caller, request.event.get("requestContext") or {}
    address = (gateway.get("identity") or {}).get("sourceIp")
    return Actor(ActorType(caller.proof), caller.subject, caller.tenant_id, address)


CurrentCaller = Annotated[Caller, FromRequest(attrgetter("caller"))]

CurrentActor = Annotated[Actor, FromRequest(_actor)]
"""The caller as the audit trail names it."""

Now = Annotated[Instant, FromRequest(attrgetter("now"))]
"""The same instant for the whole request."""

TheRequest = Annotated[Request, FromRequest(lambda request: request)]

TheTable = Annotated[Table, Provided(default_table)]

PlatformTenantId = Annotated[str, Provided(platform_tenant_id)]
