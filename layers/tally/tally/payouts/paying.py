"""Paying a statement: its status changes step by step, and each change is kept."""

from __future__ import annotations

from tally.audit.model import Actor, Change, Deed
from tally.audit.trail import audited
from tally.aws.table import Table
from tally.aws.transactions import Cancelled
from tally.kernel.errors import NotFound, Unavailable
from tally.kernel.instants import Instant
from tally.payouts.items import (
    Payout,
    StatusChange,
    change_attributes,
    key_of_statement,
    payout_by_id_key,
    payout_status_key,
    statement_from,
)
from tally.payouts.model.statuses import PayoutStatus, check_transition

_ATTEMPTS = 20


def change_status(
    table: Table, statement_id: str, wanted: PayoutStatus, now: Instant, by: Actor
) -> Payout:
    """The payout with its new status, without lines. NotFound, or InvalidTransition."""
    for _ in range(_ATTEMPTS):
        pointer = table.get(payout_by_id_key(statement_id), consistent=True)
        stored = pointer and table.get(key_of_statement(pointer), consistent=True)
        if not stored:
            raise NotFound(f"Payout {statement_id} does not exist.")
        check_transition(PayoutStatus(stored["status"]), wanted)
        number = stored["changes"] + 1
        move = table.update(
            key_of_statement(stored),
            "SET #status = :wanted, changes = :number",
            "changes = :changes",
            names=("status",),
            wanted=wanted.value,
            number=number,
            changes=stored["changes"],
        )
        try:
            change = change_attributes(StatusChange(wanted, now, by.subject))
            note = table.put_new(payout_status_key(statement_id, number), change)
            told = audited(
                table,
                by,
                Deed.PAYOUT_STATUS_CHANGED,
                target=statement_id,
                tenant_id=stored["tenant_id"],
                at=now,
                status=Change(stored["status"], wanted.value),
                period=stored["period"],
                currency=stored["currency"],
            )
            table.transact([move, note, *told])
        except Cancelled:
            continue  # another request changed it: the transition may not be allowed any more
        return Payout(statement_from(stored), wanted)
    raise Unavailable("Other requests keep changing this payout; send the request again.")
