"""What the lists under /v1 have in common: page size, cursor, and the secret that signs it."""

from __future__ import annotations

import os
from functools import cache
from typing import Annotated

from annotated_types import Interval
from aws_lambda_powertools.event_handler import Depends

from tally.http.fields import WholeNumber
from tally.store.table import make_client

Limit = Annotated[WholeNumber, Interval(ge=1, le=100)]
Cursor = str | None


@cache
def cursor_secret() -> bytes:
    """The stack's own secret, read once per process."""
    client = make_client("secretsmanager")
    secret = client.get_secret_value(SecretId=os.environ["CURSOR_SECRET_ARN"])
    return str(secret["SecretString"]).encode()


CursorSecret = Annotated[bytes, Depends(cursor_secret)]
