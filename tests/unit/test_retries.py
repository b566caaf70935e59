"""The one layer of retries: what it repeats, how often, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker

from tally.aws.clients import make_client
from tally.aws.retries import PASSING_CODES, retried
from tally.kernel.errors import Unavailable


def refused(code: str, status: int = 400) -> ClientError:
    said: Any = {
        "Error": {"Code": code, "Message": ""},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(said, "GetItem")


class Attempts:
    """Fails with each of the errors, then returns "done"."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_it_repeats_what_botocore_would_repeat() -> None:
    throttled: Any = ThrottledRetryableChecker
    transient: Any = TransientRetryableChecker
    # The lists are nowhere else.
    codes = {*throttled._THROTTLED_ERROR_CODES, *transient._TRANSIENT_ERROR_CODES}  # noqa: SLF001

    assert codes <= PASSING_CODES


@pytest.mark.parametrize("code", sorted(PASSING_CODES))
def test_what_passes_by_itself_is_repeated(code: str) -> None:
    attempts, waited = Attempts(refused(code), refused("Unheard", 503)), list[float]()

    assert retried(attempts, busy="busy", sleep=waited.append) == "done"

    assert attempts.made == 3
    assert len(waited) == 2


def test_it_ends_after_ten_attempts_within_some_seconds() -> None:
    attempts, waited = Attempts(*[refused("Throttling")] * 20), list[float]()

    with pytest.raises(Unavailable, match="busy") as caught:
        retried(attempts, busy="busy", sleep=waited.append)

    assert attempts.made == 10
    assert sum(waited) < 10
    assert isinstance(caught.value.__cause__, ClientError)


@pytest.mark.parametrize(
    "error",
    [refused("AccessDeniedException"), refused("ValidationException"), NoCredentialsError()],
    ids=repr,
)
def test_what_does_not_pass_is_not_repeated(error: Exception) -> None:
    attempts = Attempts(error)

    with pytest.raises(type(error)):
        retried(attempts, busy="busy", sleep=lambda _: None)

    assert attempts.made == 1


def test_clients_themselves_try_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or there would be two layers, and neither would know when to end."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    assert make_client("sqs").meta.config.retries == {
        "mode": "standard",
        "total_max_attempts": 1,
    }
