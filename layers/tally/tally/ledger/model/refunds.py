"""Where a refund is decided: how much of a charge it may give back, and from whose part."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tally.kernel.events import RefundExceedsCharge
from tally.kernel.instants import Instant
from tally.kernel.money import Micros, split_again, to_decimal
from tally.ledger.model.charges import Charge, Part


@dataclass(frozen=True, slots=True)
class ChargeRefunded:
    """All or part of an earlier charge, which (`charge_source`, `charge_id`) names."""

    tenant_id: str
    charge_source: str
    charge_id: str
    amount: Micros
    currency: str
    time: Instant


def refund(charge: Charge, amount: Micros) -> tuple[Charge, tuple[Part, ...]]:
    """The charge after a refund, and the refund's own parts. RefundExceedsCharge if it is too much.

    Pro rata to the parts as they were charged, all refunds taken together, so that a full refund
    leaves nothing, in however many steps.
    """
    if amount > charge.left:
        raise RefundExceedsCharge(
            f"data.amount: at most {to_decimal(charge.left)} {charge.currency} of the charge can "
            "still be refunded.",
            field="data.amount",
        )
    if amount == 0:
        return charge, ()
    charged = {part.dataset_id: part.amount for part in charge.parts}
    shares = split_again(amount, charged, {part.dataset_id: part.refunded for part in charge.parts})
    after = tuple(p._replace(refunded=p.refunded + shares[p.dataset_id]) for p in charge.parts)
    given_back = tuple(
        Part(p.dataset_id, p.provider_id, shares[p.dataset_id]) for p in charge.parts
    )
    return replace(charge, parts=after), given_back
