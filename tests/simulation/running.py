"""Running seeds: what came of each, and what happened in all of them together."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from traceback import format_exception

from tests.simulation.market import Market
from tests.simulation.stories import tell

_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class Told:
    """A seed's history. `failure`: what did not hold, and the last calls; None if all held."""

    seed: int
    figures: Mapping[str, int] = field(default_factory=dict)
    failure: str | None = None


def run_seed(seed: int) -> Told:
    try:
        market = tell(seed)
    except Exception as error:  # noqa: BLE001  whatever it is, the seed shows it
        return Told(seed, failure="".join(format_exception(error)))
    return Told(seed, figures_of(market))


def run_seeds(seeds: Iterable[int]) -> Iterator[Told]:
    """On all cores, in order."""
    with ProcessPoolExecutor(os.process_cpu_count()) as processes:
        yield from processes.map(run_seed, seeds, chunksize=_AT_ONCE)


def figures_of(market: Market) -> Counter[str]:
    network = market.network
    figures = Counter(dict(market.did))
    figures["events accepted"] = len(market.memories.accepted)
    figures["calls"] = network.calls.total()
    figures["transactions committed"] = market.database.commits
    figures["turns"] = market.timeline.turns
    figures["crashes"] = network.crashes
    for item in market.database.items():
        figures["closed pages of markers"] += "closed" in item
        figures["parts of counters"] += item["SK"]["S"].startswith("TOTALS#PROVIDER#")
    figures["faults"] = network.faults.total()
    for fault, number in network.faults.items():
        figures[f"  {fault}"] = number
    return figures
