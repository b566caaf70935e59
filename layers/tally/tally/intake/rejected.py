"""Rejected events from the bus: held while they are listed, or sent to the bus function again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tally.aws.held import Message, held_messages, said
from tally.intake.bus import identity
from tally.kernel.instants import to_instant

_UNSAID = "The function failed on it again and again, or it is too large to carry a reason."


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
    """All events of the queue by the ids of their messages, held as `held_messages` says."""
    with held_messages(sqs, url) as messages:
        rejected = {name: _rejected(message) for name, message in messages.items()}
        try:
            yield rejected
        finally:
            for name in messages.keys() - rejected.keys():
                del messages[name]


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


def _rejected(message: Message) -> RejectedEvent:
    about = said(message)
    sent = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
    if "error" in about:
        error = json.loads(about["error"])
    elif "ERROR_CODE" in about:  # the rule could not deliver it
        error = {"code": about["ERROR_CODE"], "message": about.get("ERROR_MESSAGE", "")}
    else:  # the queue gave it up, or it left no room for a word
        error = {"code": "not_processed", "message": _UNSAID}
    source, event_id = identity(message["Body"])
    return RejectedEvent(
        message_id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        body=message["Body"],
        source=source,
        event_id=event_id,
        code=error["code"],
        message=error["message"],
        since=about.get("rejected_at", to_instant(sent)),
    )
