"""Secrets of the stack."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from tally.aws.clients import make_client


@dataclass(slots=True)
class Secret:
    """A secret, read once per process. `arn_variable` is the environment variable with its ARN."""

    arn_variable: str
    _value: bytes | None = field(default=None, repr=False)

    def read(self) -> bytes:
        if self._value is None:
            client = make_client("secretsmanager")
            answer = client.get_secret_value(SecretId=os.environ[self.arn_variable])
            self._value = str(answer["SecretString"]).encode()
        return self._value
