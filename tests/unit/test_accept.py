"""Which of two media types an Accept header asks for (RFC 9110, 12.5.1)."""

from __future__ import annotations

import pytest

from tally.http.negotiation import preferred

JSON, CSV = "application/json", "text/csv"


@pytest.mark.parametrize(
    "accept",
    [
        *("text/csv", "Text/CSV", "text/csv; charset=utf-8", " text/csv ", "text/*", "text/csv,"),
        *("text/csv;q=0.001", "text/csv; Q=1.000", "image/png, text/csv;q=0.2"),
        *("text/csv, application/json;q=0.9", "application/json;q=0, */*", "text/csv, */*;q=0.1"),
        *("text/csv, application/json;q=0", "application/*;q=0.5, text/*;q=0.6"),
        # The most precise range counts, in whatever order they come.
        *("text/*;q=0.1, text/csv;q=0.9, application/json;q=0.5", "*/*;q=0.2, text/csv"),
    ],
)
def test_csv_is_asked_for(accept: str) -> None:
    assert preferred(accept, (JSON, CSV)) == CSV


@pytest.mark.parametrize(
    "accept",
    [
        *("", "*/*", "application/json", "application/*", "image/png", "nonsense", ",", ";", "/"),
        *("text/csv;q=0", "text/csv;q=0.000", "text/csv; q=0", "text/csv;Q=0"),
        *("application/json, text/csv;q=0.1", "text/csv;q=0.4, application/*;q=0.5"),
        *("text/csv, application/json", "application/json, text/csv", "text/*, application/*"),
        *("xtext/csv", "text/csvx", "text/csv-schema", "x-text/csv", "text/x-csv", "textXcsv"),
        *("text/plain, */*", 'application/json; profile="text/csv"', "text", "text/", "csv"),
        *("*/csv", "*", "text*/csv", "text/c*", "text /csv", "text/csv text/csv"),
        # A weight that is none: the range is as if it were not there.
        *("text/csv;q=2", "text/csv;q=-1", "text/csv;q=x", "text/csv;q=", "text/csv;q=0.0001"),
        *("text/csv;q=\u0661", "text/csv;q=nan", "text/csv;q=1e0", "text/csv;q=1.1"),
        # The most precise range counts: all of text, but not this.
        *("text/csv;q=0, text/*", "text/*, text/csv;q=0", "text/csv;q=0.1, */*;q=0.5"),
    ],
)
def test_csv_is_not_asked_for(accept: str) -> None:
    assert preferred(accept, (JSON, CSV)) == JSON
