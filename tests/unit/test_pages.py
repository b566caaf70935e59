from __future__ import annotations

import pytest

from tally.aws.pages import cut


@pytest.mark.parametrize(
    ("found", "rows", "last"),
    [("", "", None), ("a", "a", None), ("ab", "ab", None), ("abc", "ab", "b")],
)
def test_a_page_ends_where_more_rows_follow(found: str, rows: str, last: str | None) -> None:
    assert cut(list(found), 2) == (list(rows), last)
