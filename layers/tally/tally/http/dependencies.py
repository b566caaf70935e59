"""What a route can ask for in its signature: an id of its path, the caller, the table, the time.

Tests replace the providers by the resolver's `dependency_overrides`.
"""

from __future__ import annotations

import os
from typing import Annotated

from aws_lambda_powertools.event_handler import Depends, Request
from pydantic import AfterValidator

from tally.access.model.callers import Caller
from tally.audit.model import Actor, ActorType
from tally.aws.table import Table, default_table
from tally.kernel.errors import NotFound
from tally.kernel.instants import Instant
from tally.wire.fields import is_id
from tally.wire.json import shortened


def platform_tenant_id() -> str:
    return os.environ["PLATFORM_TENANT_ID"]


def _caller(request: Request) -> Caller:
    caller: Caller = request.context["caller"]
    return caller


def _actor(request: Request) -> Actor:
    caller: Caller = request.context["caller"]
    gateway = request.resolved_event.raw_event.get("requestContext") or {}
    address = (gateway.get("identity") or {}).get("sourceIp")
    return Actor(ActorType(caller.proof), caller.subject, caller.tenant_id, address)


def _now(request: Request) -> Instant:
    now: Instant = request.context["now"]
    return now


# Plain aliases: Powertools does not look into `type` statements.
CurrentCaller = Annotated[Caller, Depends(_caller)]

CurrentActor = Annotated[Actor, Depends(_actor)]
"""The caller as the audit trail names it."""

Now = Annotated[Instant, Depends(_now)]
"""The same instant for the whole request."""

TheTable = Annotated[Table, Depends(default_table)]

PlatformTenantId = Annotated[str, Depends(platform_tenant_id)]


def path_id(noun: str) -> AfterValidator:
    """For the id of a `noun` in a path: what cannot be an id is answered like one that is unknown.

    It might not even fit into a key of the table.
    """

    def check(text: str) -> str:
        if not is_id(text):
            raise NotFound(f"{noun} {shortened(text)} does not exist.")
        return text

    return AfterValidator(check)
