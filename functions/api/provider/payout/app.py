"""GET /v1/provider/payouts/{id}: one payout statement with its lines, as JSON or CSV."""

from __future__ import annotations

from typing import Annotated

from tally.access.model.scopes import Scope
from tally.http.answers import Text
from tally.http.arguments import PathId
from tally.http.cursors import Cursors
from tally.http.dependencies import CurrentCaller, TheRequest, TheTable
from tally.http.endpoint import Endpoint
from tally.http.lists import LIST_ERRORS, Cursor, cursors_of, fit
from tally.http.negotiation import prefers_csv
from tally.http.statements import (
    PayoutDetailAnswer,
    StatementCsv,
    as_csv,
    detail_answer,
    line_answer,
)
from tally.kernel.errors import NotFound
from tally.payouts.reading import LinePosition, get_payout

endpoint = Endpoint(Scope.BILLING_READ, errors=[NotFound, *LIST_ERRORS], varies_by=["Accept"])

PayoutId = Annotated[str, PathId("Payout")]

LineCursors = Annotated[Cursors[LinePosition], cursors_of("payout", "dataset_id", LinePosition)]


@endpoint.get("/v1/provider/payouts/{id}")
def show_payout(
    payout_id: PayoutId,
    request: TheRequest,
    caller: CurrentCaller,
    table: TheTable,
    *,
    cursors: LineCursors,
    cursor: Cursor = None,
) -> PayoutDetailAnswer | StatementCsv:
    after = cursors.within(payout_id).read(cursor)
    detail = get_payout(table, payout_id, after)
    if detail is None or detail.payout.statement.tenant_id != caller.tenant_id:
        raise NotFound(f"Payout {payout_id} does not exist.")
    lines, more = fit(detail.lines, line_answer)
    last = LinePosition(lines[-1].dataset_id) if more else None
    answer = detail_answer(detail, lines, cursors.within(payout_id).write(last))
    if not prefers_csv(request.accept):
        return answer
    link = {"Link": f'<?cursor={answer.next_cursor}>; rel="next"'} if more else {}
    return Text(as_csv(detail, answer), "text/csv; charset=utf-8", link)


handler = endpoint.handler
