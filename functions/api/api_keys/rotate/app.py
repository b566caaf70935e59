"""POST /v1/api-keys/{id}/rotate: a new key in the place of another, which works for a while yet."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from tally.access.model.scopes import Scope
from tally.access.rotating import LONGEST_GRACE, USUAL_GRACE
from tally.access.rotating import rotate_api_key as store_rotation
from tally.http.api_keys import ApiKeyId, RotatedApiKeyAnswer, rotated_api_key_answer
from tally.http.bodies import Body
from tally.http.dependencies import CurrentActor, CurrentCaller, Now, TheTable
from tally.http.endpoint import Endpoint
from tally.kernel.errors import KeyNotActive, NotFound

endpoint = Endpoint(Scope.KEYS_WRITE, errors=[NotFound, KeyNotActive])

GraceSeconds = Annotated[int, Field(strict=True, ge=0, le=int(LONGEST_GRACE.total_seconds()))]


class RotationRequest(BaseModel):
    """`grace_seconds` is how long the old key still works, unless it expires before."""

    grace_seconds: GraceSeconds = int(USUAL_GRACE.total_seconds())


@endpoint.post("/v1/api-keys/{id}/rotate", status_code=201)
def rotate_api_key(
    *,
    api_key_id: ApiKeyId,
    caller: CurrentCaller,
    actor: CurrentActor,
    table: TheTable,
    now: Now,
    wanted: Body[RotationRequest | None] = None,
) -> RotatedApiKeyAnswer:
    grace = timedelta(seconds=(wanted or RotationRequest()).grace_seconds)
    text, key = store_rotation(table, caller, api_key_id, grace=grace, now=now, actor=actor)
    return rotated_api_key_answer(text, key, replaces=api_key_id)


handler = endpoint.handler
