"""Who runs a command, as the audit trail names them."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest

from ops import actors
from ops.deployment import Deployment
from tally.audit.model import Actor, ActorType

ARN = "arn:aws:sts::123456789012:assumed-role/Finance/jane"


class Identities:
    def __init__(self, answer: Callable[[], Any]) -> None:
        self.get_caller_identity = answer


def deployed(answer: Callable[[], Any] | None) -> Deployment:
    nothing: Any = None
    return Deployment(nothing, {}, None, None, sts=answer and Identities(answer))


@pytest.fixture(autouse=True)
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "jane")


def test_an_operator_is_the_identity_that_aws_knows() -> None:
    found = actors.operator(deployed(lambda: {"Arn": ARN}), patience_s=60)

    assert found == Actor(ActorType.OPERATOR, ARN)


def _denied() -> Any:
    raise RuntimeError("denied")


@pytest.mark.parametrize("answer", [_denied, dict, None])
def test_without_an_answer_it_is_the_user_of_the_machine(answer: Any) -> None:
    found = actors.operator(deployed(answer), patience_s=0.01)

    assert found == Actor(ActorType.OPERATOR, "jane")


def test_nobody_waits_for_an_answer_for_long() -> None:
    never = Event()

    found = actors.operator(deployed(never.wait), patience_s=0.01)

    assert found == Actor(ActorType.OPERATOR, "jane")
    never.set()


def test_a_user_may_have_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise OSError("no username set")

    monkeypatch.setattr("getpass.getuser", nameless)

    found = actors.operator(deployed(_denied), patience_s=0.01)

    assert found == Actor(ActorType.OPERATOR, "unknown")
