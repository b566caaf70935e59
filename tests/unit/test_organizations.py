"""Organizations by any order of their events, and names however they are written."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.counting.registry import change, contribution
from tally.kernel.counters import Deltas, total
from tally.kernel.versions import RANKS, Version
from tally.partners.counters import PartnerTotals
from tally.partners.model.organizations import (
    Organization,
    OrganizationEvent,
    OrganizationEventKind,
    OrganizationStatus,
    OrganizationTier,
    Profile,
    folded,
    new_organization,
)

CREATED, UPDATED, DELETED = OrganizationEventKind

SAID: dict[str, st.SearchStrategy[Any]] = {
    "external_id": st.none() | st.sampled_from(["x1", "x2"]),
    "status": st.none() | st.sampled_from([each.value for each in OrganizationStatus]),
    "tier": st.none() | st.sampled_from([each.value for each in OrganizationTier]),
    "credits": st.none() | st.integers(0, 9),
    "metadata": st.none() | st.sampled_from(['{"a":1}', "{}"]),
}


def told(kind: OrganizationEventKind, minute: int, n: int = 0, **said: Any) -> OrganizationEvent:
    time = f"2026-04-05T09:{minute:02}:00.000000000Z"
    version = Version(time, RANKS[kind.value], f"e{n:03}", "/test")
    named = {} if kind is DELETED else {"name": f"Name {n}"} | said
    return OrganizationEvent(kind, "acme", "org_1", version, named)


@st.composite
def histories(draw: st.DrawFn) -> list[OrganizationEvent]:
    """A creation, then anything; of few times, so that ties and returns are common. Fields are
    given, absent or null."""
    kinds = st.sampled_from(OrganizationEventKind)
    said = st.tuples(kinds, st.integers(0, 5), st.fixed_dictionaries({}, optional=SAID))
    created = told(CREATED, draw(st.integers(0, 5)))
    drawn = draw(st.lists(said, max_size=8))
    return [
        created,
        *[told(kind, minute, n, **fields) for n, (kind, minute, fields) in enumerate(drawn, 1)],
    ]


def after(events: Sequence[OrganizationEvent]) -> Organization:
    """Every event applied, in this order."""
    first, *others = events
    assert first.kind is CREATED
    organization = new_organization(first)
    for event in others:
        organization = organization.apply(event)
    return organization


def in_some_order(events: Sequence[OrganizationEvent], random: Random) -> list[OrganizationEvent]:
    """A creation comes first: before it, all others are refused. Some come twice."""
    first = random.choice([event for event in events if event.kind is CREATED])
    others = [event for event in events if event is not first]
    again = random.sample(events, random.randint(0, len(events)))
    return [first, *random.sample(others + again, len(others + again))]


def ruled(events: Sequence[OrganizationEvent]) -> Profile | None:
    """What the rules say of all events together; None: deleted."""
    by_age = sorted(events, key=lambda event: event.version)
    deletions = [n for n, event in enumerate(by_age) if event.kind is DELETED]
    life = by_age[deletions[-1] + 1 :] if deletions else by_age
    if not life:
        return None
    newest = {name: value for event in life for name, value in event.said.items()}
    created = [event.version.time for event in by_age if event.kind is CREATED]
    return Profile(
        organization_id="org_1",
        name=newest["name"],
        external_id=newest.get("external_id"),
        status=OrganizationStatus(newest.get("status") or "active"),
        tier=OrganizationTier(newest.get("tier") or "trial"),
        credits=newest.get("credits") or 0,
        metadata=newest.get("metadata") or "{}",
        created_at=created[-1],
    )


# ------------------------------------------------------------------- any order of arrival


@given(histories())
def test_an_organization_is_what_the_rules_say(events: list[OrganizationEvent]) -> None:
    organization = after(events)
    assert (organization.profile if organization.alive else None) == ruled(events)


@given(histories(), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_leaves_a_trace(
    events: list[OrganizationEvent], random: Random
) -> None:
    assert after(in_some_order(events, random)) == after(events)


@given(histories(), st.randoms(use_true_random=False))
def test_an_older_event_never_undoes_a_newer_one(
    events: list[OrganizationEvent], random: Random
) -> None:
    """What the newest event says stays said, whatever older ones come behind it."""
    newest = max(events, key=lambda event: event.version)
    creation = next(event for event in events if event.kind is CREATED)
    organization = after([creation, newest])
    for older in random.sample(events, len(events)):
        organization = organization.apply(older)
        assert organization.alive is (newest.kind is not DELETED)
        said = {name: organization.registers[name].value for name in newest.said}
        assert said == newest.said


def test_what_is_not_named_stays_and_null_is_what_it_was_at_first() -> None:
    whole: dict[str, Any] = {
        "external_id": "x1",
        "status": "suspended",
        "tier": "paid",
        "credits": 5,
        "metadata": '{"a":1}',
    }
    created = told(CREATED, 1, **whole)
    renamed = told(UPDATED, 2, 7)
    emptied = told(UPDATED, 3, 8, **dict.fromkeys(whole))
    at_first = after([told(CREATED, 1)]).profile

    as_created = after([created]).profile
    assert as_created.external_id == "x1"
    assert after([created, renamed]).profile == Profile(
        "org_1",
        "Name 7",
        "x1",
        OrganizationStatus.SUSPENDED,
        OrganizationTier.PAID,
        5,
        '{"a":1}',
        "2026-04-05T09:01:00.000000000Z",
    )
    emptied_profile = after([created, renamed, emptied]).profile
    assert emptied_profile == Profile(
        "org_1", "Name 8", *[getattr(at_first, field) for field in Profile.__slots__[2:]]
    )


def test_created_again_after_its_deletion_it_is_a_new_one() -> None:
    """Nothing that was said of the old one is known of it; not even what comes late."""
    old = [told(CREATED, 1, external_id="x1", credits=5), told(DELETED, 3)]
    new = told(CREATED, 5, 9)
    late = told(UPDATED, 2, 10, status="canceled", tier="paid")

    expected = after([new]).profile
    assert after([*old, new]).profile == expected
    assert after([*old, new, late]).profile == expected
    assert not after([*old, late]).alive


def test_at_equal_times_the_later_in_a_life_wins() -> None:
    created, updated, deleted = told(CREATED, 1, 1), told(UPDATED, 1, 0), told(DELETED, 1, 0)
    assert after([created, updated]).profile.name == "Name 0"
    assert not after([created, deleted, updated]).alive
    other = told(CREATED, 1, 2)
    assert after([other, created]).profile.name == "Name 2"


# ------------------------------------------------------------------------- what is in order


def test_a_late_event_is_in_order_and_one_from_after_the_deletion_is_not() -> None:
    gone = after([told(CREATED, 1), told(DELETED, 3)])
    back = gone.apply(told(CREATED, 5))
    for minute, existed in {0: True, 2: True, 3: True, 4: False, 6: False}.items():
        late = told(UPDATED, minute)
        assert gone.existed_at(late.version) is existed
        assert gone.exists_for(late) is existed
        assert gone.exists_for(told(CREATED, minute))
        assert gone.exists_for(told(DELETED, minute))
        assert back.existed_at(late.version)
        assert back.exists_for(late)


# --------------------------------------------------------------------------------- counting


@given(histories())
def test_changes_sum_to_the_contribution_of_the_last_state(
    events: list[OrganizationEvent],
) -> None:
    first, *others = events
    organization = new_organization(first)
    changes: Deltas = Counter(change(None, organization))
    for event in others:
        changed = organization.apply(event)
        changes.update(change(organization, changed))
        organization = changed
    assert total([changes]) == total([contribution(organization)])


@given(histories())
def test_an_organization_counts_while_it_is_there_and_as_active_while_it_is(
    events: list[OrganizationEvent],
) -> None:
    profile = ruled(events)
    fields = {} if profile is None else {"organizations": 1}
    if profile and profile.status is OrganizationStatus.ACTIVE:
        fields["active"] = 1
    expected = {(PartnerTotals("acme"), field): n for field, n in fields.items()}
    assert total([contribution(after(events))]) == expected


# ------------------------------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("name", "search"),
    [
        ("Harbour Analytics", "ANALYTICS"),
        ("Café", "CAFE\N{COMBINING ACUTE ACCENT}"),
        ("Cafe\N{COMBINING ACUTE ACCENT}", "CAFÉ"),
        ("Straße", "STRASSE"),
        ("STRASSE", "straße"),
        ("İstanbul", "i\N{COMBINING DOT ABOVE}STANBUL"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("Ångström", "A\N{COMBINING RING ABOVE}NGSTRO\N{COMBINING DIAERESIS}M"),
        ("\N{ANGSTROM SIGN}ngström", "ång"),
        ("ﬁnance", "FINANCE"),
        ("شركة الميناء", "الميناء"),
        ("🚢 Harbour 👩\N{ZERO WIDTH JOINER}💻", "👩\N{ZERO WIDTH JOINER}💻"),
        ("한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8"),
        ("\ud800", "\ud800"),
    ],
)
def test_a_name_is_found_however_it_is_written(name: str, search: str) -> None:
    assert folded(search) in folded(name)


@pytest.mark.parametrize(
    ("name", "search"),
    [("Café", "cafe"), ("Harbour", "harbor"), ("Straße", "strase"), ("Harbour", "h r")],
)
def test_another_character_is_another_name(name: str, search: str) -> None:
    assert folded(search) not in folded(name)


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    once = folded(text)
    assert folded(once) == once
    for form in ("NFC", "NFD"):
        assert folded(unicodedata.normalize(form, text)) == once
    assert folded(text.casefold()) == once
