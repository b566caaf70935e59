"""GET /partner/organizations: the portfolio's organizations, newest first, and their metadata."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from tests import builders
from tests.api.answers import (
    accepted,
    duplicate,
    ingested,
)
from tests.api.organizations import found, listed, shown
from tests.api.portfolios import ORGANIZATIONS, ask, ok_list, organization
from tests.api.posting import deep, post
from tests.builders import accept
from tests.world import World


@pytest.fixture
def portfolio(world: World) -> World:
    """Partners acme and rival, without organizations. Nothing is delivered in these tests: an
    organization is in the list as soon as its event was accepted."""
    return builders.market(world, "acme", "rival")


# ------------------------------------------------------------------------------- what it shows


def test_a_portfolio(portfolio: World) -> None:
    accept(
        portfolio,
        organization("created", "org_1", "2026-04-01T00:00:00Z"),
        organization(
            "created",
            "org_2",
            "2026-04-02T11:30:00.999+02:00",
            name="Nordic Retail",
            external_id="crm-77",
            status="suspended",
            tier="paid",
            credits=250,
            metadata={"region": "EU", "seats": 12},
        ),
        organization("created", "org_1", "2026-04-03T00:00:00Z", partner_id="rival"),
    )

    assert ask(portfolio, ORGANIZATIONS) == ok_list(
        {
            "organizations": [
                {
                    "id": "org_2",
                    "name": "Nordic Retail",
                    "externalId": "crm-77",
                    "status": "suspended",
                    "tier": "paid",
                    "credits": 250,
                    "metadata": {"region": "EU", "seats": 12},
                    "createdAt": "2026-04-02T09:30:00Z",
                },
                {
                    "id": "org_1",
                    "name": "Harbour Analytics",
                    "externalId": None,
                    "status": "active",
                    "tier": "trial",
                    "credits": 0,
                    "metadata": {},
                    "createdAt": "2026-04-01T00:00:00Z",
                },
            ],
            "total": 2,
            "page": 1,
            "pageSize": 20,
        }
    )
    rivals = shown("org_1", createdAt="2026-04-03T00:00:00Z")
    assert ask(portfolio, ORGANIZATIONS, "rival") == ok_list(listed(rivals))


def test_a_partner_without_organizations(portfolio: World) -> None:
    assert ask(portfolio, ORGANIZATIONS) == ok_list(listed())
    assert ask(portfolio, f"{ORGANIZATIONS}?page=7&status=active") == ok_list(listed(page=7))


@pytest.mark.parametrize("in_order", [True, False])
def test_an_organization_is_what_was_said_last(
    in_order: bool,  # noqa: FBT001  pytest gives it by name
    portfolio: World,
) -> None:
    first = organization(
        "created", "org_1", external_id="x", status="suspended", tier="paid", credits=5
    )
    changes = [
        organization("updated", "org_1", "2026-04-02T00:00:00Z", name="Renamed"),
        organization("updated", "org_1", "2026-04-03T00:00:00Z", name="Again", status=None),
        organization("updated", "org_1", "2026-04-03T00:00:00.000000001Z", metadata={"a": None}),
    ]
    accept(portfolio, first)
    for change in changes if in_order else reversed(changes):
        accept(portfolio, change)

    said = {"externalId": "x", "tier": "paid", "credits": 5, "metadata": {"a": None}}
    assert ask(portfolio, ORGANIZATIONS) == ok_list(listed(shown("org_1", **said)))
    assert found(portfolio, "search=again") == []


def test_deleted_ones_are_gone_and_come_back_as_new_ones(portfolio: World) -> None:
    created = organization("created", "org_1", external_id="x", credits=5, status="canceled")
    deleted = organization("deleted", "org_1", "2026-04-03T00:00:00Z")
    late = organization("updated", "org_1", "2026-04-02T00:00:00Z", name="Late", tier="paid")
    again = organization("created", "org_1", "2026-04-04T00:00:00Z", name="Back")
    back = shown("org_1", name="Back", createdAt="2026-04-04T00:00:00Z")

    accept(portfolio, created, deleted)
    assert ask(portfolio, ORGANIZATIONS) == ok_list(listed())
    accept(portfolio, late)
    assert ask(portfolio, ORGANIZATIONS) == ok_list(listed())
    accept(portfolio, again)
    assert ask(portfolio, ORGANIZATIONS) == ok_list(listed(back))
    # What was said of the old one says nothing of the new one.
    accept(
        portfolio,
        organization("updated", "org_1", "2026-04-02T12:00:00Z", name="Older", credits=9),
        organization("deleted", "org_1", "2026-04-02T13:00:00Z"),
    )
    assert ask(portfolio, ORGANIZATIONS) == ok_list(listed(back))
    assert found(portfolio, "externalId=x") == []
    accept(portfolio, organization("deleted", "org_1", "2026-04-05T00:00:00Z"))
    assert ask(portfolio, ORGANIZATIONS) == ok_list(listed())


# ----------------------------------------------------------------------------------- metadata


METADATA = [
    "{}",
    '{"a": null, "b": true, "c": false, "d": [], "e": {}, "f": ""}',
    '{"deep": {"list": [1, [2, {"x": [null]}]]}}',
    '{"price": 0.10, "rate": 1.000, "small": 0.000000000000000000001}',
    '{"big": 123456789012345678901234567890, "negative": -9007199254740993}',
    '{"precise": 3.14159265358979323846264338327950288}',
    '{"ключ": "значение", "🔑": "🚢", "é": "e\u0301"}',
    '{"z": 1, "a": 2, "M": 3}',
    '{"control": "\\u0000\\n\\"\\\\"}',
]


def test_metadata_is_given_back_as_it_was_sent(portfolio: World) -> None:
    """Number for number, in the order of its keys."""
    for n, text in enumerate(METADATA):
        sent = organization("created", "org_1", f"2026-04-01T00:00:{n:02}Z", metadata="?")
        assert post(portfolio, json.dumps(sent).replace('"?"', text)).status == 202
        answered = ask(portfolio, ORGANIZATIONS)
        metadata = answered.body["organizations"][0]["metadata"]
        expected = json.loads(text, parse_float=Decimal)
        assert metadata == expected
        assert list(metadata) == list(expected)
        assert [*map(str, metadata.values())] == [*map(str, expected.values())]
    assert answered.status == 200


def test_exact_numbers_in_metadata_are_written_as_they_were(portfolio: World) -> None:
    text = '{"price": 0.10, "rate": 1.000, "big": 123456789012345678901234567890}'
    sent = organization("created", "org_1", metadata="?")
    assert post(portfolio, json.dumps(sent).replace('"?"', text)).status == 202

    assert f'"metadata": {text}, ' in ask(portfolio, ORGANIZATIONS).text


def test_the_longest_metadata(portfolio: World) -> None:
    """4,096 bytes of JSON without white space, and 16 levels."""
    longest = [{"a": "x" * 4088}, {"ü": "ü" * 2043 + "x"}, deep(16)]
    for n, metadata in enumerate(longest):
        accept(portfolio, organization("created", f"org_{n}", metadata=metadata))

    body = ask(portfolio, ORGANIZATIONS).body
    assert [each["metadata"] for each in body["organizations"]] == longest[::-1]


def test_the_order_of_keys_in_metadata_is_spelling(portfolio: World) -> None:
    metadata = {"a": {"b": 1, "c": [2, 3]}, "d": "é"}
    turned = {"d": "é", "a": {"c": [2, 3], "b": 1}}
    sent = organization("created", "org_1", metadata=metadata)
    spelled = sent | {"data": sent["data"] | {"metadata": turned}}
    other = sent | {"data": sent["data"] | {"metadata": metadata | {"d": "e"}}}
    accept(portfolio, sent)

    with portfolio.unchanged():
        assert portfolio.send(spelled) == ingested(202, duplicate(sent))
        refused = portfolio.send(other).body["data"]["results"]
    assert refused[0]["error"]["code"] == "event_conflict"
    assert ask(portfolio, ORGANIZATIONS) == ok_list(listed(shown("org_1", metadata=metadata)))


def test_null_metadata_is_none(portfolio: World) -> None:
    empty = organization("updated", "org_1", "2026-04-02T00:00:00Z", metadata=None)
    accept(portfolio, organization("created", "org_1", metadata={"a": 1}))

    assert portfolio.send(empty) == ingested(202, accepted(empty))
    assert ask(portfolio, ORGANIZATIONS) == ok_list(listed(shown("org_1")))
