"""Who runs a command, as the audit trail names them."""

from __future__ import annotations

import getpass
from contextlib import suppress
from queue import Empty, Queue
from threading import Thread

from ops.deployment import Deployment
from tally.audit.model import Actor, ActorType

_PATIENCE_S = 1.0


def operator(deployed: Deployment, *, patience_s: float = _PATIENCE_S) -> Actor:
    """By the ARN of the AWS identity that the command acts with. If AWS does not tell it in time,
    by the name of the user on this machine."""
    found: Queue[str] = Queue()

    def ask() -> None:
        with suppress(Exception):  # without an answer, the user's name will do
            found.put(deployed.sts.get_caller_identity()["Arn"])

    Thread(target=ask, daemon=True).start()
    try:
        return Actor(ActorType.OPERATOR, found.get(timeout=patience_s))
    except Empty:
        return Actor(ActorType.OPERATOR, _user())


def _user() -> str:
    try:
        return getpass.getuser()
    except OSError:  # such as in a container, whose users have no names
        return "unknown"
