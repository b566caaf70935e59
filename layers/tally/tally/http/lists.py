"""What the lists under /v1 share: the size of a page, and cursors from page to page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Annotated, Any

from tally.aws.pages import Page
from tally.aws.secrets import Secret
from tally.http.answers import written
from tally.http.arguments import FromRequest, Query, WholeNumber, plain_text
from tally.http.cursors import Cursors, Secrets
from tally.http.requests import Request
from tally.kernel.errors import InvalidCursor, InvalidRequest

LIST_ERRORS = (InvalidRequest, InvalidCursor)

Limit = Annotated[int, Query(WholeNumber(1, 100))]
Cursor = Annotated[str | None, Query(plain_text)]

MAX_ANSWER_BYTES = 5 * 1024 * 1024
# For all of an answer but its rows.
_AROUND_THE_ROWS = 64 * 1024

_secret = Secret("CURSOR_SECRET_ARN")


def cursor_secrets() -> Secrets:
    """What signs the cursors of this stack, and did before it was rotated."""
    return _secret.read


def cursors_of(name: str, sort: str, position: Callable[..., Any]) -> FromRequest:
    """What makes the Cursors of one list, for the caller's tenant.

    `position` is the type of a place in the list; `name` and `sort` are signed with every cursor.
    """

    def cursors(request: Request) -> Cursors[Any]:
        secrets = request.provide(cursor_secrets)
        return Cursors(secrets, (request.caller.tenant_id, name, sort), position)

    return FromRequest(cursors)


def fitting[Row, Position, Shown](
    page: Page[Row, Position], answer: Callable[[Row], Shown]
) -> tuple[list[Shown], Position | None]:
    """What is shown of a page's rows, and the position after which the next page starts.

    Rows that would make the answer longer than MAX_ANSWER_BYTES are left to the next page.
    """
    answers, _ = fit(page.rows, answer)
    return answers, page.shortened(len(answers)).last


def fit[Row, Shown](
    rows: Iterable[Row], answer: Callable[[Row], Shown]
) -> tuple[list[Shown], bool]:
    """What is shown of the first rows, and whether there are more. At least one is shown.

    Takes one row too far at most, so that rows may be read as they are taken.
    """
    answers: list[Shown] = []
    size = 0
    for shown in map(answer, rows):
        size += _size(shown)
        if answers and size > MAX_ANSWER_BYTES - _AROUND_THE_ROWS:
            return answers, True
        answers.append(shown)
    return answers, False


def _size(answer: object) -> int:
    """Bytes as Lambda hands them over: in JSON, in which the JSON of the answer is a string."""
    text = f"{written(answer)}, "
    return len(json.dumps(text, ensure_ascii=False).encode())
