"""The page of benchmarks: its tables, and that it shows the figures that are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev import ROOT
from dev.bench import end_to_end, reads, writes
from dev.bench.figures import Figure, load, save
from dev.bench.report import report

FIGURES = [
    Figure(reads.PART, "GET /v1/provider/dashboard", 1, "calls", 1),
    Figure(reads.PART, "GET /v1/provider/dashboard", 0.5, "read units", 0.25),
    Figure(reads.PART, "GET /v1/api-keys", 2, "calls"),
    Figure(end_to_end.PART, "sent", 5_000, "events"),
    Figure(end_to_end.PART, "sent but not accepted", 0, "events", 0),
    Figure(end_to_end.PART, "accepted and counted", 106.1234, "events per second"),
    Figure(writes.ACCEPTING, "an upload in 100", 1.14, "read units"),
    Figure(writes.ACCEPTING, "an upload in 100", 4.03, "write units"),
]


def section(page: str, question: str) -> str:
    return page.partition(f"## {question}\n")[2].partition("\n## ")[0]


def test_a_row_has_a_cell_for_each_unit() -> None:
    assert section(report(FIGURES), "What does a dashboard cost?").endswith(
        "\n\n"
        "| A read request | calls | read units | $ per million |\n"
        "|---|--:|--:|--:|\n"
        "| GET /v1/provider/dashboard | 1 (≤ 1) | **0.50 (≤ 0.25)** | 0.06 |\n"
        "| GET /v1/api-keys | 2 |  |  |\n"
    )


def test_a_price_is_for_read_and_write_units() -> None:
    assert "| an upload in 100 | 1.14 | 4.03 | 2.66 |" in report(FIGURES)


def test_figures_that_share_no_unit_are_one_below_the_other() -> None:
    assert section(report(FIGURES), "What happens under load?").endswith(
        "\n\n"
        "| Mixed events over HTTP | measured |\n"
        "|---|--:|\n"
        "| sent | 5,000 events |\n"
        "| sent but not accepted | 0 (≤ 0) events |\n"
        "| accepted and counted | 106.12 events per second |\n"
    )


def test_no_figure_is_lost() -> None:
    with pytest.raises(ValueError, match="no section of the report shows An old part"):
        report([*FIGURES, Figure("An old part", "a name", 1, "calls")])


def test_saved_figures_replace_those_of_the_same_parts(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    save(file, FIGURES)
    again = Figure(end_to_end.PART, "sent", 6_000, "events")

    save(file, [again])

    others = [figure for figure in FIGURES if figure.part != end_to_end.PART]
    assert load(file) == [*others, again]


def test_the_page_shows_the_figures_that_are_kept() -> None:
    figures = load(ROOT / "docs" / "benchmarks.json")

    assert (ROOT / "docs" / "benchmarks.md").read_text() == report(figures)
