"""A whole Tally in one process: moto's table, the real handlers, a stream that tests deliver."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cache
from itertools import count as counter
from typing import Any
from unittest.mock import patch

import botocore.session
from moto import mock_aws

from dev.fast_moto import fast_moto
from dev.gateway import PLATFORM, Answer, Headers, invoke, overrides, proxy_event
from dev.template import create_table, passes_filter, route_of
from tally.access.api_keys import create_api_key
from tally.access.model.api_keys import ApiKey
from tally.access.model.callers import Caller
from tally.access.model.key_hashing import generate_key, parse_key
from tally.access.model.scopes import Scope
from tally.access.model.tenants import Tenant
from tally.access.sessions import session_secret
from tally.access.tenants import create_tenant
from tally.activity import erasing
from tally.aws.buckets import Bucket, failed_batches
from tally.aws.moments import start_series
from tally.aws.queues import erasure_tasks, payout_tasks, rejected_events
from tally.aws.secrets import Secret
from tally.aws.table import Table
from tally.counting import rescues
from tally.counting.changes import Counted
from tally.counting.engine import count
from tally.counting.parking import park, replay
from tally.counting.switch import share_markers
from tally.http.headers import allowed_origins
from tally.http.limits import default_requests_per_minute
from tally.kernel.instants import Instant, plus, to_datetime
from tally.payouts.reserves import DueReserves, release_all
from tally.payouts.runs import Run, get_run
from tally.payouts.tasks import Bundle, Task, do_task, read_message
from tests.operators import OPERATOR
from tests.secret_store import SecretStore

NOW = "2026-04-05T10:00:00.000000000Z"
CREDENTIALS: dict[str, Any] = {
    "aws_access_key_id": "testing",
    "aws_secret_access_key": "testing",
    "region_name": "us-east-1",
}
_numbers = counter(1)


@dataclass
class Tasks:
    """A queue in memory. What is delayed is there at once."""

    bodies: list[str] = field(default_factory=list)

    def send_all(self, bodies: Iterable[str]) -> None:
        self.bodies += bodies

    def send(self, body: str, *, delay_s: int = 0) -> None:  # noqa: ARG002  time stands still
        self.bodies.append(body)


@dataclass
class Erasures:
    """A queue of erasures, in memory. `later` are delayed: nothing brings them but `World.wait`."""

    bodies: list[str] = field(default_factory=list)
    later: list[tuple[Instant, str]] = field(default_factory=list)
    now: Callable[[], Instant] = lambda: NOW

    def send(self, body: str, _attributes: Any = None, *, delay_s: int = 0) -> None:
        if delay_s:
            self.later.append((plus(self.now(), timedelta(seconds=delay_s)), body))
        else:
            self.bodies.append(body)

    def send_all(self, bodies: Iterable[str]) -> None:
        self.bodies += bodies

    def receive(self) -> list[str]:
        """All that is due by now."""
        due = [each for each in self.later if each[0] <= self.now()]
        self.later = [each for each in self.later if each not in due]
        found = self.bodies + [body for _, body in due]
        self.bodies = []
        return found


@dataclass
class Rejections:
    """The queue of rejected events: how many it has."""

    number: int = 0

    def waiting(self) -> int:
        return self.number


@dataclass
class FailedBatches:
    """S3 with one bucket: the objects in it by when they were written."""

    written_at: list[Instant] = field(default_factory=list)

    def list_objects_v2(self, **_: Any) -> dict[str, Any]:
        found = [{"LastModified": to_datetime(each)} for each in self.written_at]
        return {"Contents": found} if found else {}


@dataclass
class World:
    """`now` is the time of everything that happens; move it with `wait`.

    `warm` functions remember keys from one request to the next. `origins` are the pages that may
    call the API. `requests_per_minute`: the limit of tenants without one of their own, 0 for none.
    `context` is what Lambda gives the functions. `secrets` has what signs sessions.
    """

    table: Table
    streams: Any
    now: Instant = NOW
    warm: bool = False
    tasks: Any = field(default_factory=Tasks)
    erasures: Any = field(default_factory=Erasures)
    rescues: Any = field(default_factory=Tasks)
    rejected: Rejections = field(default_factory=Rejections)
    failed: FailedBatches = field(default_factory=FailedBatches)
    origins: frozenset[str] = frozenset()
    requests_per_minute: int = 0
    context: Any = None
    secrets: SecretStore = field(init=False)
    _secret: Secret | None = None
    _read: int = 0
    _keys: dict[tuple[str, tuple[Scope, ...]], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.secrets = SecretStore("SESSION_SECRET_ARN", lambda: self.now)

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

    def invoke(self, event: dict[str, Any], context: Any = None) -> Answer:
        """What the route's function makes of an event from the gateway."""
        secret = self._secret if self.warm and self._secret else self.secrets.of_new_process()
        self._secret = secret
        provided = overrides(self.table, self.now) | {
            payout_tasks: lambda: self.tasks,
            erasure_tasks: lambda: self.erasures,
            failed_batches: lambda: Bucket(self.failed, "failed-batches"),
            rejected_events: lambda: self.rejected,
            allowed_origins: lambda: self.origins,
            default_requests_per_minute: lambda: self.requests_per_minute,
            session_secret: lambda: secret,
        }
        return invoke(event, provided, warm=self.warm, context=context or self.context)

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
            match read_message(self.tasks.bodies[0]):
                case Task() as task:
                    do_task(self.table, task, self.now, hold_for=timedelta(days=90))
                case Bundle() as bundle:
                    self.tasks.send_all(each.to_json() for each in bundle.tasks)
                case DueReserves(reserves):
                    release_all(self.table, reserves, self.now)
            self.tasks.bodies.pop(0)

    # ---------------------------------------------------------------- erasures

    def do_erasures(self) -> int:
        """What the queue's function does with all that is due. How many texts it deletes."""
        deleted = 0
        while bodies := self.erasures.receive():
            for body in bodies:
                task = erasing.Task.from_json(body)
                deleted += erasing.do_task(self.table, self.erasures, task, self.now)
        return deleted

    # ------------------------------------------------------ tenants and keys

    def tenant(self, tenant_id: str, **overrides: Any) -> str:
        defaults: dict[str, Any] = {
            "display_name": tenant_id.title(),
            "billing_currency": "USD",
            "fee_rate": Decimal("0.30"),
            "reserve_rate": Decimal("0.10"),
            "created_at": self.now,
        }
        tenant = Tenant(tenant_id=tenant_id, **(defaults | overrides))
        create_tenant(self.table, tenant, OPERATOR)
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
        text = generate_key()
        credential = parse_key(text)
        assert credential
        defaults: dict[str, Any] = {
            "name": "test",
            "created_at": self.now,
            "secret_hash": credential.secret_hash,
            "last_used_at": self.now,  # no test is to meet a note of a use that it did not ask for
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
        records: list[Any] = []
        while some := self.streams.get_records(ShardIterator=iterator):
            if not some["Records"]:
                break
            records += some["Records"]
            iterator = some["NextShardIterator"]
        new, self._read = records[self._read :], len(records)
        # As Lambda hands them over: in JSON, where times are numbers.
        passed = json.dumps(
            [r for r in new if passes_filter(r["dynamodb"]["Keys"]["SK"]["S"], r["eventName"])],
            default=lambda time: time.timestamp(),
        )
        sent: list[dict[str, Any]] = json.loads(passed)
        return sent

    def deliver(self) -> Counted:
        """Count all that happened since the last delivery, and all that follows from it."""
        result = Counted()
        while (batch := self.new_stream_records()) or self.rescues.bodies:
            counted = self.redeliver(batch)
            result.counted += counted.counted
            result.already_counted += counted.already_counted
            result.parked += counted.parked
            self.do_rescues()
        return result

    def redeliver(self, batch: Sequence[dict[str, Any]]) -> Counted:
        """What the stream function does with a batch."""
        result = count(self.table, batch, self.now)
        for poison in result.parked:
            park(self.table, poison, self.now)
        rescues.ask(self.table, self.rescues, result.to_rescue, self.now)
        return result

    def replay(self, parked_id: str) -> Counted:
        """What an operator does with a parked change."""
        return replay(self.table, self.rescues, parked_id, self.now)

    def do_rescues(self) -> None:
        """What the function of the queue does with all that is waiting, page by page."""
        while self.rescues.bodies:
            rescue = rescues.Rescue.from_json(self.rescues.bodies[0])
            rescues.work_off(self.table, self.rescues, rescue, self.now, lambda: False)
            self.rescues.bodies.pop(0)

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
    def as_caller(self, path: str, caller: Caller) -> Iterator[None]:
        """Whatever credential is sent to POST on the path, it is taken for the caller's."""

        class Known:
            def authenticate(self, _credential: str, _table: Table, _now: Instant) -> Caller:
                return caller

        endpoint = route_of("POST", path).module.endpoint
        usual, was_warm = endpoint.authenticator, self.warm
        endpoint.authenticator, self.warm = Known(), True  # or the function would get a new one
        try:
            yield
        finally:
            endpoint.authenticator, self.warm = usual, was_warm

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Nothing is stored meanwhile, but when a key was last used."""
        before = self._items_but_for_uses()
        yield
        assert self._items_but_for_uses() == before

    def _items_but_for_uses(self) -> list[dict[str, Any]]:
        return [
            {name: value for name, value in item.items() if name != "last_used_at"}
            for item in self.items()
        ]

    def items(self) -> list[dict[str, Any]]:
        """Every item of the table, in wire format."""
        answer = self.table.client.scan(TableName=self.table.name)
        return sorted(answer["Items"], key=lambda i: (i["PK"]["S"], i["SK"]["S"]))


@cache
def _client(service: str) -> Any:
    """One for all worlds: making one takes as long as the rest of a world."""
    return botocore.session.get_session().create_client(service, **CREDENTIALS)


@contextmanager
def new_world() -> Iterator[World]:
    """A world with an empty table and the platform's tenant."""
    with mock_aws(), ExitStack() as patches:
        client = _client("dynamodb")
        name = f"tally-{next(_numbers)}"
        create_table(client, name)
        world = World(Table(client, name, sleep=lambda _: None), _client("dynamodbstreams"))
        world.erasures.now = lambda: world.now
        patches.enter_context(fast_moto())
        patches.enter_context(patch.dict("os.environ", {"SESSION_SECRET_ARN": "arn:secret"}))
        # Changes are stamped with the world's time, as they are with DynamoDB's.
        patches.enter_context(
            patch(
                "moto.dynamodb.models.table.utcnow",
                lambda: to_datetime(world.now).replace(tzinfo=None),
            )
        )
        share_markers(world.table, 0)
        start_series(world.table)
        world.tenant(PLATFORM)
        yield world
