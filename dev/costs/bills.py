"""A month's bill: of a stack at rest, and of one with a workload."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dev.bench import payouts
from dev.costs import assumptions, prices
from dev.costs.prices import MILLION
from dev.costs.takes import SEARCH, UPLOAD, Kind, Measured, Takes, memory_mb, share, times, total
from dev.template import functions, resources, routes
from tally.counting.markers import MARKER_LIFETIME
from tally.metrics import Metric

MONTH = assumptions.SECONDS_OF_A_MONTH
_DAYS = MONTH / 86_400
_CANARY, _CHECK = "RunCanary", "CheckBooks"
# Half of the events add to the catalogue, half are sold for money.
MIX: Mapping[Kind, float] = {UPLOAD: 0.5, SEARCH: 0.5}


@dataclass(frozen=True, slots=True)
class Workload:
    """`alone`: each event is sent, and counted, by itself; otherwise with 99 others."""

    events_a_second: int
    alone: bool
    reads_a_second: int
    providers: int
    months_kept: int = 12

    @property
    def events(self) -> float:
        return self.events_a_second * MONTH

    @property
    def reads(self) -> float:
        return self.reads_a_second * MONTH


SMALL = Workload(events_a_second=10, alone=True, reads_a_second=2, providers=1_000)
LARGE = Workload(events_a_second=1_000, alone=False, reads_a_second=50, providers=20_000)


def at_rest(measured: Measured) -> Mapping[str, Takes]:
    """What a month takes if nobody sends or asks anything."""
    sources = [each for function in functions().values() for each in function["Events"].values()]
    polls = assumptions.POLLS_OF_A_QUEUE_A_SECOND * MONTH
    return {
        "the alarms": {prices.ALARMS: _alarm_metrics()},
        "our own metrics": {prices.METRICS: len(Metric)},
        "the dashboard": {prices.DASHBOARDS: len(resources("AWS::CloudWatch::Dashboard"))},
        "the secrets of cursors and sessions": {
            prices.SECRETS: len(resources("AWS::SecretsManager::Secret"))
        },
        "Lambda's polls of the queues": {
            prices.QUEUE_REQUESTS: polls * sum(source["Type"] == "SQS" for source in sources)
        },
        "the canary": times(_canary(measured), MONTH / _interval_s(_CANARY)),
        "measuring health": times(_HEALTH, MONTH / _interval_s("MeasureHealth")),
    }


def _canary(measured: Measured) -> Takes:
    """One round: an event that creates and one that deletes, and dashboards until both show."""
    seconds = memory_mb(_CANARY) / 1024 * assumptions.CANARY_SECONDS
    (dashboard,) = (route for route in routes() if route.path == "/v1/provider/dashboard")
    return total(
        {prices.INVOCATIONS: 1, prices.GB_SECONDS: seconds},
        {prices.WRITE_UNITS: assumptions.CANARY_WRITE_UNITS},
        times(measured.accepting(UPLOAD, alone=True), 2),
        times(measured.counting(UPLOAD, alone=True), 2),
        times(measured.read(dashboard), assumptions.CANARY_READS),
    )


_HEALTH: Takes = {
    prices.INVOCATIONS: 1,
    prices.GB_SECONDS: memory_mb("MeasureHealth") / 1024 * assumptions.HEALTH_SECONDS,
    prices.READ_UNITS: assumptions.HEALTH_READ_UNITS,
}


def _interval_s(function: str) -> int:
    """Of a function that a schedule starts; ValueError if it has no rate."""
    (schedule,) = functions()[function]["Events"].values()
    expression = schedule["Properties"]["ScheduleExpression"]
    rate = re.fullmatch(r"rate\((\d+) (minute|hour)s?\)", expression)
    if rate is None:
        raise ValueError(f"{function} is not scheduled at a rate of minutes or hours")
    return int(rate[1]) * {"minute": 60, "hour": 3600}[rate[2]]


def checks_a_month() -> float:
    """Of counters, books and statements."""
    nights = 2  # CheckBooks and VerifyPayouts
    return MONTH / _interval_s("CheckCounters") + nights * _DAYS


def check_seconds() -> float:
    """The time that a check has before it stops by itself."""
    timeout: int = functions()[_CHECK]["Timeout"]
    return timeout - assumptions.CHECK_RESERVE_S


def longest_check(measured: Measured) -> Takes:
    """One that reads the ledger, as statements do, for as long as it may."""
    name = "100,000 entries"
    computing = measured.figure(payouts.PART, name, "CPU seconds") * assumptions.SLOWER
    ledgers = check_seconds() / (computing / share(_CHECK))
    return {
        prices.INVOCATIONS: 1,
        prices.GB_SECONDS: memory_mb(_CHECK) / 1024 * check_seconds(),
        prices.READ_UNITS: ledgers * measured.figure(payouts.PART, name, "read units"),
    }


def busy(measured: Measured, load: Workload) -> Mapping[str, Takes]:
    """What a month takes beside what a stack at rest does, in the order of the bill."""
    accepted = _mixed({kind: measured.accepting(kind, alone=load.alone) for kind in MIX})
    counted = _mixed({kind: measured.counting(kind, alone=load.alone) for kind in MIX})
    gets = [measured.read(route) for route in routes() if route.method == "GET"]
    parts = {
        "accepting the events": times(accepted, load.events),
        "counting their changes": times(counted, load.events),
        "reading, all GET routes alike": times(total(*gets), load.reads / len(gets)),
        "statements": times(measured.statement(), load.providers),
    }
    logs = total(*parts.values())[prices.LOGS] * assumptions.LOGS_COMPRESSED_TO
    return {
        **parts,
        f"storage and backups after {load.months_kept} months": _stored(measured, load),
        "a month of logs": {prices.LOGS_STORED: logs},
    }


def _mixed(of_kinds: Mapping[Kind, Takes]) -> Takes:
    return total(*(times(takes, MIX[kind]) for kind, takes in of_kinds.items()))


def _stored(measured: Measured, load: Workload) -> Takes:
    """What stays grows from month to month; what expires does not."""
    millions = load.events / MILLION
    kept = sum(measured.kept_gb(kind) * part for kind, part in MIX.items())
    expiring = sum(measured.expiring_gb(kind) * part for kind, part in MIX.items())
    months_to_expiry = MARKER_LIFETIME.days / _DAYS
    table = millions * (kept * load.months_kept + expiring * months_to_expiry)
    return {prices.STORED: table, prices.BACKUP: table}


def _alarm_metrics() -> int:
    """AWS bills the metrics that an alarm looks at."""
    return sum(
        sum("MetricStat" in metric for metric in alarm["Properties"].get("Metrics", ())) or 1
        for alarm in resources("AWS::CloudWatch::Alarm").values()
    )
