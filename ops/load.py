"""`make load`: many clients, duplicates and killed workers; then every number is compared.

Sends the events of a made-up market to a stack of its own, and ends with exit status 1 if Tally
tells anything else than what was sent.
"""

from __future__ import annotations

import argparse
import http.client
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from json import loads
from pathlib import Path
from random import Random
from typing import Any

from ops import first_keys, market
from ops.books import check_books
from ops.errors import OpsError, exit_status
from ops.first_keys import FirstKeys
from ops.market import Event, Market, Truth
from ops.own_stack import DeployedStack, own_stack
from ops.recount import recount
from tally.domain.charges import EntrySide
from tally.domain.instants import to_instant
from tally.store.ledger import entries
from tally.store.table import Table

_BATCH_SIZES = 1, 7, 40, 100, 100
_MOST_TRIES = 50
_PASSES_BY_ITSELF = 502, 503, 504
_SAYS_WHAT_BECAME = 202, 207, 422
_COUNTING = "CountFunction"
_WORKER_PATIENCE_S = 60
# Longer than it takes to start a worker and to deliver a batch again.
_QUIET_S = 30

type Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Load:
    """What to send and how: `duplicates` are percent of the events, and come on top of them."""

    events: int
    clients: int
    duplicates: float
    kills: int
    seed: int


@dataclass(slots=True)
class Outcome:
    """`sent` counts an event each time that it was sent; `again`: requests repeated, by reason."""

    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    kills: int = 0
    again: Counter[str] = field(default_factory=Counter)
    seconds_sending: float = 0
    seconds_counting: float = 0
    differences: list[str] = field(default_factory=list)


def run(stack: DeployedStack, keys: FirstKeys, load: Load, say: Say) -> Outcome:
    """Send everything, wait until nothing moves any more, and compare."""
    random = Random(load.seed)  # noqa: S311  a load that can be repeated is no secret
    made = market.make(f"load{load.seed}", load.events, random, datetime.now(UTC))
    expected = market.truth(made)
    asking = _Asking(stack, keys.admin_key, made, expected)
    asking.meet_the_tenants()

    sending = _Sending(stack, keys.events_key, load, random, say)
    begun = time.monotonic()
    for number, events in enumerate(made.phases, 1):
        sending.send(f"phase {number} of {len(made.phases)}", events)
    sent_at = time.monotonic()
    say("All is sent; the counting catches up")
    counted_at = _settled(asking.counted_otherwise)

    say("Comparing")
    outcome = sending.outcome
    outcome.seconds_sending = sent_at - begun
    outcome.seconds_counting = counted_at - sent_at
    table = Table(stack.client("dynamodb"), stack.table_name)
    outcome.differences = [
        *sending.answered_otherwise(),
        *asking.counted_otherwise(),
        *asking.listed_otherwise(),
        *_posted_otherwise(table, made, expected),
        *_unbalanced(table),
        *(str(drift) for tenant_id in made.currencies for drift in recount(table, tenant_id)),
    ]
    return outcome


@dataclass(slots=True)
class _Sending:
    """Sends phase by phase, and kills workers at even distances on the way."""

    stack: DeployedStack
    key: str
    load: Load
    random: Random
    say: Say
    outcome: Outcome = field(default_factory=Outcome)
    answers: dict[str, Counter[str]] = field(default_factory=dict)
    _known: list[Event] = field(default_factory=list)
    _answered: int = 0
    _said_at: float = field(default_factory=time.monotonic)

    def send(self, phase: str, events: Sequence[Event]) -> None:
        """All events and their duplicates; back when all are answered."""
        self._known += events
        self.answers |= {event["id"]: Counter() for event in events}
        batches = list(self._batches(events))
        with ThreadPoolExecutor(self.load.clients) as clients:
            for results, in_vain in clients.map(self._post, batches):
                self._answered += len(results)
                self.outcome.sent += len(results) * (1 + len(in_vain))
                self.outcome.again.update(in_vain)
                for result in results:
                    self._take(result)
                self._kill()
                if time.monotonic() > self._said_at + 5:
                    self._said_at = time.monotonic()
                    kills = self.outcome.kills
                    self.say(f"{phase}: {self._answered:,} answered, {kills} workers killed")

    def answered_otherwise(self) -> Iterator[str]:
        """Events that were not accepted, or twice."""
        for event_id, answers in self.answers.items():
            # Whoever has to repeat a request may never see the first answer.
            accepted = answers["accepted"] or bool(self.outcome.again and answers["duplicate"])
            if accepted != 1 or answers.keys() - {"accepted", "duplicate"}:
                yield f"event {event_id} is not accepted once, its answers are {dict(answers)}"

    def _batches(self, events: Sequence[Event]) -> Iterator[Sequence[Event]]:
        """Each event, and some twice: half of these among others, of earlier phases too, and half
        with their batch."""
        twice = round(len(events) * self.load.duplicates / 100)
        queue = [*events, *self.random.sample(self._known, twice // 2)]
        self.random.shuffle(queue)
        batches = []
        while queue:
            size = self.random.choice(_BATCH_SIZES)
            batches.append(queue[:size])
            del queue[:size]
        left = twice - twice // 2
        repeated: dict[int, Sequence[Event]] = {}
        for place in self.random.sample(range(len(batches)), len(batches)):
            repeated[place] = batches[place][:left]
            left -= len(repeated[place])
        for place, batch in enumerate(batches):
            yield batch
            if repeated[place]:  # while another client is at the same batch
                yield repeated[place]

    def _post(self, batch: Sequence[Event]) -> tuple[Sequence[Mapping[str, Any]], Sequence[str]]:
        """What became of each event, and why the request was sent in vain before: it is sent again,
        whole, until there is an answer."""
        in_vain: list[str] = []
        while len(in_vain) < _MOST_TRIES:
            try:
                answer = self.stack.request(
                    "POST", "/v1/events", headers={"X-API-Key": self.key}, json=batch
                )
            except (OSError, http.client.HTTPException) as error:
                why = type(error).__name__
            else:
                if answer.status in _SAYS_WHAT_BECAME:
                    results: Sequence[Mapping[str, Any]] = answer.json()["data"]["results"]
                    return results, in_vain
                why = str(answer.status)
                if answer.status not in _PASSES_BY_ITSELF:
                    raise OpsError(f"POST /v1/events answered {why}: {answer.body.decode()}")
            in_vain.append(why)
            time.sleep(min(2, 0.1 * 2 ** len(in_vain)))
        raise OpsError(f"A request was sent {_MOST_TRIES} times in vain: {in_vain[-1]}.")

    def _take(self, result: Mapping[str, Any]) -> None:
        answers, status = self.answers[result["id"]], result["status"]
        if status == "rejected":
            status = f"rejected: {result['error']}"
        elif not answers:
            self.outcome.accepted += 1
        self.outcome.duplicates += status == "duplicate"
        answers[status] += 1

    def _kill(self) -> None:
        """In the middle of each of so many equal parts."""
        whole = self.load.events * (1 + self.load.duplicates / 100)
        while self.outcome.kills < self._answered / whole * self.load.kills - 0.5:
            deadline = time.monotonic() + _WORKER_PATIENCE_S
            # The one that was killed last may have no successor yet.
            while not self.stack.kill_workers(_COUNTING):
                if time.monotonic() > deadline:
                    raise OpsError("No worker that counts came up, so none could be killed.")
                time.sleep(0.05)
            self.outcome.kills += 1


@dataclass(slots=True)
class _Asking:
    """Asks Tally as the tenants do."""

    stack: DeployedStack
    admin_key: str
    market: Market
    expected: Truth
    _keys: dict[str, str] = field(default_factory=dict)

    def meet_the_tenants(self) -> None:
        """Make them, and a key for each."""
        for tenant_id, currency in self.market.currencies.items():
            wanted = {
                "tenant_id": tenant_id,
                "display_name": tenant_id,
                "billing_currency": currency,
            }
            self._call("POST", "/v1/admin/tenants", self.admin_key, wanted)
            scopes = {"name": "load", "scopes": ["usage:read", "billing:read"]}
            path = f"/v1/admin/tenants/{tenant_id}/api-keys"
            self._keys[tenant_id] = self._call("POST", path, self.admin_key, scopes)["key"]

    def counted_otherwise(self) -> Iterator[str]:
        """What comes to be true a while after the events were accepted."""
        for tenant_id, path, expected in self._counts():
            told = self._get(tenant_id, path)
            yield from _unlike(f"{tenant_id}: {path}", _cut(told, expected), expected)
        for buyer, expected in self.expected.spend.items():
            told = self._get(buyer, "/v1/buyer/spend")
            if told["period_start"].startswith(self.market.period):  # else the month has ended
                yield from _unlike(f"{buyer}: spend", _cut(told, expected), expected)
        for buyer, rows in self.expected.accesses.items():
            told = list(self._pages(buyer, "/v1/agent/activity/accesses", "accesses"))
            yield from _unlike(f"{buyer}: accesses", _by_dataset(told), _by_dataset(rows))
            if told != rows:
                yield f"{buyer}: accesses are not in order"
        yield from self._used_otherwise()

    def _used_otherwise(self) -> Iterator[str]:
        """What the partner's portfolio used in ranges of each kind, and in the present month."""
        partner, portfolio, month = self.market.partner, self.expected.portfolio, self.market.period
        days = sorted({day for day, _ in portfolio.uses})
        long_before = date.fromisoformat(days[0]) - timedelta(days=400)
        for first, last in (
            (str(long_before), days[-1]),
            (days[0], days[-1]),
            (days[len(days) // 3], days[-1]),
            (days[0], days[len(days) // 2]),
            (days[-1], days[-1]),
        ):
            used, range_ = portfolio.used(first, last), f"?startDate={first}&endDate={last}"
            analytics = {
                "totalOrganizations": len(portfolio.organizations),
                "activeOrganizations": portfolio.active,
                "totalIdentifications": used.identifications,
                "creditsUsed": used.credits,
            }
            usage = {"totalQuantity": used.quantity, "totalEvents": used.events}
            for path, expected in (("analytics", analytics), ("usage", usage)):
                told = self._get(partner, f"/partner/{path}{range_}")
                yield from _unlike(f"{partner}: {path}{range_}", _cut(told, expected), expected)

        used, total = portfolio.used(f"{month}-01", f"{month}-31"), portfolio.credit_pool_total
        pool = {
            "creditPoolTotal": total,
            "creditPoolUsed": used.credits,
            "creditPoolAvailable": total - used.credits,
        }
        costs: Mapping[str, Any] = {
            "totalIdentifications": used.identifications,
            "totalQuantity": used.quantity,
            "totalEvents": used.events,
            "creditsUsed": used.credits,
            "estimatedCost": used.cost,
        }
        billing = self._get(partner, "/partner/billing")
        if billing["billingPeriodStart"].startswith(month):  # else the month has ended
            yield from _unlike(f"{partner}: billing", _cut(billing, pool), pool)
        told = self._get(partner, "/partner/billing/usage")
        if told["periodStart"].startswith(month):
            yield from _unlike(f"{partner}: billing/usage", _cut(told, costs), costs)

    def listed_otherwise(self) -> Iterator[str]:
        """The buyers' searches and the partner's organizations one by one, newest first."""
        for buyer, expected in self.expected.searches.items():
            told = [
                (search["search_activity_id"], search["charged_amount"])
                for search in self._pages(buyer, "/v1/agent/activity/searches", "searches")
            ]
            yield from _unlike(f"{buyer}: searches", dict(told), dict(expected))
            if told != expected:
                yield f"{buyer}: searches are not in order"
        partner, organizations = self.market.partner, self.expected.portfolio.organizations
        listed = self._get(partner, "/partner/organizations?pageSize=100")["organizations"]
        shown = {each["id"]: _cut(each, {"name": "", "status": ""}) for each in listed}
        yield from _unlike(f"{partner}: organizations", shown, organizations)
        if list(shown) != list(organizations):
            yield f"{partner}: organizations are not in order"

    def _counts(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Tenant, path, and what must be in the answer."""
        for provider, dashboard in self.expected.dashboards.items():
            yield provider, "/v1/provider/dashboard", dashboard
        for (owner, dataset_id), dataset in self.expected.analytics.items():
            yield owner, f"/v1/provider/datasets/{dataset_id}/analytics", dataset
        for buyer, searches in self.expected.searches.items():
            yield buyer, "/v1/agent/activity/searches?limit=1", {"total": len(searches)}
        for buyer, rows in self.expected.accesses.items():
            yield buyer, "/v1/agent/activity/accesses?limit=1", {"total": len(rows)}

    def _pages(self, tenant_id: str, path: str, name: str) -> Iterator[Any]:
        page = self._get(tenant_id, f"{path}?limit=100")
        yield from page[name]
        while page["next_cursor"]:
            page = self._get(tenant_id, f"{path}?limit=100&cursor={page['next_cursor']}")
            yield from page[name]

    def _get(self, tenant_id: str, path: str) -> Any:
        return self._call("GET", path, self._keys[tenant_id])

    def _call(self, method: str, path: str, key: str, body: object = None) -> Any:
        answer = self.stack.request(method, path, headers={"X-API-Key": key}, json=body)
        if answer.status >= 300:
            raise OpsError(f"{method} {path} answered {answer.status}: {answer.body.decode()}")
        told = loads(answer.body, parse_float=Decimal)
        return told if path.startswith("/partner/") else told["data"]


def _posted_otherwise(table: Table, made: Market, expected: Truth) -> Iterator[str]:
    """Each buyer's debits, and each provider's credits by currency and dataset, net of refunds."""
    debits: Counter[str] = Counter()
    for buyer in made.buyers:
        for entry in entries(table, buyer, made.period, EntrySide.DEBIT):
            debits[buyer] += entry.amount
    yield from _unlike("debits", debits, expected.debits)
    posted: Counter[tuple[str, str, str]] = Counter()
    for provider in made.providers:
        for entry in entries(table, provider, made.period, EntrySide.CREDIT):
            for dataset_id, amount in entry.lines.items():
                posted[provider, entry.posting.currency, dataset_id] += amount
    yield from _unlike("credits", {k: n for k, n in posted.items() if n}, expected.credits)
    if sum(debits.values()) != sum(posted.values()):
        yield f"debits are {sum(debits.values())} in all, credits {sum(posted.values())}"


def _unbalanced(table: Table) -> Iterator[str]:
    for balance in check_books(table, to_instant(datetime.now(UTC)), timedelta(0)):
        if balance.difference:
            yield f"the books do not balance: {balance}"


def _by_dataset(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    return {row["dataset_id"]: row for row in rows}


def _unlike(what: str, told: Mapping[Any, Any], expected: Mapping[Any, Any]) -> Iterator[str]:
    """Each name that is told otherwise."""
    for name in sorted(told.keys() | expected.keys()):
        if told.get(name) != expected.get(name):
            yield f"{what}: {name} is {told.get(name)}, not {expected.get(name)}"


def _cut(told: Mapping[str, Any], expected: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without the fields of which nothing is expected."""
    return {name: value for name, value in told.items() if name in expected}


def _settled(look: Callable[[], Iterator[str]]) -> float:
    """When there was nothing left to see, or by when nothing moved any more."""
    seen, at = list(look()), time.monotonic()
    while seen:
        deadline = time.monotonic() + _QUIET_S
        # One difference is enough to wait on; to look for all is work for the same machine.
        while next(look(), None) and time.monotonic() < deadline:
            time.sleep(0.2)
        at = time.monotonic()
        now = list(look())
        if now == seen:
            break
        seen = now
    return at


def _lines(load: Load, outcome: Outcome) -> Iterator[str]:
    again = ", ".join(f"{why}: {n}" for why, n in outcome.again.items())
    seconds = outcome.seconds_sending + outcome.seconds_counting
    yield f"sent          {outcome.sent:,} (of {load.events:,} events)"
    yield f"sent again    {outcome.again.total()} requests{f' ({again})' * bool(again)}"
    yield f"accepted      {outcome.accepted:,} in {outcome.seconds_sending:.0f} s"
    yield f"duplicates    {outcome.duplicates:,}"
    yield f"counted       {outcome.seconds_counting:.1f} s after the last answer"
    yield f"worker kills  {outcome.kills}"
    yield f"speed         {load.events / seconds:.0f} events per second, accepted and counted"
    yield f"drift         {len(outcome.differences)}"
    yield from (f"  {difference}" for difference in outcome.differences)


def main() -> int:
    """Exit status: 0, or 1 if a number differs."""
    parser = argparse.ArgumentParser(prog="python -m ops.load", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, metavar="N", help="at least 100")
    parser.add_argument("--clients", type=int, default=8, metavar="N")
    parser.add_argument("--duplicates", type=float, default=5, metavar="PERCENT")
    parser.add_argument("--kills", type=int, default=10, metavar="N")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), metavar="S")
    load = Load(**vars(parser.parse_args()))
    if load.events < 100 or load.clients < 1 or not 0 <= load.duplicates <= 100:
        parser.error("at least 100 events, 1 client, and 0 to 100 percent")
    begun = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - begun:5.0f} s  {what}", file=sys.stderr, flush=True)

    say(f"Building and deploying; seed {load.seed}")
    with (
        tempfile.TemporaryDirectory(prefix="tally-load-") as folder,
        own_stack(Path(folder)) as stack,
    ):
        outcome = run(stack, first_keys.issue(stack), load, say)
    print(f"seed          {load.seed}", *_lines(load, outcome), sep="\n")
    return 1 if outcome.differences else 0


if __name__ == "__main__":
    sys.exit(exit_status(main))
