"""Erasures of query texts in a market: who asks for them, and the queue of their tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from tally.access.items import tenant_key
from tally.activity.erasing import Task, do_task, request_erasure
from tally.activity.items import ERASED_BEFORE, text_key
from tally.activity.lists import list_searches
from tally.aws.table import Table
from tally.kernel.instants import EARLIEST, Instant, parse_instant, plus
from tests.faults import Crash
from tests.operators import OPERATOR
from tests.simulation.histories import Sent
from tests.simulation.market import Market, mark_of
from tests.spending import BUYERS

_SHOWN = 10_000  # all


@dataclass(frozen=True, slots=True)
class Erasures:
    """The queue. Each message comes when it is due, perhaps twice, until it is done."""

    market: Market

    def send(self, body: str, _attributes: object = None, *, delay_s: int = 0) -> None:
        self.market.timeline.travel()
        if self.market.network.strike({"crash while messages are sent": 0.02}):
            raise Crash
        for _ in range(2 if self.market.random.random() < 0.15 else 1):
            self.market.start("erasure", partial(self._do, body, delay_s))

    def send_all(self, bodies: Iterable[str]) -> None:
        for body in bodies:
            self.send(body)

    def _do(self, body: str, delay_s: int) -> None:
        market, queue = self.market, _stand_in(self)
        market.timeline.sleep(delay_s)

        def done(table: Table) -> int:
            clock = partial(getattr, market.timeline, "now")
            return do_task(table, queue, Task.from_json(body), market.now, clock=clock)

        market.did["texts deleted"] += market.persist("DeleteQueryTexts", done)


def erase(market: Market, erasures: int) -> None:
    """Ask for some, one after the other. Each hides the texts as soon as it is answered."""
    for _ in range(erasures):
        market.timeline.sleep(market.random.uniform(0, 3))
        tenant_id = market.random.choice(list(BUYERS))
        before = plus(market.now, timedelta(seconds=market.random.choice([-400, -120, 60])))
        asked = partial(_ask, market, tenant_id, before)
        erased = market.persist("EraseQueryTexts", asked)
        known = market.memories.erased_before
        known[tenant_id] = max(known.get(tenant_id, EARLIEST), erased)
        market.did["erasures"] += 1
        for at, text in market.persist("ListSearches", partial(_shown, market.now, tenant_id)):
            assert text is None or at >= erased, f"shown, although it is erased: {at}"


def _ask(market: Market, tenant_id: str, before: Instant, table: Table) -> Instant:
    queue = _stand_in(Erasures(market))
    now = market.now
    return request_erasure(table, queue, tenant_id, before=before, now=now, actor=OPERATOR)


def _stand_in(erasures: Erasures) -> Any:
    return erasures


def _shown(now: Instant, tenant_id: str, table: Table) -> list[tuple[Instant, str | None]]:
    found = list_searches(table, tenant_id, now, limit=_SHOWN).rows
    return [(search.occurred_at, search.query_text) for search in found]


def check_texts(market: Market, told: Sequence[tuple[Sent, str]]) -> None:
    """No text from before an erasure is stored, every other one is, and lists show just these."""
    table = market.table
    floors = {each: (table.get(tenant_key(each)) or {}).get(ERASED_BEFORE) for each in BUYERS}
    for tenant_id, asked in market.memories.erased_before.items():
        found = floors[tenant_id] or EARLIEST
        assert found >= asked, f"an erasure is lost: {tenant_id}, {asked}"
    kept: dict[str, str] = {}
    for sent, _ in told:
        if sent.event["type"] == "search.performed":
            key, text = _text_of(sent)
            at = parse_instant(sent.event["time"])
            if at >= (floors[sent.event["data"]["tenant_id"]] or EARLIEST):
                kept[key] = text
    stored = {
        f"{item['PK']['S']} {item['SK']['S']}": item["query_text"]["S"]
        for item in market.database.items()
        if "query_text" in item
    }
    erased = stored.keys() - kept.keys()
    assert not erased, f"a text that is erased is stored: {sorted(erased)}"
    assert stored == kept, "a text is lost, or another one"
    shown = [text for each in BUYERS for _, text in _shown(market.now, each, table) if text]
    assert sorted(shown) == sorted(kept.values()), "lists do not show what is kept"


def _text_of(sent: Sent) -> tuple[str, str]:
    """The key of a search's text, and the text."""
    data: Mapping[str, Any] = sent.event["data"]
    digest = mark_of(sent).partition("#")[2]
    key = text_key(data["tenant_id"], parse_instant(sent.event["time"]), digest)
    return f"{key.pk} {key.sk}", data["query_text"]
