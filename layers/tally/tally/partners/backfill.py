"""What organizations used before their months were counted, from the marks of its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from tally.aws.scanning import scanned
from tally.aws.table import Table
from tally.kernel.counters import Deltas
from tally.kernel.events import MARK_SK
from tally.kernel.instants import Instant
from tally.partners.counters import OrganizationMonth
from tally.partners.items import RECORDED, lone_amounts, recorded_from
from tally.partners.model.usage import Usage, usage_sum

type _Months = dict[OrganizationMonth, Usage]


def marked_usage(
    table: Table, partner_ids: Collection[str], moment: Instant, say: Callable[[str], None]
) -> Iterator[tuple[str, Deltas]]:
    """Partner -> what its organizations' months lack of what was accepted before the moment. No
    entry has it by organization, and nobody counted it when it was accepted.

    The whole table is read; the sums are all that is kept.
    """
    wanted = frozenset(partner_ids)

    def sums(marks: Iterator[Mapping[str, Any]]) -> _Months:
        months: _Months = {}
        for mark in marks:
            if mark.get("partner_id") in wanted and mark["accepted_at"] < moment:
                recorded = recorded_from(mark)
                _add(months, OrganizationMonth.of(recorded), recorded.usage)
        return months

    by_partner: dict[str, _Months] = {}
    for part in scanned(table, MARK_SK, ("accepted_at", *RECORDED), sums, say):
        for month, used in part.items():
            _add(by_partner.setdefault(month.partner_id, {}), month, used)
    for partner_id, months in sorted(by_partner.items()):
        yield partner_id, _deltas(months)


def _add(months: _Months, month: OrganizationMonth, used: Usage) -> None:
    months[month] = usage_sum([months.get(month, Usage()), used])


def _deltas(months: _Months) -> Deltas:
    """Zeros too: they belong to the counters' own record of it."""
    return Counter(
        {
            (month, field): amount
            for month, used in months.items()
            for field, amount in lone_amounts(used).items()
        }
    )
