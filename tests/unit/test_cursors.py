from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.http.cursors import Cursors, Secrets
from tally.kernel.errors import InvalidCursor


class Place(NamedTuple):
    time: str
    name: str


places = st.builds(Place, st.text(), st.text())


def only(secret: bytes) -> Secrets:
    return lambda _rotated: [secret]


def cursors(**overrides: Any) -> Cursors[Any]:
    defaults: dict[str, Any] = {
        "secrets": only(b"secret"),
        "scope": ("acme", "api-keys", "created_at"),
        "position": Place,
    }
    return Cursors(**(defaults | overrides))


@given(places)
def test_a_cursor_leads_back_to_its_position(place: Place) -> None:
    assert cursors().read(cursors().write(place)) == place


@pytest.mark.parametrize(
    "other",
    [
        {"secrets": only(b"another")},
        {"scope": ("other", "api-keys", "created_at")},
        {"scope": ("acme", "searches", "created_at")},
        {"scope": ("acme", "api-keys", "name")},
        {"scope": ("acme", "api-keyscreated_at")},
    ],
)
def test_a_cursor_is_good_for_its_own_list_only(other: dict[str, Any]) -> None:
    written = cursors(**other).write(Place("a", "b"))
    with pytest.raises(InvalidCursor):
        cursors().read(written)


@pytest.mark.parametrize("parts", [(), ("a",), ("a", "b", "c")])
def test_a_position_has_all_of_its_parts_and_no_others(parts: tuple[str, ...]) -> None:
    written = cursors().write(parts)
    with pytest.raises(InvalidCursor):
        cursors().read(written)


@given(places, st.data())
def test_no_changed_cursor_is_accepted(place: Place, data: st.DataObject) -> None:
    written = cursors().write(place) or ""
    at = data.draw(st.integers(0, len(written) - 1))
    changed = data.draw(st.sampled_from("Aa9-_=#é"))
    garbled = written[:at] + changed + written[at + 1 :]
    if garbled != written:
        with pytest.raises(InvalidCursor):
            cursors().read(garbled)


@given(st.text())
def test_no_made_up_cursor_is_accepted(text: str) -> None:
    with pytest.raises(InvalidCursor):
        cursors().read(text)


def test_the_last_page_has_no_cursor_and_the_first_needs_none() -> None:
    assert cursors().write(None) is None
    assert cursors().read(None) is None
