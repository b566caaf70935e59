"""Secrets and personal data in what queues, the stream, the bus and the table hold: none of it is
found in a log line of the functions that read it, nor in an exception, which Lambda logs."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from dev.gateway import PLATFORM
from dev.template import functions, module_of
from tally import logs
from tally.aws.buckets import Bucket
from tally.operations.calls import Reply
from tally.operations.probe import Timing
from tests import builders
from tests.api.leaks import changed, fields_of, raise_at, values
from tests.api.samples import TENANT, import_a_charge, sample
from tests.api.secrets import (
    BUSY,
    EXTERNAL_ID,
    FAULTS,
    KEY,
    ORGANIZATION,
    PASSPORT,
    PERSON,
    QUERY_TEXT,
    TEXT,
    everything_written,
    leaked,
)
from tests.builders import REQUIRED, event, told
from tests.bus import delivered
from tests.store.test_health import Objects
from tests.world import World

pytestmark = pytest.mark.slow

TRIGGERED = sorted(
    name
    for name, properties in functions().items()
    if not any(each["Type"] == "Api" for each in properties["Events"].values())
)
# Ids by which a line or an error names what it is about: AWS gave them, or Tally in its own tasks.
GIVEN = ("eventID", "messageId", "run_id", "tenant_id", "period", "dataset_id")


class Sink:
    """A queue that takes everything."""

    def send(self, body: str, *_: object, **__: object) -> None:
        assert body

    def send_all(self, bodies: Any) -> None:
        assert all(bodies)


QUEUES = ("payout_tasks", "erasure_tasks", "inbound_events", "rejected_events")


@pytest.fixture
def market(world: World) -> World:
    """All of it personal."""
    world.tenant(TENANT, display_name=PERSON)
    builders.charged_market(world)
    builders.accept(
        world,
        told("search.performed", query_text=QUERY_TEXT),
        event("organization.updated", name=ORGANIZATION, external_id=EXTERNAL_ID),
        event("organization.updated", metadata={"passport": PASSPORT}),
    )
    import_a_charge(world, TENANT)
    world.run_payouts("2026-03")
    return world


@pytest.fixture
def function(request: Any, market: World, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A function's module, in the world."""
    properties = functions()[request.param]
    module = module_of(properties)
    for name, value in properties.get("Environment", {}).get("Variables", {}).items():
        monkeypatch.setenv(name, value if isinstance(value, str) else "90")
    monkeypatch.setenv("PLATFORM_TENANT_ID", PLATFORM)
    provided: dict[str, Any] = {
        "default_table": lambda: market.table,
        "current_instant": lambda: market.now,
        "failed_batches": lambda: Bucket(Objects((TEXT,)), "failed-batches"),
        "call_api": lambda *_: Reply(500, {"error": {"message": TEXT}}),
        "Timing": lambda patience_s: Timing(0 * patience_s, lambda _: None),
        **dict.fromkeys(QUEUES, Sink),
    }
    for name in provided.keys() & vars(module).keys():
        monkeypatch.setattr(module, name, provided[name])
    return module


each_function = pytest.mark.parametrize("function", TRIGGERED, indirect=True)


def assert_kept(module: ModuleType, sent: Any, own: str = "") -> Exception | None:
    """One invocation tells nothing, whatever becomes of it. What it raised, if it did."""
    raised = None
    with everything_written() as lines:
        try:
            module.handler(sent, None)
        except Exception as error:  # noqa: BLE001  any that the function lets out
            raised = error
            lines.extend(traceback.format_exception(error))
    assert not leaked("\n".join(lines), also=own), lines
    return raised


def poisoned(document: Any) -> Iterator[Any]:
    """The same document with a secret in each place, one after another; bodies are JSON."""
    for path in fields_of(document):
        if path[-1] in GIVEN:
            continue
        yield from (changed(document, path, each) for each in (TEXT, {"S": QUERY_TEXT}))
        if path[-1] == "body":
            value = _at(document, path)
            for body in poisoned(json.loads(value)):
                yield changed(document, path, json.dumps(body))
            yield changed(document, path, f"{value}{TEXT}")


def _at(document: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        document = document[name]
    return document


def _by_record(sent: Any) -> Iterator[Any]:
    yield from ({"Records": [each]} for each in sent["Records"]) if "Records" in sent else (sent,)


@each_function
def test_what_triggers_it(function: ModuleType, request: pytest.FixtureRequest) -> None:
    for record in _by_record(sample(request.node.callspec.params["function"])):
        for sent in poisoned(record):
            assert_kept(function, sent)


@each_function
def test_faults(function: ModuleType, market: World, request: pytest.FixtureRequest) -> None:
    """The table fails, with an item and its key in what it says."""
    sent = sample(request.node.callspec.params["function"])
    before = market.key(PLATFORM)

    for number in (1, 2, 3):
        for fault in (*FAULTS.values(), *BUSY.values()):
            with market.on_call(raise_at(number, fault)):
                assert_kept(function, sent, own=before)


def tampered(attributes: dict[str, Any], kinds: str) -> dict[str, Any]:
    """An item with secrets in the place of all values of these kinds, but for what names it."""
    kept = ("PK", "SK", "GSI1PK", "GSI1SK", "tenant_id")
    return {
        name: value if name in kept or not set(kinds) & value.keys() else {"S": TEXT}
        for name, value in attributes.items()
    }


@each_function
@pytest.mark.parametrize("kinds", ["S", "NLM"])
def test_what_the_table_holds(
    kinds: str, function: ModuleType, market: World, request: pytest.FixtureRequest
) -> None:
    """As a bug or a person at the console would write it."""
    market.deliver()
    for item in market.items():
        if item["SK"]["S"] not in ("TENANT", "APIKEY"):
            market.table.client.put_item(TableName=market.table.name, Item=tampered(item, kinds))
    batch = {"Records": market.new_stream_records()}
    for sent in (sample(request.node.callspec.params["function"]), batch):
        assert_kept(function, sent)


@pytest.mark.parametrize("function", ["ReceiveEvents"], indirect=True)
@pytest.mark.parametrize("event_type", REQUIRED)
def test_events_on_the_bus(event_type: str, function: ModuleType) -> None:
    whole = told(event_type, id="evt-1")
    for path in fields_of(whole):
        for text in (KEY, QUERY_TEXT):
            bodies = [json.dumps(delivered(changed(whole, path, value))) for value in values(text)]
            broken = [f"{bodies[0][:-9]}{text}", text, json.dumps(text), json.dumps([text])]
            assert_kept(function, {"Records": [_record(body) for body in [*bodies, *broken]]})


def _record(body: str) -> dict[str, Any]:
    return {"messageId": "m-1", "body": body, "attributes": {}, "messageAttributes": {}}


def test_a_leak_is_found(market: World, monkeypatch: pytest.MonkeyPatch) -> None:
    module = module_of(functions()["CountChanges"])
    monkeypatch.setattr(module, "default_table", lambda: market.table)
    formatter = logging.Formatter()

    def leaking(*_: object) -> None:
        logs.logger.error("failed", exc_info=FAULTS["bug"])

    monkeypatch.setattr(module, "count", leaking)
    monkeypatch.setattr(logs.formatter, "format", formatter.format)

    with pytest.raises(AssertionError, match="leaked"):
        assert_kept(module, {"Records": []})
