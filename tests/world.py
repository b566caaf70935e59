"""A whole Tally in one process: moto's table, the real handlers, a stream that tests deliver."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import count as counter
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import botocore.session
from moto import mock_aws

from tally.domain import api_keys
from tally.domain.api_keys import ApiKey
from tally.domain.instants import Instant, plus
from tally.domain.scopes import Scope
from tally.domain.tenants import Tenant
from tally.http.clock import current_instant
from tally.http.endpoint import platform_tenant_id
from tally.http.lists import cursor_secret
from tally.store.api_keys import create_api_key
from tally.store.counting import Counted, count
from tally.store.parking import park
from tally.store.payout_runs import Run, Task, do_task, get_run
from tally.store.queues import payout_tasks
from tally.store.table import Table, default_table
from tally.store.tenants import create_tenant
from tests.template import create_table, route_for, stream_filters

NOW = "2026-04-05T10:00:00.000000000Z"
PLATFORM = "platform"
CREDENTIALS: dict[str, Any] = {
    "aws_access_key_id": "testing",
    "aws_secret_access_key": "testing",
    "region_name": "us-east-1",
}
_numbers = counter(1)

type Headers = Mapping[str, str | Sequence[str]]
"""A header that was sent several times has several values."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` is the body as it was sent: it shows how a number was written. `body` is what JSON
    says; None if it is not JSON."""

    status: int
    headers: Mapping[str, str]
    body: Any
    text: str = field(default="", compare=False)


@dataclass
class Tasks:
    """A queue of payout tasks, in memory."""

    bodies: list[str] = field(default_factory=list)

    def send_all(self, bodies: Iterable[str]) -> None:
        self.bodies += bodies


@dataclass
class World:
    """`now` is the time of everything that happens; move it with `wait`.

    `warm` functions remember keys from one request to the next.
    """

    table: Table
    streams: Any
    now: Instant = NOW
    warm: bool = False
    tasks: Any = field(default_factory=Tasks)
    _read: int = 0
    _keys: dict[tuple[str, tuple[Scope, ...]], str] = field(default_factory=dict)

    # ------------------------------------------------------------ the API

    def request(
        self,
        method: str,
        url: str,
        *,
        key: str | None = None,
        headers: Headers | None = None,
        json_body: Any = None,
        body: str | bytes | None = None,
    ) -> Answer:
        """What a client gets, through the handler that the template names for the route."""
        given = dict(headers or {})
        if key is not None:
            given["X-API-Key"] = key
        if json_body is not None:
            given.setdefault("Content-Type", "application/json")
            body = json.dumps(json_body)
        return self.invoke(proxy_event(method, url, given, body))

    def invoke(self, event: dict[str, Any]) -> Answer:
        """What the route's function makes of an event from the gateway."""
        route, _ = route_for(event["httpMethod"], event["path"])
        endpoint = route.module.endpoint
        endpoint.resolver.dependency_overrides.update(
            {
                default_table: lambda: self.table,
                current_instant: lambda: self.now,
                platform_tenant_id: lambda: PLATFORM,
                cursor_secret: lambda: b"secret",
                payout_tasks: lambda: self.tasks,
            }
        )
        if not self.warm:
            endpoint._authenticator._known.clear()  # noqa: SLF001  as a new process is
        answer = endpoint.handler(event, None)
        headers = {name: values[0] for name, values in answer["multiValueHeaders"].items()}
        text, is_json = answer["body"], headers["Content-Type"] == "application/json"
        return Answer(
            status=answer["statusCode"],
            headers=headers,
            body=json.loads(text, parse_float=Decimal) if is_json else None,
            text=text,
        )

    def get(self, url: str, tenant_id: str, *scopes: Scope) -> Any:
        """The `data` of an answer that must be 200."""
        answer = self.request("GET", url, key=self.key(tenant_id, *scopes))
        assert answer.status == 200, answer
        return answer.body["data"]

    def get_partner(self, url: str, partner_id: str, *scopes: Scope) -> Any:
        """The body of an answer that must be 200."""
        answer = self.request("GET", url, key=self.key(partner_id, *scopes))
        assert answer.status == 200, answer
        return answer.body

    def send(self, *events: Mapping[str, Any]) -> Answer:
        """Events from the platform's sender."""
        sender = self.key(PLATFORM, Scope.EVENTS_WRITE)
        return self.request("POST", "/v1/events", key=sender, json_body=list(events))

    def import_history(self, *events: Mapping[str, Any]) -> Answer:
        """Events of past months, from the platform."""
        key = self.key(PLATFORM, Scope.ADMIN)
        return self.request("POST", "/v1/events?backfill=true", key=key, json_body=list(events))

    # ----------------------------------------------------------------- payouts

    def run_payouts(self, period: str) -> Run:
        """A run by hand, to its end."""
        key = self.key(PLATFORM, Scope.ADMIN)
        body = {"period": period}
        started = self.request("POST", "/v1/admin/payout-runs", key=key, json_body=body)
        assert started.status == 202, started
        self.do_tasks()
        run = get_run(self.table, period, started.body["data"]["payout_run_id"])
        assert run is not None
        return run

    def do_tasks(self) -> None:
        """What the queue's function does with all that is waiting."""
        while self.tasks.bodies:
            task = Task.from_json(self.tasks.bodies[0])
            do_task(self.table, task, self.now, hold_for=timedelta(days=90))
            self.tasks.bodies.pop(0)

    # ------------------------------------------------------ tenants and keys

    def tenant(self, tenant_id: str, **overrides: Any) -> str:
        defaults: dict[str, Any] = {
            "display_name": tenant_id.title(),
            "billing_currency": "USD",
            "fee_rate": Decimal("0.30"),
            "reserve_rate": Decimal("0.10"),
            "created_at": self.now,
        }
        create_tenant(self.table, Tenant(tenant_id=tenant_id, **(defaults | overrides)))
        return tenant_id

    def key(self, tenant_id: str, *scopes: Scope) -> str:
        """A key with these scopes, all but admin if none are given; the same one each time."""
        wanted = scopes or tuple(scope for scope in Scope if scope is not Scope.ADMIN)
        if (tenant_id, wanted) not in self._keys:
            self._keys[tenant_id, wanted] = self.new_key(tenant_id, wanted)[0]
        return self._keys[tenant_id, wanted]

    def new_key(
        self, tenant_id: str, scopes: Sequence[Scope], **overrides: Any
    ) -> tuple[str, ApiKey]:
        text = api_keys.generate()
        credential = api_keys.parse(text)
        assert credential
        defaults: dict[str, Any] = {
            "name": "test",
            "created_at": self.now,
            "secret_hash": credential.secret_hash,
        }
        key = ApiKey(
            prefix=credential.prefix,
            tenant_id=tenant_id,
            scopes=tuple(scopes),
            **(defaults | overrides),
        )
        create_api_key(self.table, key)
        return text, key

    # ------------------------------------------------------------ the stream

    def new_stream_records(self) -> list[dict[str, Any]]:
        """What the event source would deliver since the last call, in order."""
        arn = self.table.client.describe_table(TableName=self.table.name)["Table"][
            "LatestStreamArn"
        ]
        (shard,) = self.streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        iterator = self.streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records = self.streams.get_records(ShardIterator=iterator)["Records"]
        new, self._read = records[self._read :], len(records)
        # As Lambda hands them over: in JSON, where times are numbers.
        passed = json.dumps(
            [r for r in new if passes_filter(r["dynamodb"]["Keys"]["SK"]["S"])],
            default=lambda time: time.timestamp(),
        )
        sent: list[dict[str, Any]] = json.loads(passed)
        return sent

    def deliver(self) -> Counted:
        """Count all that happened since the last delivery, and all that follows from it."""
        result = Counted()
        while batch := self.new_stream_records():
            counted = self.redeliver(batch)
            result.counted += counted.counted
            result.already_counted += counted.already_counted
            result.parked += counted.parked
        return result

    def redeliver(self, batch: Sequence[dict[str, Any]]) -> Counted:
        """What the stream function does with a batch."""
        result = count(self.table, batch, self.now)
        for poison in result.parked:
            park(self.table, poison, self.now)
        return result

    def wait(self, **duration: float) -> None:
        self.now = plus(self.now, timedelta(**duration))

    @contextmanager
    def on_call(self, hook: Callable[[str], object]) -> Iterator[None]:
        """`hook` is told of each call to DynamoDB, by name, before it is made; it may raise."""
        events = self.table.client.meta.events

        def tell(model: Any, **_: Any) -> None:
            hook(model.name)

        events.register("before-call.dynamodb", tell)
        try:
            yield
        finally:
            events.unregister("before-call.dynamodb", tell)

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Nothing is stored meanwhile."""
        before = self.items()
        yield
        assert self.items() == before

    def items(self) -> list[dict[str, Any]]:
        """Every item of the table, in wire format."""
        answer = self.table.client.scan(TableName=self.table.name)
        return sorted(answer["Items"], key=lambda i: (i["PK"]["S"], i["SK"]["S"]))


def proxy_event(
    method: str, url: str, headers: Headers | None = None, body: str | bytes | None = None
) -> dict[str, Any]:
    """What the gateway makes of a request: bodies come in base64, as all media types are binary."""
    parts = urlsplit(url)
    route, parameters = route_for(method, parts.path)
    many = {
        name: [values] if isinstance(values, str) else list(values)
        for name, values in (headers or {}).items()
    }
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    sent = body.encode() if isinstance(body, str) else body
    return {
        "httpMethod": method,
        "path": parts.path,
        "resource": route.path,
        "pathParameters": parameters or None,
        "headers": {name: values[-1] for name, values in many.items()},
        "multiValueHeaders": many,
        "queryStringParameters": query or None,
        "multiValueQueryStringParameters": {k: [v] for k, v in query.items()} or None,
        "requestContext": {"requestId": "00000000", "resourcePath": route.path},
        "body": None if sent is None else b64encode(sent).decode(),
        "isBase64Encoded": sent is not None,
    }


def passes_filter(sort_key: str) -> bool:
    """Whether the stream's function is told of a change of an item with this sort key."""
    for pattern in stream_filters():
        for rule in pattern["dynamodb"]["Keys"]["SK"]["S"]:
            if sort_key == rule or (isinstance(rule, dict) and sort_key.startswith(rule["prefix"])):
                return True
    return False


_session = botocore.session.get_session()


@contextmanager
def new_world() -> Iterator[World]:
    """A world with an empty table and the platform's tenant."""
    with mock_aws():
        client: Any = _session.create_client("dynamodb", **CREDENTIALS)
        name = f"tally-{next(_numbers)}"
        create_table(client, name)
        streams = _session.create_client("dynamodbstreams", **CREDENTIALS)
        world = World(Table(client, name, sleep=lambda _: None), streams)
        world.tenant(PLATFORM)
        yield world


def event(
    event_type: str,
    time: str = "2026-04-05T09:30:00Z",
    *,
    id: str | None = None,  # noqa: A002  CloudEvents' own name
    **data: Any,
) -> dict[str, Any]:
    """A CloudEvent about tenant acme's dataset dset_1 or organization org_1, unless it says
    otherwise."""
    subject = {"tenant_id": "acme", "dataset_id": "dset_1"}
    if event_type.startswith(("organization.", "identification.", "usage.")):
        subject = {"partner_id": "acme", "organization_id": "org_1"}
    if event_type == "partner.configured":
        subject = {"partner_id": "acme"}
    if event_type in ("organization.created", "organization.updated"):
        subject["name"] = "Harbour Analytics"
    if event_type.startswith("object."):
        subject["object_id"] = "obj_1"
    if event_type in ("dataset.created", "dataset.updated"):
        subject["name"] = "AP Invoices 2025"
    return {
        "specversion": "1.0",
        "id": id or f"evt-{next(_numbers)}",
        "source": "/marketplace",
        "type": event_type,
        "time": time,
        "data": subject | data,
    }
