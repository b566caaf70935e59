"""What partners agreed to, their billing periods, and what identifications cost them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import inf
from typing import Any, NamedTuple

from tally.kernel.money import Micros
from tally.kernel.versions import Version, VersionedFields, merged
from tally.partners.model.usage import month_after

CREDIT_POOL = "credit_pool"


MONTHLY = "monthly"


class PricingTier(NamedTuple):
    """The price of each identification of a period up to the `max_usage`th; None: of all others.

    `min_usage` is where it begins, for people to read: the former tier's `max_usage` or one more.
    """

    tier: str | int
    price: Micros
    min_usage: int
    max_usage: int | None


@dataclass(frozen=True, slots=True)
class PartnerConfigured:
    """`said` is what it says of the terms; None says that there is none."""

    partner_id: str
    version: Version
    said: Mapping[str, Any]

    @property
    def tenant_id(self) -> str:
        return self.partner_id


@dataclass(frozen=True, slots=True)
class Terms:
    """`currency` is None for that of the partner's tenant."""

    credit_pool_total: int = 0
    billing_mode: str = CREDIT_POOL
    billing_day: int = 1
    tiers: tuple[PricingTier, ...] = ()
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Partner:
    """What was ever configured, the newest of each."""

    partner_id: str
    registers: VersionedFields

    @property
    def terms(self) -> Terms:
        return Terms(
            credit_pool_total=self._now("credit_pool_total") or 0,
            billing_mode=self._now("billing_mode") or CREDIT_POOL,
            billing_day=self._now("billing_day_of_month") or 1,
            tiers=tuple(PricingTier(*tier) for tier in self._now("pricing_tiers") or ()),
            currency=self._now("currency"),
        )

    def apply(self, event: PartnerConfigured) -> Partner:
        return replace(self, registers=merged(self.registers, event.said, event.version))

    def _now(self, name: str) -> Any:
        return self.registers[name].value if name in self.registers else None


class BillingPeriod(NamedTuple):
    """Both days included; the next one begins on `next_date`."""

    first: date
    last: date
    next_date: date


def billing_period(today: date, billing_day: int) -> BillingPeriod:
    """The period that `today` is in, when each begins on a day of the month from 1 to 28."""
    first = today.replace(day=billing_day)
    if first > today:
        first = (today.replace(day=1) - timedelta(days=1)).replace(day=billing_day)
    following = month_after(first).replace(day=billing_day)
    return BillingPeriod(first, following - timedelta(days=1), following)


def available(total: int, used: int) -> int:
    """What is left of a period's credits; they do not roll over."""
    return max(0, total - used)


def arranged(tiers: Sequence[PricingTier]) -> tuple[PricingTier, ...]:
    """The tiers from the first identification on; ValueError where they overlap or leave a gap.

    A tier starts where the one before it ends, or one later: 0-100, 100-500 and 0-100, 101-500 are
    the same tiers. Only the last one may have no end.
    """
    # In 0-0, 0-100 two tiers start at 0: the one that ends first comes first, and is refused.
    in_order = tuple(sorted(tiers, key=lambda t: (t.min_usage, t.max_usage or inf)))
    before: int | None = 0
    for tier in in_order:
        if before is None:
            raise ValueError(
                f"only the last tier may omit max_usage; tier {tier.tier} follows one without it"
            )
        if tier.min_usage not in (before, before + 1):
            raise ValueError(
                f"tiers must not overlap or leave gaps: tier {tier.tier} starts at "
                f"{tier.min_usage}, but must start at {before} or {before + 1}"
            )
        if tier.max_usage is not None and tier.max_usage <= before:
            raise ValueError(
                f"max_usage must be greater than min_usage, which it is not in tier {tier.tier}"
            )
        before = tier.max_usage
    return in_order


def cost(tiers: Sequence[PricingTier], identifications: int) -> Micros:
    """Graduated: each identification at the price of its own tier; beyond the last at its price."""
    total, below = 0, 0
    for tier in tiers:
        is_last = tier is tiers[-1] or tier.max_usage is None
        upto = identifications if is_last else min(identifications, tier.max_usage or 0)
        total += (upto - below) * tier.price
        below = upto
    return total
