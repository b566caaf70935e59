"""docs/costs.md: it says what the benchmark's figures and the prices come to."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from dev import ROOT
from dev.bench import imports, invocations, payouts, storage
from dev.bench.figures import Figure, load
from dev.costs import assumptions, bills, prices
from dev.costs.bills import LARGE, SMALL, Workload
from dev.costs.page import page
from dev.costs.prices import MILLION, PRICES, Price
from dev.costs.takes import UPLOAD, Measured, dollars, memory_mb, total
from dev.template import functions, route_of, routes

FIGURES = load(ROOT / "docs" / "benchmarks.json")
MEASURED = Measured(FIGURES)
REWRITE = "run `make bench-docs` and read what it changed"


def invocation(name: str, **units: float) -> list[Figure]:
    return [Figure(invocations.PART, name, n, unit.replace("_", " ")) for unit, n in units.items()]


DASHBOARD = "GET /v1/provider/dashboard"
MADE_UP = Measured(
    [
        *invocation(DASHBOARD, calls=2, read_units=1.5, write_units=0, CPU_milliseconds=10),
        *invocation(
            invocations.MANY_UPLOADS, calls=4, read_units=100, write_units=400, CPU_milliseconds=30
        ),
        *invocation(
            invocations.MANY_CHANGES, calls=2, read_units=0, write_units=210, CPU_milliseconds=20
        ),
        Figure(imports.PART, "ProviderDashboard", 400, "CPU milliseconds"),
        Figure(imports.PART, "IngestEvents", 400, "CPU milliseconds"),
        Figure(imports.PART, "CountChanges", 400, "CPU milliseconds"),
        Figure(storage.PART, storage.UPLOAD, 1, storage.CHANGES),
    ]
)


def test_the_page_is_what_the_figures_come_to() -> None:
    assert (ROOT / "docs" / "costs.md").read_text() == page(FIGURES), REWRITE


def test_a_duration_is_computing_on_a_share_of_a_processor_and_waiting() -> None:
    assert memory_mb("ProviderDashboard") == 512

    assert MADE_UP.duration_ms(DASHBOARD, "ProviderDashboard") == pytest.approx(
        10 / (512 / 1769) + 2 * assumptions.MS_OF_A_CALL + assumptions.MS_OF_THE_RUNTIME
    )


def test_a_read_takes_a_request_an_invocation_and_its_units() -> None:
    warm = MADE_UP.duration_ms(DASHBOARD, "ProviderDashboard")

    takes = MADE_UP.read(route_of("GET", "/v1/provider/dashboard"))

    assert takes == {
        prices.API_REQUESTS: 1,
        prices.INVOCATIONS: 1,
        prices.GB_SECONDS: pytest.approx(512 / 1024 * (warm + 0.01 * 400) / 1000),
        prices.READ_UNITS: 1.5,
        prices.WRITE_UNITS: 0,
        prices.LOGS: pytest.approx(1_900 / 1_000_000_000),
        prices.TRACES: 0.05,
    }


def test_an_event_takes_a_hundredth_of_its_request_and_of_the_batch_that_counts_it() -> None:
    takes = total(MADE_UP.accepting(UPLOAD), MADE_UP.counting(UPLOAD))

    assert takes[prices.WRITE_UNITS] == pytest.approx(4 + 2.1)
    assert takes[prices.READ_UNITS] == pytest.approx(1)
    assert takes[prices.API_REQUESTS] == pytest.approx(0.01)
    assert takes[prices.INVOCATIONS] == pytest.approx(0.02)


@pytest.mark.parametrize("load", [SMALL, LARGE], ids=["small", "large"])
def test_a_bill_is_the_sum_of_its_parts(load: Workload) -> None:
    parts = bills.busy(MEASURED, load)

    assert dollars(total(*parts.values())) == pytest.approx(sum(map(dollars, parts.values())))


def test_storage_grows_with_the_months_and_markers_do_not() -> None:
    def stored(months: int) -> float:
        load = Workload(10, alone=True, reads_a_second=1, providers=1, months_kept=months)
        parts: Mapping[str, Mapping[Price, float]] = bills.busy(MEASURED, load)
        return parts[f"storage and backups after {months} months"][prices.STORED]

    monthly = stored(2) - stored(1)

    assert stored(12) - stored(1) == pytest.approx(11 * monthly)
    assert stored(1) > monthly  # the markers


def test_a_figure_that_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError, match="100 searches"):
        MADE_UP.cpu_ms(invocations.MANY_SEARCHES)


def test_every_get_route_has_its_price() -> None:
    text = page(FIGURES)

    assert [r for r in routes() if r.method == "GET" and f"| `{r}` |" not in text] == []


def test_each_price_names_its_page() -> None:
    assert len(PRICES) == len({price.what for price in PRICES}) > 15
    assert [p for p in PRICES if not p.source.startswith("https://aws.amazon.com/")] == []
    assert [p for p in PRICES if p.per not in (1, MILLION)] == []


def test_a_statement_of_100000_entries_was_measured() -> None:
    """The longest check is reckoned from it."""
    check = bills.longest_check(MEASURED)

    entries = MEASURED.figure(payouts.PART, "100,000 entries", "read units")
    assert check[prices.READ_UNITS] > 10 * entries
    assert check[prices.GB_SECONDS] < functions()["CheckBooks"]["Timeout"] * 2
