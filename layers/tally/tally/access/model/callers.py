"""Who is calling."""

from __future__ import annotations

from dataclasses import dataclass

from tally.access.model.scopes import Scope, satisfies


@dataclass(frozen=True, slots=True)
class Caller:
    """The tenant that a credential stands for, and what the credential may do.

    `subject` is who acts for the tenant: `key_k3j5...`, the id of an API key.
    """

    tenant_id: str
    scopes: tuple[Scope, ...]
    subject: str

    def may(self, scope: Scope) -> bool:
        return satisfies(self.scopes, scope)
