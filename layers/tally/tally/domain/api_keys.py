"""API keys: `ipto_{prefix}_{secret}`, of which only a hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from base64 import b32encode
from dataclasses import dataclass, replace
from typing import NamedTuple

from tally.domain.instants import Instant
from tally.domain.scopes import Scope

_RANDOM_BYTES = 20  # 160 bits, 32 characters of base32; the checksum's 32 bits are 7 more
_KEY = re.compile(r"ipto_([a-z2-7]{12})_([a-z2-7]{32})([a-z2-7]{7})", re.ASCII)


class Credential(NamedTuple):
    """A well-formed key. `prefix` is public and looks the key up; `secret_hash` proves it."""

    prefix: str
    secret_hash: bytes


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is stored. It belongs to one tenant and never changes, but for revocation."""

    prefix: str
    tenant_id: str
    name: str
    scopes: tuple[Scope, ...]
    secret_hash: bytes
    created_at: Instant
    expires_at: Instant | None = None
    revoked_at: Instant | None = None

    @property
    def api_key_id(self) -> str:
        """`key_{prefix}`: the id names the item, so neither needs a lookup by the other."""
        return f"key_{self.prefix}"

    @property
    def status(self) -> str:
        return "active" if self.revoked_at is None else "revoked"

    def admits(self, credential: Credential, now: Instant) -> bool:
        """Whether the credential is this key, and the key is neither revoked nor expired."""
        return (
            hmac.compare_digest(self.secret_hash, credential.secret_hash)
            and self.revoked_at is None
            and (self.expires_at is None or now < self.expires_at)
        )

    def revoked(self, now: Instant) -> ApiKey:
        return replace(self, revoked_at=self.revoked_at or now)


def prefix_of(api_key_id: str) -> str | None:
    """The inverse of `ApiKey.api_key_id`; None for what never was an id."""
    match = re.fullmatch(r"key_([a-z2-7]{12})", api_key_id, re.ASCII)
    return match and match[1]


def generate() -> str:
    """A new key with 160 random bits and a checksum."""
    prefix = _base32(secrets.token_bytes(10))[:12]
    random = _base32(secrets.token_bytes(_RANDOM_BYTES))
    return f"ipto_{prefix}_{random}{_checksum(prefix, random)}"


def parse(key: str) -> Credential | None:
    """The credential in a key; None if it is malformed or its checksum is wrong."""
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    prefix, random, checksum = match.groups()
    if not hmac.compare_digest(checksum, _checksum(prefix, random)):
        return None
    return Credential(prefix, hashlib.sha256(key.encode()).digest())


def _checksum(prefix: str, random: str) -> str:
    return _base32(zlib.crc32(f"{prefix}_{random}".encode()).to_bytes(4))


def _base32(data: bytes) -> str:
    return b32encode(data).decode().rstrip("=").lower()
