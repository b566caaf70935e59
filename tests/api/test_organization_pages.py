"""GET /partner/organizations: filters and pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import count
from unicodedata import normalize
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dev.gateway import proxy_event
from tests import builders
from tests.api.answers import (
    accepted,
    ingested,
    invalid,
    partner_failure,
    rejected,
)
from tests.api.organizations import found, listed, shown
from tests.api.portfolios import ORGANIZATIONS, as_list, ask, ok_list, organization
from tests.api.posting import assert_each_rejected
from tests.builders import accept
from tests.world import World

numbers = count(1)


@pytest.fixture
def portfolio(world: World) -> World:
    """Partners acme and rival, without organizations. Nothing is delivered in these tests: an
    organization is in the list as soon as its event was accepted."""
    return builders.market(world, "acme", "rival")


# ------------------------------------------------------------------------------------ filters


def test_filters_together_and_apart(portfolio: World) -> None:
    accept(
        portfolio,
        organization("created", "org_1", name="Harbour One", external_id="a"),
        organization("created", "org_2", name="HARBOUR Two", external_id="b", status="suspended"),
        organization("created", "org_3", name="Port", external_id="a", status="suspended"),
        organization("created", "org_4", name="Old harbour", status="canceled"),
    )

    queries = {
        "status=active": ["org_1"],
        "status=suspended": ["org_3", "org_2"],
        "status=canceled": ["org_4"],
        "search=harbour": ["org_4", "org_2", "org_1"],
        "search=R%20T": ["org_2"],
        "search=": ["org_4", "org_3", "org_2", "org_1"],
        "search=nothing": [],
        "search=org_1": [],
        "externalId=a": ["org_3", "org_1"],
        "externalId=A": [],
        "externalId=": [],
        "externalId=a&status=suspended": ["org_3"],
        "externalId=b&search=two&status=suspended": ["org_2"],
        "externalId=b&search=two&status=active": [],
        "search=harbour&status=canceled&unknown=x": ["org_4"],
        "tier=paid": ["org_4", "org_3", "org_2", "org_1"],
    }
    assert {query: found(portfolio, query) for query in queries} == queries
    assert found(portfolio, "search=harbour", "rival") == []


def test_filters_follow_the_organization(portfolio: World) -> None:
    accept(
        portfolio,
        organization("created", "org_1", name="Before", external_id="a"),
        organization(
            "updated", "org_1", "2026-04-02T00:00:00Z", name="Behind", external_id=None, status=None
        ),
        organization("updated", "org_1", "2026-04-03T00:00:00Z", name="After", status="canceled"),
    )

    queries: dict[str, list[str]] = {
        "search=before": [],
        "search=behind": [],
        "search=after": ["org_1"],
        "externalId=a": [],
        "status=active": [],
        "status=canceled": ["org_1"],
    }
    assert {query: found(portfolio, query) for query in queries} == queries


# Names, and searches that find them.
NAMES: dict[str, Sequence[str]] = {
    "Café Zürich": ("CAFÉ", "cafe\N{COMBINING ACUTE ACCENT}", "zürich", "é z"),
    "Cafe\N{COMBINING ACUTE ACCENT} Bern": ("café", "CAFÉ BERN"),
    "Große Straße": ("STRASSE", "grosse", "ße"),
    "İstanbul Liman": ("stanbul", "İSTANBUL", "liman"),
    "شركة الميناء": ("الميناء", "شركة"),
    "נמל חיפה": ("חיפה",),
    "港の分析": ("港", "の分"),
    "한국 항만": ("한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8"),
    "ΣΊΣΥΦΟΣ": ("σίσυφος",),
    "🚢 👩\N{ZERO WIDTH JOINER}💻": ("🚢", "👩\N{ZERO WIDTH JOINER}💻"),
    "100% & Co + #1 \\ \"x\" 'y' %_": ("100%", "& co", "+", "#1", "\\", '"x"', "%_"),
    "\N{RIGHT-TO-LEFT MARK}\N{ZERO WIDTH SPACE}\N{NO-BREAK SPACE}.": ("\u200f\u200b",),
    "🏴" * 256: ("🏴" * 256,),
}


# Control characters, overrides of the text's direction, halves of surrogate pairs.
UNREADABLE = r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"


@pytest.mark.slow
def test_names_of_any_script_are_kept_and_found(portfolio: World) -> None:
    """In any case and normal form."""
    ids = {f"org_{n:02}": name for n, name in enumerate(NAMES)}
    accept(portfolio, *[organization("created", each, name=name) for each, name in ids.items()])

    body = ask(portfolio, ORGANIZATIONS).body
    assert {each["id"]: each["name"] for each in body["organizations"]} == ids
    missed = [
        (name, search)
        for organization_id, name in ids.items()
        for search in NAMES[name]
        if organization_id not in found(portfolio, f"search={quote(search)}")
    ]
    assert missed == []


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.text(
        st.characters() | st.sampled_from("ßİé\u0301🚢 \t\x7f\x9b\u200f\u202e\u2069\ud800"),
        max_size=30,
    )
)
def test_a_name_is_refused_or_kept_as_it_is(portfolio: World, name: str) -> None:
    """And found by whatever else means the same."""
    sent = organization("created", f"org_{next(numbers)}", name=name)
    organization_id = sent["data"]["organization_id"]
    is_name = bool(name.strip()) and not re.search(UNREADABLE, name)

    answered = portfolio.send(sent)

    if not is_name:
        (result,) = answered.body["data"]["results"]
        refused = rejected(sent, "invalid_event", result["error"]["message"])
        assert answered == ingested(422, refused)
        assert refused["error"]["message"].startswith("data.name: ")
        return
    assert answered == ingested(202, accepted(sent))
    body = ask(portfolio, f"{ORGANIZATIONS}?pageSize=100").body
    assert {each["id"]: each["name"] for each in body["organizations"]}[organization_id] == name
    for search in (name, name.casefold(), normalize("NFD", name), normalize("NFC", name)):
        assert organization_id in found(portfolio, f"search={quote(search)}")


@pytest.mark.parametrize("search", ["%00", "%0A", "%ED%A0%80", "%FF", "x" * 5000, "%F0%9F%92%A9"])
def test_any_text_may_be_searched_for(search: str, portfolio: World) -> None:
    accept(portfolio, organization("created", "org_1"))

    for field in ("search", "externalId"):
        assert found(portfolio, f"{field}={search}") == []


def test_a_text_that_is_no_unicode_is_refused(portfolio: World) -> None:
    accept(portfolio, organization("created", "org_1"))
    fields = ("name", "external_id", "organization_id")
    wrong = {
        f"data.{field}": organization(verb, **{"organization_id": "org_1", field: "a\ud800"})
        for verb in ("created", "updated")
        for field in fields
    }

    assert_each_rejected(portfolio, wrong)


# -------------------------------------------------------------------------------------- pages


NEWEST_FIRST = ["org_5", "org_b", "org_a", "org_Z", "org_1"]


@pytest.fixture
def five(portfolio: World) -> World:
    """Those of one instant are in the order of their ids, from the end."""
    times = [
        "2026-04-05T09:00:00Z",
        *["2026-04-02T00:00:00.000000001Z"] * 3,
        "2026-04-02T00:00:00Z",
    ]
    accept(
        portfolio,
        *[
            organization("created", each, time)
            for each, time in sorted(zip(NEWEST_FIRST, times, strict=True))
        ],
    )
    return portfolio


def test_pages_are_as_long_as_the_page_size(five: World) -> None:
    for size in (1, 2, 3, 4, 5, 6, 100):
        pages = -(-len(NEWEST_FIRST) // size)
        seen = []
        for page in range(1, pages + 2):
            body = ask(five, f"{ORGANIZATIONS}?page={page}&pageSize={size}").body
            assert (body["total"], body["page"], body["pageSize"]) == (5, page, size)
            ids = [each["id"] for each in body["organizations"]]
            assert len(ids) <= size
            seen += ids
        assert seen == NEWEST_FIRST
        assert ids == []


def test_a_page_is_of_what_the_filters_let_through(five: World) -> None:
    change = organization("updated", "org_a", "2026-04-05T00:00:00Z", name="Other")
    accept(five, change)

    body = ask(five, f"{ORGANIZATIONS}?search=harbour&page=2&pageSize=2").body

    assert [each["id"] for each in body["organizations"]] == ["org_Z", "org_1"]
    assert body["total"] == 4


def test_far_beyond_the_last_page(five: World) -> None:
    for page in (2, 10**9):
        expected = listed(total=5, page=page)
        assert ask(five, f"{ORGANIZATIONS}?page={page}") == ok_list(expected)


def test_a_page_holds_20_unless_told(portfolio: World) -> None:
    times = {f"org_{n:02}": f"2026-04-01T00:{n:02}:00Z" for n in range(21)}
    accept(portfolio, *[organization("created", each, time) for each, time in times.items()])
    by_age = [shown(each, createdAt=time) for each, time in reversed(times.items())]

    assert ask(portfolio, ORGANIZATIONS) == ok_list(listed(*by_age[:20], total=21))
    assert ask(portfolio, f"{ORGANIZATIONS}?page=2") == ok_list(
        listed(by_age[20], total=21, page=2)
    )


@pytest.mark.parametrize("field", ["page", "pageSize"])
def test_pages_and_sizes_that_are_none(field: str, five: World) -> None:
    wrong = [
        "0",
        "-1",
        "",
        "abc",
        "1.5",
        "1.0",
        "1_0",
        "%201",
        "1e1",
        "null",
        "%D9%A1",
        "%00",
        "1,2",
        "9" * 5000,
    ]
    wrong += ["101", "9" * 30] if field == "pageSize" else ["1000000001", "9" * 30, "9" * 4000]
    for value in wrong:
        answered = ask(five, f"{ORGANIZATIONS}?{field}={value}")
        reason = answered.body["details"][field]
        message = invalid((field, reason))["error"]["message"]
        assert answered == as_list(partner_failure(400, message, **{field: reason}))
    if field == "pageSize":
        assert reason == "must be at most 100"


def test_a_parameter_that_is_sent_twice_is_refused(five: World) -> None:
    """Whichever was meant."""
    for field, value in {"page": "1", "pageSize": "5", "search": "a", "externalId": "a"}.items():
        twice = proxy_event("GET", ORGANIZATIONS, {"X-API-Key": five.key("acme")})
        twice["multiValueQueryStringParameters"] = {field: [value, value]}
        answered = five.invoke(twice)
        reason = answered.body["details"][field]
        message = invalid((field, reason))["error"]["message"]
        assert answered == as_list(partner_failure(400, message, **{field: reason}))


def test_statuses_that_are_none(five: World) -> None:
    reason = "must be one of: active, suspended, canceled"
    message = f"The request is not valid: status: {reason}."
    for value in ("", "Active", "deleted", "active%20", "%00"):
        assert ask(five, f"{ORGANIZATIONS}?status={value}") == as_list(
            partner_failure(400, message, status=reason)
        )


def test_a_page_is_a_few_reads(five: World) -> None:
    """Of the key and the limit, of the list, and of the organizations on the page."""
    calls: list[str] = []
    ask(five, ORGANIZATIONS)  # which makes the key
    with five.on_call(calls.append):
        ask(five, f"{ORGANIZATIONS}?pageSize=100")
    assert calls == ["GetItem", "GetItem", "Query", "BatchGetItem"]
