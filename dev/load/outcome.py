"""What a load sends and its outcome: as lines to print and as figures to keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from dev.bench.figures import Figure

PART = "`make load`"


@dataclass(frozen=True, slots=True)
class Load:
    """What to send and how; `duplicates` are a percentage, sent in addition to the events."""

    events: int
    clients: int
    duplicates: float
    kills: int
    seed: int


@dataclass(slots=True)
class Outcome:
    """`sent` counts an event each time it is sent; `again` counts repeated requests by reason."""

    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    kills: int = 0
    again: Counter[str] = field(default_factory=Counter)
    seconds_sending: float = 0
    seconds_counting: float = 0
    differences: list[str] = field(default_factory=list)


def lines(load: Load, outcome: Outcome) -> Iterator[str]:
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


def figures(load: Load, outcome: Outcome) -> Iterator[Figure]:
    seconds = outcome.seconds_sending + outcome.seconds_counting
    yield Figure(PART, "sent", outcome.sent, "events")
    yield Figure(PART, "accepted", outcome.accepted, "events")
    yield Figure(PART, "recognized as duplicates", outcome.duplicates, "events")
    yield Figure(PART, "workers killed", outcome.kills, "workers")
    yield Figure(PART, "accepted and counted", load.events / seconds, "events per second")
    yield Figure(PART, "numbers that are wrong at the end", len(outcome.differences), "numbers", 0)
