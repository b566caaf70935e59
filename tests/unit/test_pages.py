from __future__ import annotations

import pytest

from tally.aws.pages import Page, cut


@pytest.mark.parametrize(
    ("found", "rows", "more"),
    [("", "", False), ("a", "a", False), ("ab", "ab", False), ("abc", "ab", True)],
)
def test_a_page_ends_where_more_rows_follow(found: str, rows: str, more: bool) -> None:  # noqa: FBT001
    assert cut(list(found), 2) == (list(rows), more)


def page(*, more: bool) -> Page[str, int]:
    return Page("abc", 10, more, ord)


def test_the_next_page_starts_after_the_last_row() -> None:
    assert page(more=True).last == ord("c")
    assert page(more=False).last is None


@pytest.mark.parametrize("more", [False, True])
def test_a_page_may_be_shortened(more: bool) -> None:  # noqa: FBT001
    assert page(more=more).shortened(3) == page(more=more)
    assert page(more=more).shortened(2) == Page("ab", 10, more=True, position=ord)
