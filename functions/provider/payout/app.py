"""GET /v1/provider/payouts/{id}: one statement with its lines, as JSON or, if asked, as CSV."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Request

from tally.domain.errors import NotFound
from tally.domain.scopes import Scope
from tally.http.endpoint import CurrentCaller, Endpoint, Text, TheTable
from tally.http.payouts import PayoutDetailAnswer, as_csv, detail_answer
from tally.store.payouts import get_payout

endpoint = Endpoint(Scope.BILLING_READ)


@endpoint.get("/v1/provider/payouts/<payout_id>")
def show_payout(
    payout_id: str, request: Request, caller: CurrentCaller, table: TheTable
) -> PayoutDetailAnswer | Text:
    detail = get_payout(table, payout_id)
    if detail is None or detail.payout.statement.tenant_id != caller.tenant_id:
        raise NotFound(f"There is no payout {payout_id}.")
    answer = detail_answer(detail)
    if "text/csv" in request.headers.get("accept", "").lower():
        return Text(as_csv(answer), "text/csv; charset=utf-8")
    return answer


handler = endpoint.handler
