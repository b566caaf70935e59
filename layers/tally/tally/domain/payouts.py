"""Payout statements: what a provider earned in a month, and what of it is paid, held or carried.

Everything here is exact: micro-units and fractions; each amount is rounded once, half to even, to
the currency's minor unit, and what can be had by subtraction is not rounded again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from hashlib import sha256

from iso4217 import Currency

from tally.domain.charges import LedgerEntry
from tally.domain.errors import InvalidTransition, PeriodOpen
from tally.domain.instants import Instant, plus
from tally.domain.money import MICROS_PER_UNIT, Micros
from tally.domain.periods import Period, closes_at, month_before, month_of

# After the close, requests from before it may still be writing; none takes this long.
_SETTLES_IN = timedelta(minutes=5)


class PayoutStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"


# A failed payment is tried again; nothing leads out of paid.
_FOLLOWING: Mapping[PayoutStatus, tuple[PayoutStatus, ...]] = {
    PayoutStatus.PENDING: (PayoutStatus.PROCESSING,),
    PayoutStatus.PROCESSING: (PayoutStatus.PAID, PayoutStatus.FAILED),
    PayoutStatus.FAILED: (PayoutStatus.PROCESSING,),
    PayoutStatus.PAID: (),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A dataset's part of a statement: the exact amount, and of how many ledger entries."""

    dataset_id: str
    amount: Micros
    entries: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What a provider is owed for a month in one currency; it never changes.

    `released` is what is paid: never negative. `carried_over` (0 or negative) is what a month of
    more refunds than charges leaves for the next statement, whose `carried_in` it is:
    released + held + carried_over = earnings + carried_in.
    """

    tenant_id: str
    period: Period
    currency: str
    fee_rate: Decimal
    reserve_rate: Decimal
    gross: Micros
    fee: Micros
    held: Micros
    carried_in: Micros
    created_at: Instant
    lines: tuple[Line, ...]

    @property
    def statement_id(self) -> str:
        return statement_id(self.tenant_id, self.period, self.currency)

    @property
    def earnings(self) -> Micros:
        return self.gross - self.fee

    @property
    def released(self) -> Micros:
        return max(0, self._balance)

    @property
    def carried_over(self) -> Micros:
        return min(0, self._balance)

    @property
    def _balance(self) -> Micros:
        return self.earnings - self.held + self.carried_in


def statement_id(tenant_id: str, period: Period, currency: str) -> str:
    """The same for the same provider, month and currency, however often it is made."""
    named = f"{tenant_id}\0{period}\0{currency}"
    return f"pst_{sha256(named.encode()).hexdigest()[:24]}"


def lines_of(entries: Iterable[LedgerEntry]) -> tuple[Line, ...]:
    """A provider's credits of one month and currency, summed by dataset, in dataset order."""
    amounts: dict[str, Micros] = {}
    counts: dict[str, int] = {}
    for entry in entries:
        for dataset_id, amount in entry.lines.items():
            amounts[dataset_id] = amounts.get(dataset_id, 0) + amount
            counts[dataset_id] = counts.get(dataset_id, 0) + 1
    return tuple(Line(name, amounts[name], counts[name]) for name in sorted(amounts))


def make_statement(
    *,
    tenant_id: str,
    period: Period,
    currency: str,
    fee_rate: Decimal,
    reserve_rate: Decimal,
    carried_in: Micros,
    created_at: Instant,
    lines: tuple[Line, ...],
) -> Statement:
    """The statement of these lines. Of a negative month nothing is held; its fee is given back."""
    gross = round_to_minor(Fraction(sum(line.amount for line in lines)), currency)
    return Statement(
        tenant_id=tenant_id,
        period=period,
        currency=currency,
        fee_rate=fee_rate,
        reserve_rate=reserve_rate,
        gross=gross,
        fee=round_to_minor(Fraction(fee_rate) * gross, currency),
        held=max(0, round_to_minor(Fraction(reserve_rate) * gross, currency)),
        carried_in=carried_in,
        created_at=created_at,
        lines=lines,
    )


def round_to_minor(amount: Fraction, currency: str) -> Micros:
    """Micro-units, rounded half to even to the currency's minor unit."""
    minor: int = MICROS_PER_UNIT // 10 ** minor_digits(currency)
    return round(amount / minor) * minor


def minor_digits(currency: str) -> int:
    """Decimals of a currency by ISO 4217: JPY 0, USD 2, KWD 3; 2 for codes that it lacks."""
    try:
        exponent = Currency(currency).exponent
    except ValueError:
        return 2
    return 2 if exponent is None else int(exponent)


def check_ended(period: Period, now: Instant) -> None:
    """PeriodOpen while charges may still post to the month, or be on their way to it."""
    if period >= month_of(now) or now < plus(closes_at(period), _SETTLES_IN):
        raise PeriodOpen(f"The month {period} has not ended yet.", field="period")


def newest_ended(now: Instant) -> Period:
    """The last month that `check_ended` lets pass."""
    month = month_before(month_of(now))
    return month if now >= plus(closes_at(month), _SETTLES_IN) else month_before(month)


def check_transition(present: PayoutStatus, wanted: PayoutStatus) -> None:
    """InvalidTransition unless a statement may go from one status to the other."""
    if wanted not in _FOLLOWING[present]:
        raise InvalidTransition(
            f"A {present} payout cannot become {wanted}; it can become "
            f"{' or '.join(_FOLLOWING[present]) or 'nothing else'}.",
            field="status",
        )
