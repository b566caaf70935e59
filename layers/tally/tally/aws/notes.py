"""Notes: updates that may be lost, so that nobody waits for them or fails with them."""

from __future__ import annotations

import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tally.aws.items import key_of, values
from tally.aws.retries import NEEDED_S
from tally.aws.table import Table
from tally.kernel.deadlines import time_left
from tally.kernel.keys import Key

# By its name, the functions' own logger writes what this one is told.
_logger = logging.getLogger("tally").getChild("notes")


def note(table: Table, key: Key, expression: str, condition: str, **bound: Any) -> None:
    """Update one item if the condition holds, in one attempt. A failure is only logged."""
    if time_left() < NEEDED_S:
        return
    try:
        table.client.update_item(
            TableName=table.name,
            Key=key_of(key),
            UpdateExpression=expression,
            ConditionExpression=condition,
            ExpressionAttributeValues=values({f":{name}": each for name, each in bound.items()}),
        )
    except (BotoCoreError, ClientError) as error:
        cause = _cause_of(error)
        if cause != "ConditionalCheckFailedException":
            _logger.warning("note lost", extra={"fields": {"cause": cause}})


def _cause_of(error: BotoCoreError | ClientError) -> str:
    """Without what the error says: that may hold a key."""
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"]
    return type(error).__name__
