"""The bucket of batches that the stream gave up on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

from tally.aws.clients import make_client

_PAGE = 1_000  # S3's most


@dataclass(frozen=True, slots=True)
class Bucket:
    client: Any
    name: str

    def count(self) -> int:
        """How many objects there are; 1,000 stands for as many or more."""
        answer = self.client.list_objects_v2(Bucket=self.name, MaxKeys=_PAGE)
        return len(answer.get("Contents", ()))


@cache
def failed_batches() -> Bucket:
    """The bucket that the environment names."""
    return Bucket(make_client("s3"), os.environ["FAILED_BATCHES_BUCKET"])
