"""Statements: what a provider earned in a month, and how much of it is paid, held or carried over.

`fees` rounds each amount once. Amounts that follow by subtraction are not rounded again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256

from tally.access.model.tenants import Tenant
from tally.kernel.instants import Instant
from tally.kernel.money import Micros
from tally.kernel.periods import Period
from tally.payouts.model.carrying import Carried
from tally.payouts.model.fees import held_back, platform_fee, round_to_minor


@dataclass(frozen=True, slots=True)
class Line:
    """One dataset's part of a statement: the exact amount, and the number of ledger entries."""

    dataset_id: str
    amount: Micros
    entries: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What a provider is owed for a month in one currency. It never changes.

    `released` is paid and never negative. `carried_over` is 0 or negative: what the provider still
    owes after a month with more refunds than charges. The next statement or release has it as
    `carried_in`; `number` counts them. It is None for statements from before they were numbered.

    released + held + carried_over = earnings + carried_in
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
    number: int | None = None

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
    """`pst_5e88...`: always the same for the same provider, month and currency."""
    named = f"{tenant_id}\0{period}\0{currency}"
    return f"pst_{sha256(named.encode()).hexdigest()[:24]}"


def lines_of(credited: Iterable[Mapping[str, Micros]]) -> tuple[Line, ...]:
    """A provider's credits of one month and currency, each dataset -> its part; summed by dataset,
    in dataset order."""
    amounts: dict[str, Micros] = {}
    counts: dict[str, int] = {}
    for parts in credited:
        for dataset_id, amount in parts.items():
            amounts[dataset_id] = amounts.get(dataset_id, 0) + amount
            counts[dataset_id] = counts.get(dataset_id, 0) + 1
    return tuple(Line(name, amounts[name], counts[name]) for name in sorted(amounts))


def sum_of(lines: Iterable[Line]) -> Micros:
    """The exact gross of a statement."""
    return sum(line.amount for line in lines)


def next_statement(
    tenant: Tenant,
    period: Period,
    currency: str,
    *,
    exact: Micros,
    carried: Carried,
    created_at: Instant,
) -> Statement:
    """The statement of a month at the tenant's present rates, which takes what it carries."""
    return make_statement(
        tenant_id=tenant.tenant_id,
        period=period,
        currency=currency,
        fee_rate=tenant.fee_rate,
        reserve_rate=tenant.reserve_rate,
        carried_in=carried.amount,
        number=carried.moves + 1,
        created_at=created_at,
        exact=exact,
    )


def make_statement(
    *,
    tenant_id: str,
    period: Period,
    currency: str,
    fee_rate: Decimal,
    reserve_rate: Decimal,
    carried_in: Micros,
    created_at: Instant,
    exact: Micros,
    number: int | None = None,
) -> Statement:
    """The statement of a month whose lines sum to `exact`. The rates apply to the gross after it is
    rounded."""
    gross = round_to_minor(Fraction(exact), currency)
    fee = platform_fee(gross, fee_rate, currency)
    return Statement(
        tenant_id=tenant_id,
        period=period,
        currency=currency,
        fee_rate=fee_rate,
        reserve_rate=reserve_rate,
        gross=gross,
        fee=fee,
        held=held_back(gross, gross - fee, reserve_rate, currency),
        carried_in=carried_in,
        created_at=created_at,
        number=number,
    )
