"""The credential of a request: exactly one, in one of the headers where it may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tally.kernel.errors import AmbiguousCredentials


def credential_in(headers: Mapping[str, Sequence[str]], key_headers: Sequence[str]) -> str:
    """The text of the credential; "" if there is none, or none of a scheme that Tally knows.

    `headers`: lower-case name -> values. `key_headers`: where a key may be beside Authorization.
    AmbiguousCredentials if there are two.
    """
    keys = [value for name in key_headers for value in _values(headers, name)]
    authorizations = _values(headers, "authorization")
    if len(keys) + len(authorizations) > 1:
        raise AmbiguousCredentials("Send one credential, in one header.")
    credentials = [*keys, *map(_bearer_token, authorizations)]
    return credentials[0] if credentials else ""


def _bearer_token(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _values(headers: Mapping[str, Sequence[str]], name: str) -> list[str]:
    """The values of a header. One that was sent twice may arrive joined by a comma, which no
    credential contains."""
    parts = (part.strip() for value in headers.get(name, ()) for part in value.split(","))
    return [part for part in parts if part]
