"""Secrets of the stack. Each may be rotated at any time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import ClientError

from tally.aws.clients import Service, make_client
from tally.aws.retries import retried
from tally.kernel.errors import Unavailable
from tally.kernel.instants import Instant, to_instant

_BUSY = "The store of secrets is busy; send the request again."
_PAUSE_S = 60.0
_SIGNS_FOR_S = 300.0
# Whoever makes up names of versions has the present one read again as often as this.
_SHORT_PAUSE_S = 2.0


@dataclass(frozen=True, slots=True)
class Version:
    """One value that a secret has or had. `replaced_at` is when the next one was made, if there
    is one and this is no longer the present one."""

    version_id: str
    value: bytes = field(repr=False)
    created_at: Instant
    replaced_at: Instant | None = None


@dataclass(slots=True)
class Secret:
    """A secret that may be rotated. `arn_variable` is the environment variable with its ARN.

    A signature that does not name its version is checked against what `read` returns; one that
    does, against `version`.
    """

    arn_variable: str
    make_client: Callable[[Service], Any] = make_client
    clock: Callable[[], float] = time.time
    _client: Any = field(default=None, repr=False)
    _values: Sequence[bytes] = field(default=(), repr=False)
    _rotation_looked_for: float | None = None
    _current: Version | None = None
    _current_looked_for: float | None = None
    _known: dict[str, Version] = field(default_factory=dict)
    _created: dict[str, Instant] = field(default_factory=dict)
    _listed: float | None = None

    def read(self, rotated: bool = False) -> Sequence[bytes]:  # noqa: FBT001, FBT002  see Secrets
        """The present value, read once per process. With `rotated`, because something does not
        match it: the present and the previous one, looked up at most once a minute."""
        if not self._values:
            self._values = self._at_stage("AWSCURRENT")
        if rotated and self._is_past(self._rotation_looked_for, _PAUSE_S):
            self._rotation_looked_for = self.clock()
            self._values = (*self._at_stage("AWSCURRENT"), *self._at_stage("AWSPREVIOUS"))
        return self._values

    def current(self) -> Version:
        """The version that signs now. A process notices within five minutes that it was rotated."""
        if self._current is None or self._is_past(self._current_looked_for, _SIGNS_FOR_S):
            return self._look_for_current()
        return self._current

    def version(self, version_id: str) -> Version | None:
        """The version of this id, read once per process; None if there is none.

        Ids that are made up cost a call every two seconds at most, and one that lists all versions
        every minute. They keep nobody out: a version is known from either of these two.
        """
        if version_id not in self._known and self._is_past(
            self._current_looked_for, _SHORT_PAUSE_S
        ):
            self._look_for_current()
        if version_id not in self._known and version_id not in self._created:
            self._list_versions()
        if version_id not in self._known and version_id in self._created:
            self._fetch(VersionId=version_id)
        found = self._known.get(version_id)
        return found and replace(found, replaced_at=self._replaced_at(found))

    # ----------------------------------------------------------------- versions

    def _replaced_at(self, version: Version) -> Instant | None:
        if self._current and version.version_id == self._current.version_id:
            return None
        later = (
            made
            for version_id, made in self._created.items()
            if made >= version.created_at and version_id != version.version_id
        )
        return min(later, default=None)

    def _look_for_current(self) -> Version:
        """Where it cannot be told, the one that was known goes on."""
        self._current_looked_for = self.clock()
        try:
            found = self._fetch(VersionStage="AWSCURRENT")
        except Unavailable:
            if self._current is None:
                self._current_looked_for = None
                raise
            return self._current
        if found is None:
            raise LookupError(f"the secret of {self.arn_variable} has no value")
        self._current = found
        return found

    def _list_versions(self) -> None:
        if not self._is_past(self._listed, _PAUSE_S):
            return
        answer = self._call("list_secret_version_ids", IncludeDeprecated=True, MaxResults=100)
        self._listed = self.clock()
        for each in answer["Versions"]:
            self._created[each["VersionId"]] = to_instant(each["CreatedDate"])

    # -------------------------------------------------------------------- calls

    def _is_past(self, moment: float | None, pause_s: float) -> bool:
        return moment is None or self.clock() - moment >= pause_s

    def _at_stage(self, stage: str) -> Sequence[bytes]:
        """The value at this stage; none if there is no such version."""
        try:
            answer = self._call("get_secret_value", VersionStage=stage)
        except ClientError as error:
            if _is_missing(error) and stage == "AWSPREVIOUS":
                return ()  # it was never rotated
            raise
        return (_value_in(answer),)

    def _fetch(self, **which: str) -> Version | None:
        """Reads a version, by its id or stage; None if it is gone."""
        try:
            answer = self._call("get_secret_value", **which)
        except ClientError as error:
            if _is_missing(error):
                self._created.pop(which.get("VersionId", ""), None)
                return None
            raise
        version_id, created_at = answer["VersionId"], to_instant(answer["CreatedDate"])
        self._created[version_id] = created_at
        self._known[version_id] = Version(version_id, _value_in(answer), created_at)
        return self._known[version_id]

    def _call(self, operation: str, **arguments: Any) -> Mapping[str, Any]:
        if self._client is None:
            self._client = self.make_client("secretsmanager")
        call: Callable[..., Mapping[str, Any]] = getattr(self._client, operation)
        secret_id = os.environ[self.arn_variable]
        return retried(lambda: call(SecretId=secret_id, **arguments), busy=_BUSY)


def _is_missing(error: ClientError) -> bool:
    return bool(error.response["Error"]["Code"] == "ResourceNotFoundException")


def _value_in(answer: Mapping[str, Any]) -> bytes:
    return str(answer["SecretString"]).encode()
