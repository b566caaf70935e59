"""GET /v1/provider/payouts/{id}: one payout statement with its lines, as JSON or CSV."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Request

from tally.access.model.scopes import Scope
from tally.http.answers import Text
from tally.http.dependencies import CurrentCaller, TheTable
from tally.http.endpoint import Endpoint
from tally.http.statements import PayoutDetailAnswer, as_csv, detail_answer
from tally.kernel.errors import NotFound
from tally.payouts.reading import get_payout

endpoint = Endpoint(Scope.BILLING_READ, errors=[NotFound])


@endpoint.get("/v1/provider/payouts/<payout_id>")
def show_payout(
    payout_id: str, request: Request, caller: CurrentCaller, table: TheTable
) -> PayoutDetailAnswer | Text:
    detail = get_payout(table, payout_id)
    if detail is None or detail.payout.statement.tenant_id != caller.tenant_id:
        raise NotFound(f"Payout {payout_id} does not exist.")
    answer = detail_answer(detail)
    if "text/csv" in request.headers.get("accept", "").lower():
        return Text(as_csv(answer), "text/csv; charset=utf-8")
    return answer


handler = endpoint.handler
