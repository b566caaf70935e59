"""How a key is made, checked and hashed: `ipto_{prefix}_{secret}`; only a hash is stored.

The secret is 160 random bits, so a plain SHA-256 needs no salt and no stretching.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from base64 import b32encode
from typing import NamedTuple

_RANDOM_BYTES = 20  # 160 bits, 32 characters of base32; the 32-bit checksum adds 7

_KEY = re.compile(r"ipto_([a-z2-7]{12})_([a-z2-7]{32})([a-z2-7]{7})", re.ASCII)


class Credential(NamedTuple):
    """A well-formed key. The public `prefix` finds the stored key; `secret_hash` proves it."""

    prefix: str
    secret_hash: bytes


def generate_key() -> str:
    """A new key with 160 random bits and a checksum."""
    prefix = _base32(secrets.token_bytes(10))[:12]
    random = _base32(secrets.token_bytes(_RANDOM_BYTES))
    return f"ipto_{prefix}_{random}{_checksum(prefix, random)}"


def parse_key(key: str) -> Credential | None:
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
