"""DELETE /v1/agent/activity/searches/query-texts: erases what the caller's tenant searched for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tally.access.model.scopes import Scope
from tally.activity.erasing import request_erasure
from tally.aws.queues import Queue, erasure_tasks
from tally.http.arguments import Provided, Query
from tally.http.dependencies import CurrentActor, CurrentCaller, Now, TheTable
from tally.http.endpoint import Endpoint
from tally.kernel.errors import InvalidRequest
from tally.kernel.instants import Instant, for_display, parse_instant

endpoint = Endpoint(Scope.KEYS_WRITE, errors=[InvalidRequest])

Before = Annotated[Instant, Query(parse_instant)]
ErasureTasks = Annotated[Queue, Provided(erasure_tasks)]


@dataclass(frozen=True, slots=True)
class QueryTextErasure:
    """The texts of searches before this time are erased: hidden from now on, and deleted within
    minutes."""

    before: str


@endpoint.delete("/v1/agent/activity/searches/query-texts", status_code=202)
def erase_query_texts(
    *,
    before: Before,
    caller: CurrentCaller,
    actor: CurrentActor,
    table: TheTable,
    tasks: ErasureTasks,
    now: Now,
) -> QueryTextErasure:
    erased = request_erasure(table, tasks, caller.tenant_id, before=before, now=now, actor=actor)
    return QueryTextErasure(before=for_display(erased))


handler = endpoint.handler
