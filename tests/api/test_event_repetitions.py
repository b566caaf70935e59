"""POST /v1/events: what is a repetition, and who may speak for whom."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.answers import (
    accepted,
    duplicate,
    ingested,
    rejected,
)
from tests.api.posting import CONFLICT, JSON, post
from tests.builders import REQUIRED, charged_market, event, told
from tests.world import World


@pytest.fixture
def market(world: World) -> World:
    return charged_market(world)


# ----------------------------------------------------------------------- repetitions


def test_a_repetition_is_a_duplicate_however_late(market: World) -> None:
    created = event("dataset.created", "2026-02-01T00:00:00Z", dataset_id="dset_2", name="First")
    uploaded = event("object.uploaded", dataset_id="dset_2", size_bytes=1)
    assert market.send(created, created, uploaded) == ingested(
        202, accepted(created), duplicate(created), accepted(uploaded)
    )
    later = [
        event("dataset.updated", "2026-02-02T00:00:00Z", dataset_id="dset_2", name="Second"),
        event("dataset.deleted", "2026-04-05T09:59:00Z", dataset_id="dset_2"),
    ]
    assert market.send(*later).status == 202
    market.wait(days=4000)

    with market.unchanged():
        answered = market.send(created, uploaded, *later)

    assert answered.status == 202
    assert (
        answered.body["data"]
        == ingested(202, *map(duplicate, [created, uploaded, *later])).body["data"]
    )


@pytest.mark.parametrize(
    "other",
    [
        {"data": {"size_bytes": 2}},
        {"data": {"object_id": "obj_2"}},
        {"data": {"tenant_id": "rival", "dataset_id": "dset_9"}},
        {"time": "2026-04-05T09:30:00.000000001Z"},
    ],
    ids=str,
)
def test_other_content_under_a_known_id_is_a_conflict(other: dict[str, Any], market: World) -> None:
    sent = event("object.uploaded", size_bytes=1)
    changed = sent | other | {"data": sent["data"] | other.get("data", {})}
    assert market.send(sent).status == 202

    with market.unchanged():
        answered = market.send(changed)

    assert answered == ingested(422, rejected(changed, "event_conflict", CONFLICT))


def test_another_type_under_a_known_id_is_a_conflict(market: World) -> None:
    sent = event("object.approved")
    changed = sent | {"type": "object.rejected"}
    market.send(sent)

    with market.unchanged():
        assert market.send(changed) == ingested(422, rejected(changed, "event_conflict", CONFLICT))


def test_other_content_under_an_id_of_the_same_request_is_a_conflict(market: World) -> None:
    sent = event("dataset.updated", name="One")
    changed = event("dataset.updated", id=sent["id"], name="Other")

    assert market.send(sent, changed) == ingested(
        207, accepted(sent), rejected(changed, "event_conflict", CONFLICT)
    )


def test_a_conflict_with_an_event_of_what_is_gone_by_now(market: World) -> None:
    """It would be rejected as it stands: what was accepted once is told all the same."""
    sent = event("object.uploaded", size_bytes=1)
    changed = event("object.uploaded", "2026-04-05T09:59:30Z", id=sent["id"], size_bytes=1)
    market.send(sent, event("dataset.deleted", "2026-04-05T09:59:00Z"))

    with market.unchanged():
        answered = market.send(changed)

    assert answered == ingested(422, rejected(changed, "event_conflict", CONFLICT))


def test_the_id_of_another_source_is_another_event(market: World) -> None:
    sent = event("dataset.updated", name="One")
    other = sent | {"source": "/elsewhere", "data": sent["data"] | {"name": "Other"}}

    assert market.send(sent, other) == ingested(202, accepted(sent), accepted(other))


@pytest.mark.parametrize(
    "spelling",
    [
        {"time": "2026-04-05T11:30:00+02:00"},
        {"time": "2026-04-05t09:30:00.000000000z"},
        {"unknown": {"a": [1]}, "subject": "x", "datacontenttype": JSON},
        {"data": {"unknown": 1.5, "dataset_name": None}},
    ],
    ids=str,
)
def test_the_same_content_spelled_otherwise_is_a_duplicate(
    spelling: dict[str, Any], market: World
) -> None:
    sent = event("dataset.updated", name="Café")
    spelled = sent | spelling | {"data": sent["data"] | spelling.get("data", {})}
    market.send(sent)

    with market.unchanged():
        assert market.send(spelled) == ingested(202, duplicate(sent))


def test_the_order_of_keys_and_escapes_are_spelling(market: World) -> None:
    sent = event("dataset.updated", name="Café")
    turned = {name: sent[name] for name in reversed(sent)}
    turned["data"] = {name: sent["data"][name] for name in reversed(sent["data"])}
    post(market, json.dumps(sent, ensure_ascii=True))

    with market.unchanged():
        answered = post(market, json.dumps(turned, ensure_ascii=False))

    assert answered == ingested(202, duplicate(sent))


@pytest.mark.parametrize("wrong", [{"name": ""}, {"dataset_id": "dset_2"}], ids=str)
def test_a_rejected_event_may_be_sent_again_under_its_id(
    wrong: dict[str, str], market: World
) -> None:
    right = event("dataset.updated", name="Right")
    assert market.send(right | {"data": right["data"] | wrong}).status == 422

    assert market.send(right) == ingested(202, accepted(right))


def test_a_rejected_event_is_accepted_once_it_fits(market: World) -> None:
    early = event("object.uploaded", dataset_id="dset_2", size_bytes=1)
    missing = event("dataset.created", "2026-01-01T00:00:00Z", dataset_id="dset_2")
    assert market.send(early).status == 422
    market.send(missing)

    assert market.send(early) == ingested(202, accepted(early))


# ---------------------------------------------------------------------- other tenants


def unknown_tenant(sent: dict[str, Any], tenant_id: str) -> Any:
    partners = ("partner.", "organization.", "identification.", "usage.")
    field = "partner_id" if sent["type"].startswith(partners) else "tenant_id"
    message = f"data.{field}: tenant {tenant_id} does not exist."
    return rejected(sent, "unknown_tenant", message)


def test_an_unknown_tenant(market: World) -> None:
    nobody = {"tenant_id": "nobody", "partner_id": "nobody"}
    events = [told(event_type, **nobody) for event_type in REQUIRED]

    with market.unchanged():
        answered = market.send(*events)

    assert answered == ingested(422, *[unknown_tenant(e, "nobody") for e in events])


@pytest.mark.parametrize("dataset_id", ["dset_none", "dset_9"], ids=["no dataset", "a foreign one"])
@pytest.mark.parametrize(
    "event_type",
    [each for each in REQUIRED if each.startswith(("dataset.u", "dataset.d", "object."))],
)
def test_a_dataset_that_the_tenant_does_not_have(
    event_type: str, dataset_id: str, market: World
) -> None:
    sent = told(event_type, dataset_id=dataset_id)

    with market.unchanged():
        answered = market.send(sent)

    message = f"data.dataset_id: tenant acme has no dataset {dataset_id}."
    assert answered == ingested(422, rejected(sent, "unknown_dataset", message))


def test_a_dataset_is_its_first_owners_for_ever(market: World) -> None:
    market.send(event("dataset.deleted", tenant_id="rival", dataset_id="dset_9"))
    sent = event("dataset.created", "2026-04-05T09:59:00Z", dataset_id="dset_9")

    with market.unchanged():
        answered = market.send(sent)

    message = "data.dataset_id: tenant acme has no dataset dset_9."
    assert answered == ingested(422, rejected(sent, "unknown_dataset", message))
