"""The secret that signs cursors may be rotated: no process refuses another's cursors for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from tally.aws.secrets import Secret
from tally.http.cursors import Cursors
from tally.kernel.errors import InvalidCursor


class Place(NamedTuple):
    name: str


@dataclass
class Store:
    """Secrets Manager with one secret. `asked` are the stages that were asked for."""

    versions: list[str] = field(default_factory=lambda: ["first"])
    asked: list[str] = field(default_factory=list)

    def rotate(self, value: str) -> None:
        self.versions.append(value)

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> dict[str, Any]:  # noqa: N803  as boto names them
        assert SecretId == "arn:secret"
        self.asked.append(VersionStage)
        back = {"AWSCURRENT": 1, "AWSPREVIOUS": 2}[VersionStage]
        if back > len(self.versions):
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetSecretValue")
        return {"SecretString": self.versions[-back]}


@dataclass
class Process:
    """A process of a function with lists, and its time in seconds."""

    store: Store
    now: float = 0.0

    def __post_init__(self) -> None:
        self.secret = Secret("CURSOR_SECRET_ARN", lambda _: self.store, lambda: self.now)

    @property
    def cursors(self) -> Cursors[Any]:
        return Cursors(self.secret.read, ("acme", "searches"), Place)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("CURSOR_SECRET_ARN", "arn:secret")
    return Store()


HERE = Place("here")


def written_by(process: Process) -> str:
    return str(process.cursors.write(HERE))


def test_a_process_reads_the_secret_once(store: Store) -> None:
    process = Process(store)

    for _ in range(3):
        assert process.cursors.read(written_by(process)) == HERE
    assert store.asked == ["AWSCURRENT"]


def test_after_a_rotation_warm_and_cold_processes_accept_each_others_cursors(store: Store) -> None:
    warm = Process(store)
    before = written_by(warm)
    store.rotate("second")
    cold = Process(store)

    assert cold.cursors.read(before) == HERE
    assert cold.cursors.read(written_by(warm)) == HERE
    assert warm.cursors.read(written_by(cold)) == HERE
    assert written_by(warm) == written_by(cold) != before


def test_a_cursor_from_before_two_rotations_is_refused(store: Store) -> None:
    before = written_by(Process(store))
    store.rotate("second")
    store.rotate("third")

    with pytest.raises(InvalidCursor):
        Process(store).cursors.read(before)


def forged(_: Process) -> str:
    return str(Cursors(lambda _: [b"guess"], ("acme", "searches"), Place).write(HERE))


@pytest.mark.parametrize("bad", [forged, lambda _: "garbled", lambda p: f"{written_by(p)[:-1]}"])
def test_bad_cursors_make_a_process_look_again_once_a_minute(
    store: Store, bad: Callable[[Process], str]
) -> None:
    process = Process(store)
    written_by(process)
    store.asked.clear()

    def refuse(times: int) -> None:
        for _ in range(times):
            with pytest.raises(InvalidCursor):
                process.cursors.read(bad(process))

    refuse(5)
    process.now += 59.9
    refuse(5)
    assert store.asked == ["AWSCURRENT", "AWSPREVIOUS"]
    process.now += 0.2
    refuse(5)
    assert store.asked == ["AWSCURRENT", "AWSPREVIOUS"] * 2


def test_a_rotation_during_that_minute_is_noticed_after_it(store: Store) -> None:
    warm = Process(store)
    with pytest.raises(InvalidCursor):
        warm.cursors.read(forged(warm))
    store.rotate("second")
    new = written_by(Process(store))

    with pytest.raises(InvalidCursor):
        warm.cursors.read(new)
    warm.now += 60
    assert warm.cursors.read(new) == HERE
