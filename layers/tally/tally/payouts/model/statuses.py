"""The status of a statement's payment, and which status may follow which."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from tally.kernel.errors import InvalidTransition


class PayoutStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"


# A failed payment may be tried again. A paid one is final.
_FOLLOWING: Mapping[PayoutStatus, tuple[PayoutStatus, ...]] = {
    PayoutStatus.PENDING: (PayoutStatus.PROCESSING,),
    PayoutStatus.PROCESSING: (PayoutStatus.PAID, PayoutStatus.FAILED),
    PayoutStatus.FAILED: (PayoutStatus.PROCESSING,),
    PayoutStatus.PAID: (),
}


def check_transition(present: PayoutStatus, wanted: PayoutStatus) -> None:
    """InvalidTransition unless a payout may go from `present` to `wanted`."""
    if wanted not in _FOLLOWING[present]:
        raise InvalidTransition(
            f"A {present} payout cannot become {wanted}; it can become "
            f"{' or '.join(_FOLLOWING[present]) or 'nothing else'}.",
            field="status",
        )
