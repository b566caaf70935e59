"""POST /v1/events: who may say what, and whose identity is whose."""

from __future__ import annotations

from typing import Any

import pytest

from dev.gateway import PLATFORM
from tally.access.model.scopes import Scope
from tally.intake.registry import EVENT_TYPES
from tests.api.answers import accepted, answer, duplicate, failure, ingested, rejected
from tests.api.posting import CONFLICT, post_as
from tests.builders import CREATED_AT, REQUIRED, charged_market, event, told
from tests.world import World

# What a tenant may send with a key of its own, about itself.
OF_A_PORTFOLIO = (
    "organization.created",
    "organization.updated",
    "organization.deleted",
    "identification.recorded",
    "usage.recorded",
)
OF_THE_PLATFORM = tuple(each for each in REQUIRED if each not in OF_A_PORTFOLIO)
EVERY_KEY = (Scope.EVENTS_WRITE, Scope.ADMIN)


@pytest.fixture
def market(world: World) -> World:
    """Tenants acme and rival; each has a dataset and an organization org_1. acme was charged."""
    charged_market(world)
    world.send(event("organization.created", CREATED_AT, partner_id="rival"))
    return world


def not_permitted(sent: dict[str, Any]) -> Any:
    message = f"type: only the platform may send {sent['type']}"
    return rejected(sent, "not_permitted", message)


def test_every_type_is_the_platforms_or_a_portfolios() -> None:
    from_tenants = {name for name, declared in EVENT_TYPES.items() if declared.from_tenants}
    assert from_tenants == set(OF_A_PORTFOLIO)


@pytest.mark.parametrize("event_type", OF_A_PORTFOLIO)
def test_a_tenant_speaks_for_its_own_portfolio(event_type: str, market: World) -> None:
    sent = told(event_type, partner_id="rival")

    assert post_as(market, "rival", sent) == ingested(202, accepted(sent))


@pytest.mark.parametrize("scope", EVERY_KEY)
@pytest.mark.parametrize("event_type", OF_A_PORTFOLIO)
def test_a_tenant_speaks_for_no_other_portfolio(
    event_type: str, scope: Scope, market: World
) -> None:
    """A tenant that exists is refused like one that does not."""
    foreign = [told(event_type, partner_id=partner_id) for partner_id in ("acme", "nobody")]
    key = market.key("rival", scope)

    with market.unchanged():
        answered = market.request("POST", "/v1/events", key=key, json_body=foreign)

    assert answered == ingested(
        422,
        *[
            rejected(
                each,
                "unknown_tenant",
                f"data.partner_id: tenant {each['data']['partner_id']} does not exist.",
            )
            for each in foreign
        ],
    )


@pytest.mark.slow
@pytest.mark.parametrize("scope", EVERY_KEY)
@pytest.mark.parametrize("event_type", OF_THE_PLATFORM)
def test_money_and_the_catalogue_come_from_the_platform_alone(
    event_type: str, scope: Scope, market: World
) -> None:
    """Whatever the event names, whether it exists, and whether it makes sense."""
    of = "partner_id" if event_type.startswith("partner.") else "tenant_id"
    before = told(event_type)
    market.send(before)
    named = [{of: "rival"}, {of: "acme"}, {of: "nobody"}, {"dataset_id": "dset_9"}]
    sent = [told(event_type, **fields) for fields in named]
    sent += [before, before | {"time": "2026-04-05T09:31:00Z"}, told(event_type) | {"data": {}}]
    key = market.key("rival", scope)

    with market.unchanged():
        answered = market.request("POST", "/v1/events", key=key, json_body=sent)

    assert answered == ingested(422, *map(not_permitted, sent))


@pytest.mark.parametrize("event_type", REQUIRED)
def test_the_platform_may_send_every_type(event_type: str, market: World) -> None:
    sent = told(event_type)

    assert market.send(sent) == ingested(202, accepted(sent))


@pytest.mark.parametrize("sender", ["acme", "rival"])
def test_history_is_imported_by_the_platform_alone(sender: str, market: World) -> None:
    sent = [told("dataset.accessed", "2025-12-31T23:59:59Z", tenant_id=sender)]
    keys = [market.key(sender, scope) for scope in EVERY_KEY]
    keys.append(market.key(PLATFORM, Scope.EVENTS_WRITE))

    with market.unchanged():
        answered = [
            market.request("POST", "/v1/events?backfill=true", key=key, json_body=sent)
            for key in keys
        ]

    message = "backfill=true needs the scope admin:* of the platform tenant."
    assert answered == [answer(403, failure("insufficient_scope", message))] * 3


# ---------------------------------------------------------------------------- identities


def identified(partner_id: str, quantity: int = 1) -> dict[str, Any]:
    """An identification whose identity is the same for every partner."""
    return told("identification.recorded", id="evt-1", partner_id=partner_id, quantity=quantity)


def identifications(market: World, partner_id: str) -> int:
    market.deliver()
    total: int = market.get_partner("/partner/analytics", partner_id)["totalIdentifications"]
    return total


def test_each_sender_has_identities_of_its_own(market: World) -> None:
    """The same source and id, three times: nobody takes, learns of or blocks another's."""
    by_acme, by_rival = identified("acme", 1), identified("rival", 20)
    by_platform = identified("acme", 300)

    assert post_as(market, "acme", by_acme) == ingested(202, accepted(by_acme))
    assert post_as(market, "rival", by_rival) == ingested(202, accepted(by_rival))
    assert market.send(by_platform) == ingested(202, accepted(by_platform))

    assert identifications(market, "acme") == 301
    assert identifications(market, "rival") == 20


def test_the_very_same_event_of_two_senders_counts_for_each(market: World) -> None:
    same = identified("acme")

    assert market.send(same) == ingested(202, accepted(same))
    assert post_as(market, "acme", same) == ingested(202, accepted(same))

    assert identifications(market, "acme") == 2


def test_within_its_sender_an_identity_stands_for_one_event(market: World) -> None:
    sent, other = identified("acme", 1), identified("acme", 2)
    market.send(identified("acme", 300))
    post_as(market, "acme", sent)

    with market.unchanged():
        answered = post_as(market, "acme", sent, other)

    assert answered == ingested(207, duplicate(sent), rejected(other, "event_conflict", CONFLICT))


def test_the_platform_is_one_sender_through_each_of_its_keys(market: World) -> None:
    sent = identified("acme")
    market.send(sent)
    admin = market.key(PLATFORM, Scope.ADMIN)

    with market.unchanged():
        answered = market.request("POST", "/v1/events", key=admin, json_body=[sent])

    assert answered == ingested(202, duplicate(sent))


def test_an_organization_said_of_by_two_senders_at_one_time_is_the_same_in_any_order(
    market: World,
) -> None:
    """Even if they say it under the same identity."""

    def told_of(partner_id: str, name: str) -> dict[str, Any]:
        return told("organization.updated", id="evt-2", partner_id=partner_id, name=name)

    post_as(market, "acme", told_of("acme", "Its own"))
    market.send(told_of("acme", "The platform's"))
    market.send(told_of("rival", "The platform's") | {"source": "/marketplace"})
    post_as(market, "rival", told_of("rival", "Its own"))

    names = {
        partner_id: market.get_partner("/partner/organizations", partner_id)["organizations"][0][
            "name"
        ]
        for partner_id in ("acme", "rival")
    }
    assert names["acme"] == names["rival"]


# -------------------------------------------------- marks from before senders had their own


def forget_sender(market: World) -> None:
    """Make the marks of all events look like those that Tally wrote when all senders shared their
    identities."""
    for item in market.items():
        if item["SK"] == {"S": "EVENT"}:
            market.table.client.update_item(
                TableName=market.table.name,
                Key={"PK": item["PK"], "SK": item["SK"]},
                UpdateExpression="REMOVE sender",
            )


def test_an_event_accepted_before_stays_a_duplicate_for_whoever_sent_it(market: World) -> None:
    sent = identified("acme")
    market.send(sent)
    forget_sender(market)
    market.key("acme", Scope.EVENTS_WRITE)

    with market.unchanged():
        by_tenant = post_as(market, "acme", sent)
        by_platform = market.send(sent)

    assert by_tenant == by_platform == ingested(202, duplicate(sent))


def test_a_mark_from_before_tells_a_tenant_nothing_else(market: World) -> None:
    market.send(identified("acme", 300))
    forget_sender(market)
    own, rivals = identified("acme", 1), identified("rival", 1)

    assert post_as(market, "acme", own) == ingested(202, accepted(own))
    assert post_as(market, "rival", rivals) == ingested(202, accepted(rivals))

    with market.unchanged():
        again = market.send(identified("acme", 2))
    assert again.status == 422
