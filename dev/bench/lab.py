"""A separate table on the embedded AWS, with the real handlers in this process.

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
from urllib.parse import urlencode

from dev.bench.meter import Meter
from dev.bench.samples import TEXTS_KEPT_DAYS, Event
from dev.gateway import PLATFORM, invoke, overrides, proxy_event
from dev.stack import LocalStack
from dev.template import create_table, passes_filter
from tally.access.issuing import issue_api_key
from tally.access.model.scopes import Scope
from tally.access.model.tenants import Tenant
from tally.access.tenants import create_tenant
from tally.audit.model import Actor, ActorType
from tally.aws.buckets import Bucket, failed_batches
from tally.aws.moments import start_series
from tally.aws.queues import Queue, rejected_events
from tally.aws.table import Table
from tally.counting.changes import Counted
from tally.counting.engine import count
from tally.counting.switch import share_markers
from tally.intake.cloudevents import MAX_EVENTS
from tally.kernel.instants import Instant, to_instant

BATCH = 100
"""Events in a request, and changes in a batch, unless a figure says another number."""
_MOST_PUTS, _WRITERS, _LOT = 25, 4, 1_000
_OPERATOR = Actor(ActorType.OPERATOR, "bench")


@dataclass(slots=True)
class Lab:
    """All calls of `table` are seen by `meter`. Time stands still: a key once known stays known."""

    stack: LocalStack
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
        """A new table, like the deployed one."""
        client, streams, meter = stack.client("dynamodb"), stack.client("dynamodbstreams"), Meter()
        create_table(client, name)
        table = Table(client, name)
        share_markers(table, 0)
        start_series(table)
        meter.attach(client)
        return cls(stack, table, meter, streams, first_iterator(stack, name))

    def tenant(self, tenant_id: str, requests_per_minute: int | None = None) -> None:
        """Without a limit of its own it has none."""
        rates = Decimal("0.30"), Decimal("0.10")
        days, limit = TEXTS_KEPT_DAYS, requests_per_minute
        tenant = Tenant(tenant_id, tenant_id, "USD", *rates, self.now, limit, days)
        create_tenant(self.table, tenant, _OPERATOR)

    def new_key(self, tenant_id: str, *scopes: Scope) -> str:
        text, _ = issue_api_key(
            self.table, tenant_id, name="bench", scopes=scopes, now=self.now, actor=_OPERATOR
        )
        return text

    def request(
        self,
        method: str,
        path: str,
        key: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Any:
        """The `data` of the answer, or all of it without an envelope; RuntimeError if refused."""
        url = f"{path}?{urlencode(query)}" if query else path
        headers = {"X-API-Key": key, "Content-Type": "application/json"}
        event = proxy_event(method, url, headers, None if body is None else json.dumps(body))
        answer = invoke(event, self._provided(), warm=True)
        if answer.status >= 300:
            raise RuntimeError(f"{method} {url} answered {answer}")
        return answer.body if path.startswith("/partner/") else answer.body["data"]

    def _provided(self) -> dict[Any, Any]:
        """The bucket and the queue that an operator asks about are the deployed stack's."""
        bucket = self.stack.outputs["FailedBatchesBucket"]
        queue = self.stack.outputs["RejectedEventsQueueUrl"]
        return overrides(self.table, self.now) | {
            failed_batches: lambda: Bucket(self.stack.client("s3"), bucket),
            rejected_events: lambda: Queue(self.stack.client("sqs"), queue),
        }

    def post(self, events: Sequence[Event]) -> None:
        """Send events, in requests as large as allowed."""
        for batch in batched(events, MAX_EVENTS, strict=False):
            self.request("POST", "/v1/events", self._sender, body=batch)

    def put(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Write items in wire format, where sending events would take too long."""

        def put(some: Sequence[Mapping[str, Any]]) -> None:
            left: Any = [{"PutRequest": {"Item": item}} for item in some]
            while left:
                answer = self.table.client.batch_write_item(RequestItems={self.table.name: left})
                left = answer["UnprocessedItems"].get(self.table.name)

        with ThreadPoolExecutor(_WRITERS) as writers:
            # Lot by lot, since `map` would take all of them into memory at once.
            for lot in batched(items, _LOT, strict=False):
                list(writers.map(put, batched(lot, _MOST_PUTS, strict=False)))

    def changes(self) -> list[dict[str, Any]]:
        """What the event source would deliver since the last call, in order."""
        records, self._iterator = read_stream(self.streams, self._iterator)
        return records

    def count(self) -> Counted:
        """Count all that waits, as the stream's function does; returns what was counted."""
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
    """The records from here on that pass the filter, and the iterator for the next ones."""
    counted: list[dict[str, Any]] = []
    while True:
        answer = streams.get_records(ShardIterator=iterator)
        iterator = answer["NextShardIterator"]
        if not answer["Records"]:
            return counted, iterator
        counted += [
            delivered(record)
            for record in answer["Records"]
            if passes_filter(record["dynamodb"]["Keys"]["SK"]["S"], record["eventName"])
        ]


def delivered(record: dict[str, Any]) -> dict[str, Any]:
    """As Lambda hands a record over: in JSON, where times are numbers."""
    change = record["dynamodb"]
    created = change["ApproximateCreationDateTime"].timestamp()
    return {**record, "dynamodb": {**change, "ApproximateCreationDateTime": created}}
