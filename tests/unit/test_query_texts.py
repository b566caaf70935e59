"""Which query texts are kept, by when they were searched for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.activity.erasing import ALL_PARTS, Task
from tally.activity.items import TEXT_PARTS, rules_of, text_key, texts_before
from tally.activity.model import TextRules
from tally.kernel.instants import EARLIEST, Instant, plus, to_datetime

NOW = "2026-04-05T10:00:00.000000000Z"
YEAR = timedelta(days=365)


def moments() -> st.SearchStrategy[Instant]:
    """Around now, give or take some days."""
    return st.integers(-10 * 86_400, 300).map(lambda s: plus(NOW, timedelta(seconds=s)))


def test_a_tenant_without_settings_keeps_texts_for_as_long_as_the_stack_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert rules_of({}) == TextRules(EARLIEST, YEAR)
    monkeypatch.setenv("QUERY_TEXT_RETENTION_DAYS", "30")
    assert rules_of({}) == TextRules(EARLIEST, timedelta(days=30))
    tenant = {"query_text_retention_days": 7, "query_texts_erased_before": NOW}
    assert rules_of(tenant) == TextRules(NOW, timedelta(days=7))


def test_the_bounds_are_kept() -> None:
    rules = TextRules("2026-04-05T09:00:00.000000000Z", timedelta(days=1))

    assert not rules.keeps("2026-04-05T08:59:59.999999999Z", NOW)
    assert rules.keeps("2026-04-05T09:00:00.000000000Z", NOW)
    old = TextRules(EARLIEST, timedelta(days=1))
    assert not old.keeps("2026-04-04T09:59:59.999999999Z", NOW)
    assert old.keeps("2026-04-04T10:00:00.000000000Z", NOW)


def test_the_longest_retention_reaches_to_before_the_earliest_text() -> None:
    rules = TextRules(EARLIEST, timedelta(days=36_500))

    assert rules.keeps(EARLIEST, NOW)
    assert rules.deleted_before(NOW) == EARLIEST
    assert rules.expires_at(NOW) > 4_900_000_000


@given(erased=moments(), days=st.integers(1, 12), at=moments(), later=st.integers(0, 10**6))
def test_what_is_shown_is_neither_deleted_nor_expired(
    erased: Instant, days: int, at: Instant, later: int
) -> None:
    rules = TextRules(erased, timedelta(days=days))

    if rules.keeps(at, NOW):
        assert at >= rules.deleted_before(NOW)
        assert rules.expires_at(at) >= int(to_datetime(NOW).timestamp())
    else:
        assert not rules.keeps(at, plus(NOW, timedelta(seconds=later)))
        assert at < rules.deleted_before(plus(NOW, timedelta(days=1, microseconds=1)))


@given(at=moments(), before=moments(), digest=st.sampled_from(TEXT_PARTS))
def test_the_sort_keys_between_are_of_the_texts_before(
    at: Instant, before: Instant, digest: str
) -> None:
    key = text_key("acme", at, digest * 64)
    first, last = texts_before(before)

    assert (first <= key.sk <= last) == (at < before)
    assert key.pk == f"TEXTS#acme#{digest}"


def test_a_task_is_what_its_message_says() -> None:
    for task in (Task("acme"), Task("acme", ("a",)), Task("acme", ("searches",), "SEARCH#x")):
        assert Task.from_json(task.to_json()) == task
    assert Task("acme").parts == ALL_PARTS


@pytest.mark.parametrize("body", ["", "{}", "[]", '"x"', '{"tenant_id": "acme", "parts": 1}'])
def test_what_is_no_task(body: str) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        Task.from_json(body)
