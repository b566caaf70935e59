"""A secret's versions by their ids, as Secrets Manager tells of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from tally.aws.secrets import Secret, Version
from tally.kernel.instants import Instant, plus
from tests.secret_store import SecretStore

START = "2026-04-05T10:00:00.000000000Z"


class Time:
    """What the store and the process take for the present."""

    def __init__(self) -> None:
        self.now: Instant = START

    def wait(self, **duration: float) -> Instant:
        self.now = plus(self.now, timedelta(**duration))
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def store(time: Time, monkeypatch: pytest.MonkeyPatch) -> SecretStore:
    monkeypatch.setenv("SESSION_SECRET_ARN", "arn:secret")
    return SecretStore("SESSION_SECRET_ARN", lambda: time.now)


def test_the_present_version_signs(store: SecretStore) -> None:
    kept = store.versions[0]

    current = store.of_new_process().current()

    assert current == Version(kept.version_id, b"secret 0", START)
    assert "secret 0" not in repr(current)


def test_a_version_tells_when_the_next_one_was_made(store: SecretStore, time: Time) -> None:
    first = store.versions[0].version_id
    warm = store.of_new_process()
    assert warm.version(first) == Version(first, b"secret 0", START, None)
    replaced_at = time.wait(hours=1)
    second = store.rotate()
    second_replaced_at = time.wait(hours=1)
    third = store.rotate()

    for process in (warm, store.of_new_process()):
        assert process.version(third) == Version(third, b"secret 2", second_replaced_at, None)
        assert process.version(second) == Version(
            second, b"secret 1", replaced_at, second_replaced_at
        )
        assert process.version(first) == Version(first, b"secret 0", START, replaced_at)


def test_versions_made_in_one_moment_replace_each_other(store: SecretStore) -> None:
    first = store.versions[0].version_id
    store.rotate()

    version = store.of_new_process().version(first)

    assert version
    assert version.replaced_at == START


def test_one_that_became_the_present_one_again_is_not_replaced(
    store: SecretStore, time: Time
) -> None:
    first = store.versions[0]
    time.wait(hours=1)
    store.rotate()
    process = store.of_new_process()
    process.version(first.version_id)
    store.versions.append(store.versions.pop(0))  # whoever rotated it took that back
    time.wait(minutes=5)

    assert process.current().version_id == first.version_id
    version = process.version(first.version_id)
    assert version
    assert version.replaced_at is None


def test_a_version_that_is_gone(store: SecretStore, time: Time) -> None:
    """It was listed, and deleted before it was read; nobody asks for it again and again."""
    first = store.versions[0]
    store.rotate()
    process = store.of_new_process()
    assert process.version("0" * 36) is None
    store.versions.remove(first)
    time.wait(seconds=2)

    assert process.version(first.version_id) is None
    store.asked.clear()
    assert process.version(first.version_id) is None
    assert store.asked == []


def test_a_secret_without_a_value_is_a_fault(store: SecretStore) -> None:
    store.versions.clear()

    with pytest.raises(LookupError, match="SESSION_SECRET_ARN"):
        store.of_new_process().current()


# ------------------------------------------------------------------- as AWS answers


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with mock_aws():
        made: Any = botocore.session.get_session().create_client(
            "secretsmanager",
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        secret = made.create_secret(Name="sessions", SecretString="first")
        monkeypatch.setenv("SESSION_SECRET_ARN", secret["ARN"])
        yield made


def test_its_answers_are_understood(client: Any) -> None:
    process = Secret("SESSION_SECRET_ARN", lambda _: client)
    first = process.current()
    for value in ("second", "third"):
        client.put_secret_value(SecretId="sessions", SecretString=value)

    found = Secret("SESSION_SECRET_ARN", lambda _: client).version(first.version_id)

    assert found
    assert (found.version_id, found.value) == (first.version_id, b"first")
    assert found.replaced_at
    assert found.created_at <= found.replaced_at
    assert process.version("0" * 36) is None
