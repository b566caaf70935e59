"""A provider's month in one currency: who has credits in it, and whether a statement closed it.

Its item is `PERIOD#2027-04#0e` / `PROVIDER#acme#USD` with the attributes

- `tenant_id`, `currency`: written before the provider's first credit of the month;
- `imports`: how many transactions imported history after the month had ended; absent before;
- `closing`: true while a statement is made that an import got ahead of before;
- `closed`: the id of the statement that closed the month to imports; absent until then.

A statement is made from the ledger as it was read. So the transaction that writes it requires the
same `imports` as before that read, and an import requires that `closed` is absent: one of two
rivals fails and starts again. A statement that failed sets `closing`, which imports respect too, or
a long import would let it read the ledger again and again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tally.aws.table import Table
from tally.aws.transactions import Action, Cancelled
from tally.kernel.keys import Key
from tally.kernel.periods import Period
from tally.ledger.items import (
    PROVIDER_PREFIX,
    provider_month_key,
    provider_month_places,
    register_pks,
)

type Item = Mapping[str, Any]


class ProviderMonth(NamedTuple):
    """What one statement covers."""

    tenant_id: str
    period: Period
    currency: str

    @property
    def key(self) -> Key:
        """`PERIOD#2027-04#0e` / `PROVIDER#acme#USD`"""
        return provider_month_key(self.period, self.tenant_id, self.currency)


def announcement(month: ProviderMonth) -> dict[str, Any]:
    """The attributes that say that the provider has, or will have, credits in the month.

    They never change. Set them one by one, never put the item: it may have been counted or closed.
    """
    return {"tenant_id": month.tenant_id, "currency": month.currency}


def count_import(table: Table, month: ProviderMonth) -> Action:
    """Count a transaction that imports history into the month; fails if the month is closed."""
    return table.update(
        month.key,
        "ADD imports :one SET tenant_id = :tenant_id, currency = :currency",
        "attribute_not_exists(closed) AND attribute_not_exists(closing)",
        one=1,
        **announcement(month),
    )


def imports_of(item: Item | None) -> int | None:
    """How many imports the month has counted, for `close`; None if there was none."""
    return item.get("imports") if item else None


def is_closed(item: Item | None) -> bool:
    """Whether a statement closed the month, or is about to; then history posts to the open one."""
    return item is not None and ("closed" in item or "closing" in item)


def stop_imports(table: Table, month: ProviderMonth) -> None:
    """Let no more history into the month, for the statement that is about to be made of it."""
    stop = table.update(
        month.key,
        "SET closing = :true, tenant_id = :tenant_id, currency = :currency",
        "attribute_not_exists(closed)",
        true=True,
        **announcement(month),
    )
    try:
        table.transact([stop])
    except Cancelled:
        return  # another run made the statement


def close(
    table: Table, month: ProviderMonth, imports_as_read: int | None, statement_id: str
) -> Action:
    """Close the month to imports; fails if history was imported since it was read."""
    unchanged = "attribute_not_exists(imports)"
    bound: dict[str, Any] = {}
    if imports_as_read is not None:
        unchanged, bound = "imports = :imports", {"imports": imports_as_read}
    return table.update(
        month.key,
        "SET closed = :closed, tenant_id = :tenant_id, currency = :currency REMOVE closing",
        unchanged,
        closed=statement_id,
        **announcement(month),
        **bound,
    )


def months_of(table: Table, period: Period) -> Iterator[ProviderMonth]:
    """Every provider and currency that may have credits in a month, once."""
    items = _items_of(table, period, "tenant_id", "currency")
    named = ((item["tenant_id"], item["currency"]) for item in items)
    for tenant_id, currency in dict.fromkeys(named):
        yield ProviderMonth(tenant_id, period, currency)


def months_of_provider(table: Table, tenant_id: str, period: Period) -> Iterator[ProviderMonth]:
    """The months of one provider, one for each currency in which it may have credits."""
    found = (
        item["currency"]
        for first in provider_month_places(period, tenant_id)
        for item in table.query(first.pk, first.sk, attributes=["currency"], consistent=True)
    )
    for currency in dict.fromkeys(found):
        yield ProviderMonth(tenant_id, period, currency)


def statements_of(table: Table, period: Period) -> Iterator[str]:
    """The ids of the statements that closed a month."""
    for item in _items_of(table, period, "closed"):
        if "closed" in item:
            yield item["closed"]


class Closed(NamedTuple):
    """A month that a statement closed, and the number of the register's partition that has it."""

    month: ProviderMonth
    part: int


def closed_months(
    table: Table, period: Period, after: Closed | None = None, *, page: int
) -> Iterator[Closed]:
    """In the order in which the register has them, behind one; `page` are read at once."""
    behind = after and after.month.key.sk
    for part, pk in enumerate(register_pks(period)):
        if after and part < after.part:
            continue
        for item in table.query(pk, PROVIDER_PREFIX, after=behind, page=page, consistent=True):
            if "closed" in item:
                yield Closed(ProviderMonth(item["tenant_id"], period, item["currency"]), part)
        behind = None


def _items_of(table: Table, period: Period, *attributes: str) -> Iterator[dict[str, Any]]:
    for pk in register_pks(period):
        yield from table.query(pk, PROVIDER_PREFIX, attributes=attributes, consistent=True)
