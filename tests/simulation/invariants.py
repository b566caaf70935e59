"""What must hold in every market, at each commit and when all has come to rest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Any, cast

from tally.access.items import tenant_key
from tally.activity.counters import AccessTotals, BuyerTotals
from tally.aws.items import from_item
from tally.aws.table import Table
from tally.catalog.reads import provider_totals
from tally.counting.items import AS_OF
from tally.counting.parking import list_parked
from tally.counting.recount import OF_RUNS, OF_TENANT, drifts_of, look, stored_counters
from tally.counting.rescue_markers import under_way
from tally.kernel.instants import parse_instant
from tally.kernel.keys import Key
from tally.kernel.periods import month_of
from tally.ledger.books import check_books
from tally.ledger.items import charge_from, entry_from
from tally.ledger.model.entries import EntrySide, LedgerEntry
from tally.ledger.spend import spend_of
from tally.partners.counters import PartnerTotals
from tally.payouts.items import LINES_PREFIX, lines_from, lines_prefix, payout_by_id_key
from tally.payouts.model.statements import statement_id, sum_of
from tally.payouts.model.statuses import PayoutStatus, check_transition
from tally.payouts.runs import list_runs
from tally.payouts.verifying import all_statements, verify
from tests.histories import dashboard
from tests.portfolios import (
    counted,
    counted_of_organizations,
    organizations,
    usage,
    usage_of_organizations,
)
from tests.simulation.erasures import check_texts
from tests.simulation.histories import CATALOG, PARTNERS, TENANTS, Event, Sent
from tests.simulation.items import WireItem
from tests.simulation.lists import check_lists
from tests.simulation.market import Market
from tests.simulation.storage import Images
from tests.spending import BUYERS, OWNERS, Books, shares
from tests.store.books import check_refunds, lines_of
from tests.world import World

_MAY_CHANGE = frozenset({"status", "changes"})


# ------------------------------------------------------------------- at each commit


@dataclass(slots=True)
class Watch:
    """Both sides of every entry are written at once, and what is stated or done stays so."""

    balance: Counter[tuple[str, str]] = field(default_factory=Counter)

    def of_commit(self, changes: Sequence[Images]) -> None:
        touched = set()
        for before, after in changes:
            item = after or before or {}
            kind = item["SK"]["S"].partition("#")[0]
            if kind in ("DEBIT", "CREDIT"):
                assert before is None, f"a ledger entry changed: {before} -> {after}"
                entry = item["entry_id"]["S"], item["currency"]["S"]
                amount = int(item["amount"]["N"])
                self.balance[entry] += amount if kind == "DEBIT" else -amount
                touched.add(entry)
            elif kind in ("PAYOUT", "STATUS") and before is not None:
                assert after is not None, f"gone: {before}"
                assert _fixed(before) == _fixed(after), f"changed: {before} -> {after}"
        for entry in touched:
            assert not self.balance[entry], f"the books do not balance: {entry}"


def _fixed(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in _MAY_CHANGE}


@dataclass(slots=True)
class LinesWatch:
    """All lines of a statement are there when it is, and stay so. Only then others may go."""

    did: Counter[str]
    lines: dict[str, dict[str, WireItem]] = field(default_factory=lambda: defaultdict(dict))
    own: dict[str, str] = field(default_factory=dict)
    """Partition of a statement -> the prefix of its lines."""

    def of_commit(self, changes: Sequence[Images]) -> None:
        for before, after in changes:
            item = after or before or {}
            if item["SK"]["S"].startswith(LINES_PREFIX):
                self._of_lines(before, after)
        for before, after in changes:
            if after and not before and after["SK"]["S"].startswith("PAYOUT#"):
                self._of_statement(after)

    def _of_lines(self, before: WireItem | None, after: WireItem | None) -> None:
        item = after or before or {}
        pk, sk = item["PK"]["S"], item["SK"]["S"]
        if after is None:
            assert pk in self.own, f"gone before the statement: {before}"
            assert not sk.startswith(self.own[pk]), f"gone: {before}"
            del self.lines[pk][sk]
            self.did["lines of other attempts deleted"] += 1
            return
        assert before is None, f"changed: {before} -> {after}"
        self.lines[pk][sk] = after

    def _of_statement(self, stored: WireItem) -> None:
        pk = f"PAYOUT#{stored['statement_id']['S']}"
        self.own[pk] = prefix = lines_prefix(stored["attempt"]["S"])
        items = [item for sk, item in self.lines[pk].items() if sk.startswith(prefix)]
        lines = [each.line for item in items for each in lines_from(from_item(item))]
        found = len(lines), sum_of(lines)
        said = int(stored["line_count"]["N"]), int(stored["exact"]["N"])
        assert found == said, f"a statement without its lines: {said}, {found}: {stored}"
        self.did["statements with lines ahead"] += len(items) > 1


# ------------------------------------------------------------------------ at the end


def check(market: Market) -> None:
    table = market.table
    assert [each.reason for each in list_parked(table)] == [], "changes are still parked"
    check_rescues(market)
    check_counters(market)
    told = accepted(market)
    books = books_of(told)
    ledger = entries_of(market)
    check_ledger(told, books, ledger)
    check_buyers(table, books, ledger)
    check_series(market, books, ledger)
    check_texts(market, told)
    check_lists(market)
    check_catalog(table, [sent.event for sent, _ in told])
    check_portfolios(table, told)
    check_payouts(table, ledger)


def check_rescues(market: Market) -> None:
    """All that are due came to their end."""
    left = [dataset_id for each in TENANTS for dataset_id in under_way(market.table, each)]
    assert not left, f"rescues under way: {left}"


def check_counters(market: Market) -> None:
    """Every counter is what its records add up to."""
    table = market.table
    for name, kinds in [*((tenant, OF_TENANT) for tenant in TENANTS), ("", OF_RUNS)]:
        seen = look(table, kinds, name)
        stored = stored_counters(table, kinds, name, seen, lambda: market.timeline.now)
        drifts = [
            str(d) for totals, each in stored.items() for d in drifts_of(totals, each.item, seen)
        ]
        assert not drifts, "\n".join(["a counter is not what its records say", *drifts])


def accepted(market: Market) -> list[tuple[Sent, str]]:
    """The events that are in the books, by their marks, and when; checked against the answers."""
    memories, found = market.memories, []
    for item in market.database.items():
        if item["SK"]["S"] != "EVENT":
            continue
        mark, content = item["PK"]["S"], item["content"]["S"]
        (sent,) = [each for each, of in memories.sent[mark] if of == content]
        found.append((sent, item["accepted_at"]["S"]))
        if mark in memories.accepted:
            assert memories.accepted[mark] == content, f"another event than accepted: {sent}"
        else:
            assert mark in market.network.orphaned, f"answered as rejected, but accepted: {sent}"
    marks = {item["PK"]["S"] for item in market.database.items() if item["SK"]["S"] == "EVENT"}
    lost = [memories.sent[mark] for mark in memories.accepted.keys() - marks]
    assert not lost, f"accepted, but lost: {lost}"
    return found


def books_of(told: Sequence[tuple[Sent, str]]) -> Books:
    money = ("search.performed", "dataset.accessed", "charge.refunded")
    books = Books()
    for sent, moment in told:
        if sent.event["type"] in money:
            books.take(sent.event, moment)
    return books


def entries_of(market: Market) -> dict[str, list[LedgerEntry]]:
    """Event digest -> its entries."""
    found: dict[str, list[LedgerEntry]] = defaultdict(list)
    for item in market.database.items():
        if item["SK"]["S"].startswith(("DEBIT#", "CREDIT#")):
            entry = entry_from(from_item(item))
            found[entry.posting.entry_id].append(entry)
    for item in market.database.items():
        charge = charge_from(from_item(item)) if item["SK"]["S"] == "EVENT" else None
        if charge:
            assert all(0 <= part.refunded <= part.amount for part in charge.parts), charge
    return found


def check_ledger(
    told: Sequence[tuple[Sent, str]], books: Books, ledger: Mapping[str, Sequence[LedgerEntry]]
) -> None:
    """It holds the entries of the accepted events, to the micro-unit, and no others."""
    expected = books.entries()
    imported = {sent.event["id"]: month_of(at) for sent, at in told if sent.backfill}
    digests = {_digest(event_id): event_id for event_id in expected}
    assert ledger.keys() == digests.keys(), "the ledger is not of the accepted events"
    for digest, entries in ledger.items():
        event_id = digests[digest]
        due = expected[event_id]
        debits = [(e.tenant_id, e.amount) for e in entries if e.side is EntrySide.DEBIT]
        assert debits == [(due.buyer, due.amount)], event_id
        assert {e.posting.kind.value for e in entries} == {due.kind}, event_id
        if due.lines is not None:
            assert lines_of(entries) == due.lines, event_id
        assert sum(lines_of(entries).values()) == due.amount, event_id
        owners = {**OWNERS, **CATALOG}
        for entry in entries:
            assert {owners[dataset] for dataset in entry.lines} <= {entry.tenant_id}, event_id
            months = {due.period}
            if event_id in imported:
                months = {parse_instant(books.accepted[event_id][0]["time"])[:7]}
                if entry.side is EntrySide.CREDIT:
                    months.add(imported[event_id])
            assert entry.period in months, f"{event_id}: posted to {entry.period}, not {months}"
    for charge in books.charges():
        refunds = [ledger[_digest(each["id"])] for each in books.refunds_of(charge["id"])]
        check_refunds(shares(charge), [lines_of(entries) for entries in refunds])


def _digest(event_id: str) -> str:
    return sha256(f"/test\0{event_id}".encode()).hexdigest()


def check_buyers(table: Table, books: Books, ledger: Mapping[str, Sequence[LedgerEntry]]) -> None:
    """Their spend, searches and accesses, as the counters say, are what they did."""
    spent: Counter[tuple[str, str, str]] = Counter()
    for entries in ledger.values():
        for entry in entries:
            if entry.side is EntrySide.DEBIT:
                spent[entry.tenant_id, entry.period, entry.posting.kind.value] += entry.amount
    for buyer in BUYERS:
        for period in {period for _, period, _ in spent}:
            shown = spend_of(table, buyer, period)
            assert shown.search == spent[buyer, period, "search"], (buyer, period)
            assert shown.retrieval == spent[buyer, period, "retrieval"], (buyer, period)
        totals = table.get(BuyerTotals(buyer).key) or {}
        assert totals.get("searches", 0) == len(books.searches(buyer)), f"searches of {buyer}"
        accesses = books.accesses(buyer)
        assert totals.get("accessed_datasets", 0) == len(accesses), f"datasets of {buyer}"
        for dataset, (number, last) in accesses.items():
            row = table.get(AccessTotals(buyer, dataset).key) or {}
            found = row["accesses"], row["last_accessed_at"]
            assert found == (number, parse_instant(last)), f"accesses of {buyer} to {dataset}"


def check_series(market: Market, books: Books, ledger: Mapping[str, Sequence[LedgerEntry]]) -> None:
    """Each amount is on its posting day, and each search and access on the day it happened."""
    due: Counter[tuple[str, str, str]] = Counter()
    for event, moment in books.accepted.values():
        happened = parse_instant(event["time"])
        if event["type"] != "charge.refunded":
            what = "searches" if event["type"] == "search.performed" else "accesses"
            due[f"SPENT#{event['data']['tenant_id']}", happened[:10], what] += 1
        for entry in ledger.get(_digest(event["id"]), ()):
            day = (happened if happened[:7] == entry.period else moment)[:10]
            due.update(_of_series(entry, day))
    found = Counter(
        {
            (item["PK"]["S"], item["SK"]["S"], name): int(value["N"])
            for item in market.database.items()
            if item["PK"]["S"].partition("#")[0] in _SERIES
            for name, value in item.items()
            if "N" in value and name != AS_OF
        }
    )
    wrong = {of: (found[of], due[of]) for of in found.keys() | due.keys() if found[of] != due[of]}
    assert not wrong, f"series (found, due): {wrong}"


_SERIES = ("SPENT", "SOLD", "SOLD-OF", "LINES")


def _of_series(entry: LedgerEntry, day: str) -> Counter[tuple[str, str, str]]:
    """What an entry adds to series."""
    kind, currency = entry.posting.kind.value, entry.posting.currency
    if entry.side is EntrySide.DEBIT:
        return Counter({(f"SPENT#{entry.tenant_id}", day, kind): entry.amount})
    adds: Counter[tuple[str, str, str]] = Counter()
    amounts = {f"SOLD#{entry.tenant_id}": entry.amount}
    amounts |= {f"SOLD-OF#{dataset}": amount for dataset, amount in entry.lines.items()}
    for pk, amount in amounts.items():
        adds[pk, f"{currency}#{day}", kind] += amount
        adds[pk, f"{currency}#{day}", "sales" if amount > 0 else "refunds"] += max(1, -amount)
    for dataset, amount in entry.lines.items():
        line = f"LINES#{entry.tenant_id}", f"{entry.period}#{currency}#{dataset}"
        adds[*line, "amount"] += amount
        adds[*line, "entries"] += 1
    return adds


def check_catalog(table: Table, events: Sequence[Event]) -> None:
    """Providers' totals are those of the datasets and objects that there are."""
    catalog = [e for e in events if e["type"].startswith(("dataset.", "object."))]
    catalog = [e for e in catalog if e["type"] != "dataset.accessed"]
    owners = {**CATALOG, **OWNERS}
    for tenant in dict.fromkeys(owners.values()):
        own = [dataset for dataset, owner in owners.items() if owner == tenant]
        due = dashboard([e for e in catalog if e["data"]["dataset_id"] in own], own)
        stored = provider_totals(table, tenant)
        found = {name: stored.get(name, 0) for name in due}
        assert found == due, f"the catalog of {tenant}"


def check_portfolios(table: Table, told: Sequence[tuple[Sent, str]]) -> None:
    world = cast("World", _Seen(table))
    for partner in PARTNERS:
        own = [s.event for s, _ in told if s.event["data"].get("partner_id") == partner]
        totals = table.get(PartnerTotals(partner).key) or {}
        found = totals.get("organizations", 0), totals.get("active", 0)
        assert found == organizations(own), f"organizations of {partner}"
        assert counted(world, partner) == usage(own), f"usage of {partner}"
        months = counted_of_organizations(world, partner)
        assert months == usage_of_organizations(own), f"usage of {partner}'s organizations"


@dataclass(frozen=True, slots=True)
class _Seen:
    """All that the other tests' helpers use of a world."""

    table: Table


def check_payouts(table: Table, ledger: Mapping[str, Sequence[LedgerEntry]]) -> None:
    """Each provider's month of a run has one statement, equal to the ledger, and well paid."""
    for balance in check_books(table, "2999-01-01T00:00:00.000000000Z", timedelta()):
        assert balance.difference == 0, balance
    due = {
        (entry.tenant_id, entry.period, entry.posting.currency)
        for entries in ledger.values()
        for entry in entries
        if entry.side is EntrySide.CREDIT
    }
    runs = list(list_runs(table))
    for run in runs:
        assert run.is_finished, f"a run is not finished: {run}"
        assert not run.failed, f"a run failed: {run}"
    paid = {run.period for run in runs}
    made = list(all_statements(table))
    assert len(set(made)) == len(made), "two statements of one month"
    expected = {statement_id(*month) for month in due if month[1] in paid}
    assert set(made) == expected, "statements are not those of the months that were paid"
    assert sum(run.generated for run in runs) == len(made), "runs count other statements"
    for each in made:
        difference = verify(table, each)
        assert difference is None, f"payouts verify: {each}: {difference}"
        _check_statuses(table, each)
        _check_lines(table, each)


def _check_lines(table: Table, statement: str) -> None:
    """Attempts that lost have left nothing."""
    items = table.query(payout_by_id_key(statement).pk, LINES_PREFIX)
    attempts = {item["SK"].split("#")[1] for item in items}
    assert len(attempts) == 1, f"lines of other attempts: {statement}: {attempts}"


def _check_statuses(table: Table, statement: str) -> None:
    """One after the other as the rules say, and the last one is the statement's."""
    statuses = [
        PayoutStatus(item["status"]) for item in table.query(f"PAYOUT#{statement}", "STATUS#")
    ]
    for present, wanted in pairwise(statuses):
        check_transition(present, wanted)
    pointer = table.get(Key(f"PAYOUT#{statement}", "PAYOUT")) or {}
    of = f"PAYOUT#{pointer['period']}#{pointer['currency']}"
    stored = table.get(Key(tenant_key(pointer["tenant_id"]).pk, of)) or {}
    assert (stored["status"], stored["changes"]) == (statuses[-1], len(statuses)), statement
