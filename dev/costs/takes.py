"""What each thing that Tally does takes of what AWS bills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dev.bench import imports, invocations, storage
from dev.bench.figures import Figure
from dev.costs import assumptions, prices
from dev.costs.prices import MILLION, Price
from dev.template import Route, functions, template

type Takes = Mapping[Price, float]
"""A price -> how many of its unit."""

GB = 1_000_000_000
_FULL = 100  # events in a request, changes in a batch


def dollars(takes: Takes) -> float:
    return sum(amount * price.each for price, amount in takes.items())


def times(takes: Takes, number: float) -> Takes:
    return {price: amount * number for price, amount in takes.items()}


def total(*parts: Takes) -> Takes:
    """The sum of each unit over the parts."""
    summed: dict[Price, float] = {}
    for part in parts:
        for price, amount in part.items():
            summed[price] = summed.get(price, 0) + amount
    return summed


def memory_mb(function: str) -> int:
    """What the template gives the function."""
    memory: int = (template()["Globals"]["Function"] | functions()[function])["MemorySize"]
    return memory


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of event, as the benchmark names it: a request with one, with 100, and what it
    leaves in the table."""

    name: str
    full: str
    stored: str
    alone: str | None = None
    index_writes: int = 0


UPLOAD = Kind("an upload", invocations.MANY_UPLOADS, storage.UPLOAD, invocations.ONE_UPLOAD)
SEARCH = Kind(
    "a search of 1 provider", invocations.MANY_SEARCHES, storage.SEARCH, invocations.ONE_SEARCH
)
ACCESS = Kind(
    "an access",
    invocations.MANY_ACCESSES,
    storage.ACCESS,
    index_writes=assumptions.INDEX_WRITES_OF_AN_ACCESS,
)
IDENTIFICATION = Kind("an identification", invocations.MANY_IDENTIFICATIONS, storage.IDENTIFICATION)
KINDS = UPLOAD, SEARCH, ACCESS, IDENTIFICATION


class Measured:
    """What the benchmark measured; KeyError if it has no such figure."""

    def __init__(self, figures: Sequence[Figure]) -> None:
        self._values = {(each.part, each.name, each.unit): each.value for each in figures}

    def figure(self, part: str, name: str, unit: str) -> float:
        return self._values[part, name, unit]

    def cpu_ms(self, name: str) -> float:
        return self.figure(invocations.PART, name, invocations.CPU)

    def calls(self, name: str) -> float:
        return self.figure(invocations.PART, name, "calls")

    def duration_ms(self, name: str, function: str) -> float:
        """Of an invocation on Lambda: computing on its share of a processor, and waiting."""
        computing = self.cpu_ms(name) * assumptions.SLOWER / share(function)
        return (
            computing + self.calls(name) * assumptions.MS_OF_A_CALL + assumptions.MS_OF_THE_RUNTIME
        )

    def start_ms(self, function: str) -> float:
        """Of a cold start, which has a whole processor."""
        return self.figure(imports.PART, function, "CPU milliseconds") * assumptions.SLOWER

    def gb_seconds(self, name: str, function: str, cold: float) -> float:
        """Of an invocation, on the average; a share of all are cold."""
        milliseconds = self.duration_ms(name, function) + cold * self.start_ms(function)
        return memory_mb(function) / 1024 * milliseconds / 1000

    def invocation(self, name: str, function: str, cold: float = 0) -> Takes:
        """Of the benchmark's invocation `name` on a function."""
        return {
            prices.INVOCATIONS: 1,
            prices.GB_SECONDS: self.gb_seconds(name, function, cold),
            prices.READ_UNITS: self.figure(invocations.PART, name, "read units"),
            prices.WRITE_UNITS: self.figure(invocations.PART, name, "write units"),
            prices.LOGS: assumptions.LOG_BYTES_OF_AN_INVOCATION / GB,
        }

    def request(self, name: str, function: str) -> Takes:
        """An invocation over HTTP."""
        over_http = {
            prices.API_REQUESTS: 1,
            prices.LOGS: assumptions.LOG_BYTES_OF_A_REQUEST / GB,
            prices.TRACES: assumptions.TRACED,
        }
        return total(self.invocation(name, function, assumptions.COLD), over_http)

    def read(self, route: Route) -> Takes:
        return self.request(str(route), route.function)

    def accepting(self, kind: Kind, *, alone: bool = False) -> Takes:
        """One event, by itself or as one of 100 in a request."""
        if alone:
            if kind.alone is None:
                raise KeyError(f"{kind.name} was not measured alone")
            return self.request(kind.alone, "IngestEvents")
        return times(self.request(kind.full, "IngestEvents"), 1 / _FULL)

    def accepting_from_bus(self, kind: Kind) -> Takes:
        """One event that comes over the bus, read from the queue with 99 others."""
        full = times(self.invocation(kind.full, "ReceiveEvents"), 1 / _FULL)
        queue = {
            prices.BUS_EVENTS: 1,
            prices.QUEUE_REQUESTS: 1 + 2 / assumptions.EVENTS_OF_A_QUEUE_REQUEST,
        }
        return total(full, queue)

    def counting(self, kind: Kind, *, alone: bool = False) -> Takes:
        """All changes of one event; each in a batch by itself, or with 99 others."""
        changes = self.figure(storage.PART, kind.stored, storage.CHANGES)
        name, number = (invocations.ONE_CHANGE, 1) if alone else (invocations.MANY_CHANGES, _FULL)
        batch = self.invocation(name, "CountChanges")
        index = {prices.WRITE_UNITS: kind.index_writes}
        return total(times(batch, changes / number), index)

    def statement(self) -> Takes:
        """One of a payout run: its message, its task, its place in the run."""
        task = self.invocation(invocations.STATEMENT, "GeneratePayout")
        return total(task, {prices.QUEUE_REQUESTS: assumptions.QUEUE_REQUESTS_OF_A_STATEMENT})

    def kept_gb(self, kind: Kind) -> float:
        """GB that a million events leave for good."""
        return self.figure(storage.PART, kind.stored, storage.KEPT) * MILLION / GB

    def expiring_gb(self, kind: Kind) -> float:
        """GB that a million events leave until they expire."""
        return self.figure(storage.PART, kind.stored, storage.EXPIRES) * MILLION / GB


def share(function: str) -> float:
    """Of a processor, that a function has."""
    return min(1, memory_mb(function) / assumptions.MB_OF_A_PROCESSOR)
