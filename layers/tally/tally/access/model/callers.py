"""Who is calling."""

from __future__ import annotations

from dataclasses import dataclass

from tally.access.model.scopes import Scope, satisfies
from tally.kernel.instants import Instant


@dataclass(frozen=True, slots=True)
class Caller:
    """The tenant that a credential stands for, and what the credential may do.

    `subject` is who acts for the tenant: `key_k3j5...`, the id of an API key. `expires_at` is when
    the credential expires, if it does.
    """

    tenant_id: str
    scopes: tuple[Scope, ...]
    subject: str
    expires_at: Instant | None = None

    def may(self, scope: Scope) -> bool:
        return satisfies(self.scopes, scope)
