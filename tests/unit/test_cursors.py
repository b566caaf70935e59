from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.domain.errors import InvalidCursor
from tally.http.cursors import Cursors

positions = st.lists(st.text(), min_size=2, max_size=2)


def cursors(**overrides: Any) -> Cursors:
    return Cursors(
        **({"secret": b"secret", "scope": ("acme", "api-keys", "created_at")} | overrides)
    )


@given(positions)
def test_a_cursor_leads_back_to_its_position(position: list[str]) -> None:
    written = cursors().write(position)
    assert cursors().read(written, length=2) == position


@pytest.mark.parametrize(
    "other",
    [
        {"secret": b"another"},
        {"scope": ("other", "api-keys", "created_at")},
        {"scope": ("acme", "searches", "created_at")},
        {"scope": ("acme", "api-keys", "name")},
        {"scope": ("acme", "api-keyscreated_at")},
    ],
)
def test_a_cursor_is_good_for_its_own_list_only(other: dict[str, Any]) -> None:
    written = cursors(**other).write(["a", "b"])
    with pytest.raises(InvalidCursor):
        cursors().read(written, length=2)


@given(positions, st.data())
def test_no_changed_cursor_is_accepted(position: list[str], data: st.DataObject) -> None:
    written = cursors().write(position) or ""
    at = data.draw(st.integers(0, len(written) - 1))
    changed = data.draw(st.sampled_from("Aa9-_=#é"))
    garbled = written[:at] + changed + written[at + 1 :]
    if garbled != written:
        with pytest.raises(InvalidCursor):
            cursors().read(garbled, length=2)


@given(st.text())
def test_no_made_up_cursor_is_accepted(text: str) -> None:
    with pytest.raises(InvalidCursor):
        cursors().read(text, length=2)


def test_the_last_page_has_no_cursor_and_the_first_needs_none() -> None:
    assert cursors().write(None) is None
    assert cursors().read(None, length=2) is None
