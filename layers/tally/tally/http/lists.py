"""What the lists under /v1 share: the size of a page, and cursors from page to page."""

from __future__ import annotations

from typing import Annotated, Any

from annotated_types import Interval
from aws_lambda_powertools.event_handler import Depends

from tally.aws.secrets import Secret
from tally.http.cursors import Cursors
from tally.http.dependencies import CurrentCaller
from tally.kernel.errors import InvalidCursor, InvalidRequest
from tally.wire.fields import WholeNumber

LIST_ERRORS = (InvalidRequest, InvalidCursor)

Limit = Annotated[WholeNumber, Interval(ge=1, le=100)]
Cursor = str | None

_secret = Secret("CURSOR_SECRET_ARN")


def cursor_secret() -> bytes:
    """What signs the cursors of this stack."""
    return _secret.read()


CursorSecret = Annotated[bytes, Depends(cursor_secret)]


def cursors_of[Position: tuple[str, ...]](
    name: str, sort: str, position: type[Position]
) -> Depends:
    """The dependency that provides the Cursors of one list, for the caller's tenant.

    `position` is the type of a place in the list; `name` and `sort` are signed with every cursor.
    """

    def cursors(caller: CurrentCaller, secret: CursorSecret) -> Cursors[Any]:
        return Cursors(secret, (caller.tenant_id, name, sort), position)

    return Depends(cursors)
