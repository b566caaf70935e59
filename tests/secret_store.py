"""Secrets Manager with one secret, which tests rotate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from tally.aws.secrets import Secret
from tally.kernel.instants import Instant, to_datetime


@dataclass(frozen=True)
class Kept:
    """A version as it is kept, and since when."""

    version_id: str
    value: str
    created_at: datetime


@dataclass
class SecretStore:
    """`asked` has each call: the stage or the version that it asked for, or "all"."""

    arn_variable: str
    now: Callable[[], Instant]
    versions: list[Kept] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    trouble: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.rotate()

    def rotate(self) -> str:
        """A new version takes the place of the present one; its id."""
        kept = Kept(str(uuid4()), f"secret {len(self.versions)}", to_datetime(self.now()))
        self.versions.append(kept)
        return kept.version_id

    def of_new_process(self) -> Secret:
        return Secret(
            self.arn_variable, lambda _: self, lambda: to_datetime(self.now()).timestamp()
        )

    # ------------------------------------------------------------------ as boto names them

    def get_secret_value(
        self,
        *,
        SecretId: str,  # noqa: N803
        VersionStage: str = "AWSCURRENT",  # noqa: N803
        VersionId: str | None = None,  # noqa: N803
    ) -> dict[str, Any]:
        assert SecretId == "arn:secret"
        self.asked.append(VersionId or VersionStage)
        self.trouble()
        back = {"AWSCURRENT": 1, "AWSPREVIOUS": 2}[VersionStage]
        wanted = [v for v in self.versions if v.version_id == VersionId] or (
            [] if VersionId else self.versions[-back : len(self.versions) - back + 1]
        )
        if not wanted:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetSecretValue")
        return {
            "VersionId": wanted[0].version_id,
            "SecretString": wanted[0].value,
            "CreatedDate": wanted[0].created_at,
        }

    def list_secret_version_ids(
        self,
        *,
        SecretId: str,  # noqa: N803
        IncludeDeprecated: bool,  # noqa: N803
        MaxResults: int,  # noqa: N803
    ) -> dict[str, Any]:
        assert (SecretId, IncludeDeprecated, MaxResults) == ("arn:secret", True, 100)
        self.asked.append("all")
        self.trouble()
        return {
            "Versions": [
                {"VersionId": v.version_id, "CreatedDate": v.created_at} for v in self.versions
            ]
        }
