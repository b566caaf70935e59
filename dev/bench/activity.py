"""What searches, accesses and refunds cost: to accept them, to count them, and to list them.

The month's registers are known to the process before anything is measured, as they are to all but
the first requests of a month.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import batched

from dev.bench import samples
from dev.bench.comparison import Record, one_by_one
from dev.bench.figures import ALTERNATIVES, Figure, of_usage
from dev.bench.lab import BATCH, Lab
from dev.bench.meter import Usage
from dev.bench.samples import Event
from dev.bench.writes import posting
from dev.stack import LocalStack
from tally.access.model.scopes import Scope
from tally.activity.counters import BuyerTotals
from tally.activity.items import SEARCH_PREFIX, search_key
from tally.counting.engine import count
from tally.kernel.periods import month_of
from tally.ledger.counters import SpendTotals

ACCEPTING = "An accepted search, access or refund"
COUNTING = "A counted change of a buyer's"
# Each charge is in a day of its buyer, its provider and its dataset, and in a month of that.
_MOST_UNITS_PER_CHANGE = 1.5
LISTING = "A page of a buyer's, warm"
_OWNERS = tuple(f"bench-owner-{n}" for n in range(10))
_DATASETS = tuple(f"bench-owned-{n}" for n in range(50))
_BUYERS = tuple(f"bench-buyer-{n}" for n in range(10))
_SEARCHER, _QUIET, _COMPARED = "bench-searcher", "bench-quiet", "bench-compared"
_SPREADS = 1, 2, 10
_ALONE = 10
_PAGE, _PAGES = 20, 50


def measure(stack: LocalStack, lab: Lab) -> Iterator[Figure]:
    """Calls and units, and those of the alternatives."""
    for tenant_id in (*_OWNERS, *_BUYERS, _SEARCHER, _QUIET, _COMPARED):
        lab.tenant(tenant_id)
    owned = zip(_OWNERS * 5, _DATASETS, strict=True)
    lab.post([samples.created(owner, dataset_id) for owner, dataset_id in owned])
    buyers = (*_BUYERS, _SEARCHER, _QUIET, _COMPARED)
    lab.post([samples.search(buyer, _DATASETS[:10]) for buyer in buyers])
    lab.count()
    yield from _accept(lab)
    yield from _count(lab)
    yield from _compare(lab, Lab.on(stack, "bench-changes-one-by-one"))
    yield from _list_searches(lab)
    yield from _list_accesses(lab)
    yield from _sum_spend(lab)


def _accept(lab: Lab) -> Iterator[Figure]:
    with lab.meter.measure() as usage:
        for event in _searches(_BUYERS[:1], _ALONE):
            lab.post([event])
    yield from of_usage(ACCEPTING, "a search of 1 provider alone", usage, _ALONE)
    for spread in _SPREADS:
        usage = posting(lab, _searches(_BUYERS[:1], BATCH, spread))
        name = f"a search of {spread} provider{'s' * (spread > 1)} in {BATCH}"
        yield from of_usage(ACCEPTING, name, usage, BATCH)
    accesses = _accesses(BATCH)
    yield from of_usage(ACCEPTING, f"an access in {BATCH}", posting(lab, accesses), BATCH)
    refunds = posting(lab, [samples.refund(charge) for charge in accesses])
    yield from of_usage(ACCEPTING, f"a refund of 1 provider in {BATCH}", refunds, BATCH)
    lab.count()


def _count(lab: Lab) -> Iterator[Figure]:
    accesses = _accesses(BATCH)
    layouts = (
        ("searches of 1 buyer", _searches(_BUYERS[:1], BATCH)),
        ("searches of 10 buyers", _searches(_BUYERS, BATCH)),
        ("accesses to 10 datasets", accesses),
        ("refunds", [samples.refund(charge) for charge in accesses]),
    )
    for name, events in layouts:
        lab.post(events)
        usage, counted = _counting(lab, lab.changes())
        units = usage.write_units / counted
        yield Figure(COUNTING, f"{BATCH} {name}", units, "write units", _MOST_UNITS_PER_CHANGE)


def _compare(lab: Lab, other: Lab) -> Iterator[Figure]:
    """Counts the same changes again, one transaction each, on a table of their own."""
    totals = [
        BuyerTotals(_COMPARED).key,
        SpendTotals(_COMPARED, month_of(lab.now)).key,
    ]
    before = lab.table.get_many(totals)
    lab.post(_searches([_COMPARED], BATCH))
    changes = lab.changes()
    summed, counted = _counting(lab, changes)
    with other.meter.measure() as singly:
        if one_by_one(other, changes) != counted:
            raise RuntimeError("both ways to count must count the same")
    after, alone = lab.table.get_many(totals), other.table.get_many(totals)
    for key in totals:
        for field, amount in alone[key].items():
            if field not in {"PK", "SK"} and amount != after[key][field] - before[key][field]:
                raise RuntimeError("both ways to count must come to the same")
    units = singly.write_units / counted
    yield Figure(COUNTING, f"{BATCH} searches, each in its own transaction", units, "write units")
    ratio = summed.write_units / singly.write_units
    name = "write units to count searches: summed / one by one"
    yield Figure(ALTERNATIVES, name, ratio, "ratio")


def _list_searches(lab: Lab) -> Iterator[Figure]:
    """The last of many pages must cost what the first costs."""
    lab.post(_searches([_SEARCHER], _PAGE * _PAGES - 1))  # and the one from before
    lab.count()
    pages = _walk(lab, "/v1/agent/activity/searches", _SEARCHER)
    if len(pages) != _PAGES:
        raise RuntimeError(f"{len(pages)} pages, not {_PAGES}")
    first, last = pages[0], pages[-1]
    yield from _page("searches, the first page", first)
    yield from _page(f"searches, page {_PAGES}", last, at_most=first)
    # An offset reads all that it skips.
    partition = search_key(_SEARCHER, "", "").pk
    with lab.meter.measure() as skipping:
        rows = lab.table.query(
            partition, SEARCH_PREFIX, newest_first=True, consistent=True, limit=_PAGE * _PAGES
        )
        if len(list(rows)) != _PAGE * _PAGES:
            raise RuntimeError("not all searches were read")
    name = f"read units of page {_PAGES}: from a cursor / from an offset"
    yield Figure(ALTERNATIVES, name, last.read_units / skipping.read_units, "ratio")


def _list_accesses(lab: Lab) -> Iterator[Figure]:
    lab.post([samples.access(_SEARCHER, dataset_id) for dataset_id in _DATASETS])
    lab.count()
    first, second, _ = _walk(lab, "/v1/agent/activity/accesses", _SEARCHER)
    yield from _page("accesses, the first page", first)
    yield from _page("accesses, the second page", second, at_most=first)


def _sum_spend(lab: Lab) -> Iterator[Figure]:
    (of_quiet,) = _walk(lab, "/v1/buyer/spend", _QUIET)
    (of_searcher,) = _walk(lab, "/v1/buyer/spend", _SEARCHER)
    yield from _page("spend of 1 search", of_quiet)
    yield from _page(f"spend of {_PAGE * _PAGES:,} searches", of_searcher, at_most=of_quiet)


def _page(name: str, usage: Usage, at_most: Usage | None = None) -> Iterator[Figure]:
    """Calls and read units; a page writes nothing."""
    for figure in of_usage(LISTING, name, usage, at_most=at_most):
        if figure.unit != "write units":
            yield figure


def _walk(lab: Lab, path: str, tenant_id: str) -> list[Usage]:
    """What each page of a list takes, in order."""
    key = lab.new_key(tenant_id, Scope.USAGE_READ, Scope.BILLING_READ)
    query = {"limit": str(_PAGE)}
    lab.request("GET", path, key, query=query)  # from now on the key is known
    pages = []
    while True:
        with lab.meter.measure() as usage:
            page = lab.request("GET", path, key, query=query)
        pages.append(usage)
        if not page.get("next_cursor"):
            return pages
        query = query | {"cursor": page["next_cursor"]}


def _searches(buyers: Sequence[str], number: int, providers: int = 1) -> list[Event]:
    """Each of datasets of so many providers, by the buyers in turn."""
    return [samples.search(buyers[n % len(buyers)], _DATASETS[:providers]) for n in range(number)]


def _accesses(number: int) -> list[Event]:
    """By one buyer, to ten datasets in turn."""
    return [samples.access(_BUYERS[0], _DATASETS[n % 10]) for n in range(number)]


def _counting(lab: Lab, changes: Sequence[Record]) -> tuple[Usage, int]:
    """What it takes to count changes in full batches, and how many were counted."""
    counted = 0
    with lab.meter.measure() as usage:
        for batch in batched(changes, BATCH, strict=False):
            counted += count(lab.table, batch, lab.now).counted
    return usage, counted
