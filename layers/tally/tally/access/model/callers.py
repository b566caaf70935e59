"""Who is calling."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tally.access.model.scopes import Scope, satisfies
from tally.kernel.instants import Instant


class Proof(StrEnum):
    """What kind of credential proved a caller."""

    API_KEY = "api_key"
    SESSION = "session"
    ACCESS_TOKEN = "access_token"  # noqa: S105  a kind of credential, not one


@dataclass(frozen=True, slots=True)
class Caller:
    """The tenant that a credential stands for, and what the credential may do.

    `subject` is who acts for the tenant: `key_k3j5...`, the id of an API key, which is also that of
    its sessions; or `client_...` or `user_...`, a client or a person of the OIDC issuer.
    `expires_at` is when the credential expires, if it does.
    """

    tenant_id: str
    scopes: tuple[Scope, ...]
    subject: str
    expires_at: Instant | None = None
    proof: Proof = Proof.API_KEY

    def may(self, scope: Scope) -> bool:
        return satisfies(self.scopes, scope)
