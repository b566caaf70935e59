"""API keys as they are stored, and when a key admits its holder."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, replace

from tally.access.model.key_hashing import Credential
from tally.access.model.scopes import Scope
from tally.kernel.instants import Instant


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A stored key. It belongs to one tenant.

    Its revocation changes it, and its rotation, which ends it sooner. `last_used_at` is up to an
    hour late; None if the key was never used.
    """

    prefix: str
    tenant_id: str
    name: str
    scopes: tuple[Scope, ...]
    secret_hash: bytes
    created_at: Instant
    expires_at: Instant | None = None
    revoked_at: Instant | None = None
    last_used_at: Instant | None = None

    @property
    def api_key_id(self) -> str:
        """`key_{prefix}`: the id gives the prefix, by which the key is stored."""
        return f"key_{self.prefix}"

    @property
    def status(self) -> str:
        return "active" if self.revoked_at is None else "revoked"

    def admits(self, credential: Credential, now: Instant) -> bool:
        """Whether the credential is this key and the key is neither revoked nor expired."""
        return hmac.compare_digest(self.secret_hash, credential.secret_hash) and self.is_active(now)

    def is_active(self, now: Instant) -> bool:
        """Whether the key is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def revoked(self, now: Instant) -> ApiKey:
        """The key, revoked; an earlier revocation stays."""
        return replace(self, revoked_at=self.revoked_at or now)


def earlier(one: Instant | None, other: Instant | None) -> Instant | None:
    """The earlier of two ends; None is no end at all."""
    return min((end for end in (one, other) if end is not None), default=None)


def prefix_of(api_key_id: str) -> str | None:
    """The inverse of `ApiKey.api_key_id`; None if the text is not the id of a key."""
    match = re.fullmatch(r"key_([a-z2-7]{12})", api_key_id, re.ASCII)
    return match and match[1]
