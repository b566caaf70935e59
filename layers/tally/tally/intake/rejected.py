"""Rejected events from the bus: held while they are listed, or sent to the bus function again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tally.intake.bus import identity
from tally.kernel.instants import to_instant

_AT_ONCE = 10  # SQS's most
_HOLD_S = 300
_WAIT_S = 1  # any wait at all asks each of the queue's servers


@dataclass(frozen=True, slots=True)
class RejectedEvent:
    """`source` and `event_id` are None where they cannot be read from the `body`."""

    message_id: str
    receipt: str
    body: str
    source: str | None
    event_id: str | None
    code: str
    message: str
    since: str


@contextmanager
def held(sqs: Any, url: str) -> Iterator[dict[str, RejectedEvent]]:
    """All messages of a queue by their ids; nobody else receives them meanwhile.

    Messages still in the dictionary at the end become visible again.
    """
    found: dict[str, RejectedEvent] = {}
    try:
        # Stop when only known messages come back: their visibility timeout has expired.
        while (some := _receive(sqs, url)).keys() - found.keys():
            found |= some
        yield found
    finally:
        _release(sqs, url, list(found.values()))


def replay(sqs: Any, url: str, inbound_url: str, code: str | None = None) -> int:
    """Send events to the inbound queue again; returns how many.

    All are read before the first is sent, so an event that is rejected again is sent only once.
    """
    with held(sqs, url) as rejected:
        chosen = [each for each in rejected.values() if code in (None, each.code)]
        for each in chosen:
            sqs.send_message(QueueUrl=inbound_url, MessageBody=each.body)
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each.receipt)
            del rejected[each.message_id]
    return len(chosen)


def _receive(sqs: Any, url: str) -> dict[str, RejectedEvent]:
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=_AT_ONCE,
        VisibilityTimeout=_HOLD_S,
        WaitTimeSeconds=_WAIT_S,
        MessageAttributeNames=["All"],
        AttributeNames=["SentTimestamp"],
    )
    return {m["MessageId"]: _rejected(m) for m in answer.get("Messages", ())}


def _rejected(message: Mapping[str, Any]) -> RejectedEvent:
    said = {name: a["StringValue"] for name, a in message.get("MessageAttributes", {}).items()}
    sent = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
    if "error" in said:
        error = json.loads(said["error"])
    elif "ERROR_CODE" in said:  # the rule could not deliver it
        error = {"code": said["ERROR_CODE"], "message": said.get("ERROR_MESSAGE", "")}
    else:  # the queue gave it up
        error = {"code": "not_processed", "message": "The function failed on it again and again."}
    source, event_id = identity(message["Body"])
    return RejectedEvent(
        message_id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        body=message["Body"],
        source=source,
        event_id=event_id,
        code=error["code"],
        message=error["message"],
        since=said.get("rejected_at", to_instant(sent)),
    )


def _release(sqs: Any, url: str, messages: list[RejectedEvent]) -> None:
    for start in range(0, len(messages), _AT_ONCE):
        sqs.change_message_visibility_batch(
            QueueUrl=url,
            Entries=[
                {"Id": str(n), "ReceiptHandle": each.receipt, "VisibilityTimeout": 0}
                for n, each in enumerate(messages[start : start + _AT_ONCE])
            ],
        )
