"""The credential of a request: exactly one, in one of the headers where it may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tally.kernel.errors import AmbiguousCredentials

_BLANK = " \t"


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
    return token.strip(_BLANK) if scheme.lower() == "bearer" else ""


def _values(headers: Mapping[str, Sequence[str]], name: str) -> list[str]:
    """The values of a header, of which nothing but spaces and tabs is taken off."""
    values = (value.strip(_BLANK) for value in headers.get(name, ()))
    return [part for value in values if value for part in _parts(value)]


def _parts(value: str) -> list[str]:
    """A header that was sent twice may arrive joined by a comma. One value with a comma in it
    stays as it is: no credential contains one."""
    parts = [part.strip(_BLANK) for part in value.split(",")]
    credentials = [part for part in parts if part.lower() not in ("", "bearer")]
    return credentials if len(credentials) > 1 else [value]
