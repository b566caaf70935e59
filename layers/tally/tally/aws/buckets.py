"""The bucket of batches that the stream gave up on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from tally.aws.clients import make_client
from tally.kernel.instants import Instant, to_instant

_PAGE = 1_000  # S3's most


class Objects(NamedTuple):
    """How many there are, 1,000 for as many or more, and when the oldest of these was written."""

    number: int
    oldest_at: Instant | None


@dataclass(frozen=True, slots=True)
class Bucket:
    client: Any
    name: str

    def objects(self) -> Objects:
        """In one call."""
        answer = self.client.list_objects_v2(Bucket=self.name, MaxKeys=_PAGE)
        written = [each["LastModified"] for each in answer.get("Contents", ())]
        return Objects(len(written), to_instant(min(written)) if written else None)


@cache
def failed_batches() -> Bucket:
    """The bucket that the environment names."""
    return Bucket(make_client("s3"), os.environ["FAILED_BATCHES_BUCKET"])
