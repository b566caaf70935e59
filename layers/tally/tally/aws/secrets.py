"""Secrets of the stack."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from tally.aws.clients import Service, make_client
from tally.aws.retries import retried

_BUSY = "The store of secrets is busy; send the request again."
_PAUSE_S = 60.0


@dataclass(slots=True)
class Secret:
    """A secret that may be rotated. `arn_variable` is the environment variable with its ARN."""

    arn_variable: str
    make_client: Callable[[Service], Any] = make_client
    clock: Callable[[], float] = time.time
    _values: Sequence[bytes] = field(default=(), repr=False)
    _rotation_looked_for: float | None = None

    def read(self, rotated: bool = False) -> Sequence[bytes]:  # noqa: FBT001, FBT002  see Secrets
        """The present value, read once per process. With `rotated`, because something does not
        match it: the present and the previous one, looked up at most once a minute."""
        if not self._values:
            self._values = self._look_up("AWSCURRENT")
        if rotated and self._may_look_again():
            self._rotation_looked_for = self.clock()
            self._values = (*self._look_up("AWSCURRENT"), *self._look_up("AWSPREVIOUS"))
        return self._values

    def _may_look_again(self) -> bool:
        last = self._rotation_looked_for
        return last is None or self.clock() - last >= _PAUSE_S

    def _look_up(self, stage: str) -> Sequence[bytes]:
        """The value at this stage; none if there is no such version."""
        client, secret_id = self.make_client("secretsmanager"), os.environ[self.arn_variable]
        try:
            answer = retried(
                lambda: client.get_secret_value(SecretId=secret_id, VersionStage=stage), busy=_BUSY
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ResourceNotFoundException" and stage == "AWSPREVIOUS":
                return ()  # it was never rotated
            raise
        return (str(answer["SecretString"]).encode(),)
