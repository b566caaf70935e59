"""A partner's organizations, and the list that shows them."""

from __future__ import annotations

from typing import Any

from tests.api.portfolios import ORGANIZATIONS, ask
from tests.world import World


def shown(organization_id: str, **fields: Any) -> dict[str, Any]:
    """An organization of whom nothing was said but its name."""
    nothing: dict[str, Any] = {
        "id": organization_id,
        "name": "Harbour Analytics",
        "externalId": None,
        "status": "active",
        "tier": "trial",
        "credits": 0,
        "metadata": {},
        "createdAt": "2026-04-01T00:00:00Z",
    }
    assert nothing.keys() >= fields.keys()
    return nothing | fields


def listed(
    *organizations: dict[str, Any], total: int | None = None, page: int = 1, size: int = 20
) -> dict[str, Any]:
    return {
        "organizations": list(organizations),
        "total": len(organizations) if total is None else total,
        "page": page,
        "pageSize": size,
    }


def found(world: World, query: str = "", partner_id: str = "acme") -> list[str]:
    """The ids that a search finds, all on one page."""
    answered = ask(world, f"{ORGANIZATIONS}?pageSize=100&{query}", partner_id)
    assert answered.status == 200, answered
    ids = [each["id"] for each in answered.body["organizations"]]
    assert answered.body["total"] == len(ids)
    return ids
