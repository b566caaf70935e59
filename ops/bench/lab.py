"""A table of one's own on the embedded AWS, with the real handlers over it in this process.

No function is subscribed to its stream: what is counted when is for the caller to say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import batched
from typing import Any

from ops.bench.meter import Meter
from ops.bench.samples import Event
from ops.bench.template import Route, is_counted, routes
from ops.stack import LocalStack
from tally.domain.instants import Instant, to_instant
from tally.domain.scopes import Scope
from tally.domain.tenants import Tenant
from tally.http.clock import current_instant
from tally.http.cloudevents import MOST_EVENTS
from tally.http.endpoint import platform_tenant_id
from tally.http.issuing import issue_api_key
from tally.http.lists import cursor_secret
from tally.http.models import ApiKeyRequest
from tally.store.counting import Counted, count
from tally.store.table import Table, default_table
from tally.store.tenants import create_tenant

PLATFORM = "platform"
BATCH = 100  # the event source's BatchSize
_MOST_PUTS, _WRITERS, _LOT = 25, 4, 1_000


@dataclass(slots=True)
class Lab:
    """All calls of `table` are seen by `meter`. Time stands still: a key once known stays known."""

    table: Table
    meter: Meter
    streams: Any
    _iterator: str
    now: Instant = field(default_factory=lambda: to_instant(datetime.now(UTC)))
    _sender: str = field(init=False)

    def __post_init__(self) -> None:
        self.tenant(PLATFORM)
        self._sender = self.new_key(PLATFORM, Scope.EVENTS_WRITE)

    @classmethod
    def on(cls, stack: LocalStack, name: str) -> Lab:
        """A new table like the deployed one."""
        client, streams, meter = stack.client("dynamodb"), stack.client("dynamodbstreams"), Meter()
        deployed = client.describe_table(TableName=stack.table_name)["Table"]
        alike = ("AttributeDefinitions", "KeySchema", "StreamSpecification")
        of_index = ("IndexName", "KeySchema", "Projection")
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            GlobalSecondaryIndexes=[
                {part: index[part] for part in of_index}
                for index in deployed["GlobalSecondaryIndexes"]
            ],
            **{part: deployed[part] for part in alike},
        )
        meter.attach(client)
        return cls(Table(client, name), meter, streams, first_iterator(stack, name))

    def tenant(self, tenant_id: str) -> None:
        rates = Decimal("0.30"), Decimal("0.10")
        create_tenant(self.table, Tenant(tenant_id, tenant_id, "USD", *rates, self.now))

    def new_key(self, tenant_id: str, *scopes: Scope) -> str:
        wanted = ApiKeyRequest(name="bench", scopes=list(scopes))
        return issue_api_key(self.table, tenant_id, wanted, self.now).key

    def request(
        self,
        route: Route,
        key: str,
        parameters: Mapping[str, str] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Any:
        """What the function of a route answers, the `data` of it where it is in an envelope;
        RuntimeError if it is an error."""
        endpoint = route.endpoint
        endpoint.resolver.dependency_overrides.update(
            {
                current_instant: lambda: self.now,
                default_table: lambda: self.table,
                platform_tenant_id: lambda: PLATFORM,
                cursor_secret: lambda: b"secret",
            }
        )
        path = route.path
        for name, value in (parameters or {}).items():
            path = path.replace(f"{{{name}}}", value)
        answer = endpoint.handler(
            {
                "httpMethod": route.method,
                "path": path,
                "resource": route.path,
                "pathParameters": parameters,
                "headers": {"X-API-Key": key, "Content-Type": "application/json"},
                "queryStringParameters": query,
                "requestContext": {"requestId": "bench", "resourcePath": route.path},
                "body": None if body is None else json.dumps(body),
                "isBase64Encoded": False,
            },
            None,
        )
        if answer["statusCode"] >= 300:
            raise RuntimeError(f"{route.method} {path} answered {answer}")
        told = json.loads(answer["body"])
        return told if route.path.startswith("/partner/") else told["data"]

    def post(self, events: Sequence[Event]) -> None:
        """Accept events, as many in a request as it may have."""
        route = next(route for route in routes() if route.path == "/v1/events")
        for batch in batched(events, MOST_EVENTS, strict=False):
            self.request(route, self._sender, body=batch)

    def put(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Items in wire format, of which making them by events would take too long."""

        def put(some: Sequence[Mapping[str, Any]]) -> None:
            left: Any = [{"PutRequest": {"Item": item}} for item in some]
            while left:
                answer = self.table.client.batch_write_item(RequestItems={self.table.name: left})
                left = answer["UnprocessedItems"].get(self.table.name)

        with ThreadPoolExecutor(_WRITERS) as writers:
            # Lot by lot: it would take all of them into memory at once.
            for lot in batched(items, _LOT, strict=False):
                list(writers.map(put, batched(lot, _MOST_PUTS, strict=False)))

    def changes(self) -> list[dict[str, Any]]:
        """What the event source would deliver since the last call, in order."""
        records, self._iterator = read_stream(self.streams, self._iterator)
        return records

    def count(self) -> Counted:
        """Count all that waits, as the stream's function does; how much that was."""
        result = Counted()
        for batch in batched(self.changes(), BATCH, strict=False):
            of_batch = count(self.table, batch, self.now)
            if of_batch.parked:
                raise RuntimeError(f"could not be counted: {of_batch.parked[0].reason}")
            result.counted += of_batch.counted
        return result


def first_iterator(stack: LocalStack, table_name: str) -> str:
    """The beginning of a table's stream, which has one shard on the embedded AWS."""
    table = stack.client("dynamodb").describe_table(TableName=table_name)["Table"]
    streams, arn = stack.client("dynamodbstreams"), table["LatestStreamArn"]
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    return str(iterator["ShardIterator"])


def read_stream(streams: Any, iterator: str) -> tuple[list[dict[str, Any]], str]:
    """All records that are counted from here on, and where the next ones will be."""
    counted: list[dict[str, Any]] = []
    while True:
        answer = streams.get_records(ShardIterator=iterator)
        iterator = answer["NextShardIterator"]
        if not answer["Records"]:
            return counted, iterator
        counted += [record for record in answer["Records"] if is_counted(record)]
