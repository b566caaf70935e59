"""The samples in events/: what a person sends first, and what every route is tested with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from dev import ROOT
from dev.gateway import PLATFORM, Answer, Headers
from dev.template import Route
from tally.access.model.scopes import Scope
from tally.payouts.model.statements import statement_id
from tests.builders import event
from tests.world import World

# Of whom the samples speak.
TENANT = "demo-provider"


def sample(function: str) -> Any:
    """The sample of a function; FileNotFoundError for one that lacks it."""
    return json.loads((ROOT / "events" / f"{function}.json").read_text())


def caller_of(route: Route) -> str:
    """The tenant that may call the route as its sample does."""
    is_platforms = route.module.endpoint.platform_only or route.path == "/v1/events"
    return PLATFORM if is_platforms else TENANT


def visit(
    world: World,
    route: Route,
    key: str | None = None,
    *,
    headers: Headers | None = None,
    thing: str | None = None,
) -> Answer:
    """The route's sample request, about `thing` or else a new one of the sample's tenant."""
    path = url_of(route, thing or new_thing(world, route, TENANT))
    sent = sample(route.function)
    content_type = {k: v for k, v in sent["headers"].items() if k == "Content-Type"}
    headers = content_type | dict(headers or {})
    return world.request(route.method, path, key=key, headers=headers, body=sent["body"])


def url_of(route: Route, thing: str) -> str:
    """Where the route's sample is sent, about `thing`."""
    asked = sample(route.function).get("queryStringParameters")
    return route.path.replace("{id}", thing) + (f"?{urlencode(asked)}" if asked else "")


def new_thing(world: World, route: Route, tenant_id: str) -> str:
    """The id of what a path with an id speaks of, owned by the tenant; else "none"."""
    return _THINGS[route.path](world, tenant_id) if "{" in route.path else "none"


def _dataset(world: World, tenant_id: str) -> str:
    dataset_id = f"dset_of_{tenant_id}"
    created = event("dataset.created", tenant_id=tenant_id, dataset_id=dataset_id)
    assert world.send(created).status == 202
    return dataset_id


def _api_key(world: World, tenant_id: str) -> str:
    return world.new_key(tenant_id, [Scope.USAGE_READ])[1].api_key_id


def _rotatable_api_key(world: World, tenant_id: str) -> str:
    """By anybody who may rotate keys at all."""
    return world.new_key(tenant_id, [Scope.KEYS_WRITE])[1].api_key_id


def _tenant(_: World, tenant_id: str) -> str:
    return tenant_id


def import_a_charge(world: World, tenant_id: str) -> None:
    """A charge of March 2026, and with it the tenant's revenue."""
    accessed = event(
        "dataset.accessed",
        "2026-03-05T09:30:00Z",
        tenant_id=tenant_id,
        dataset_id=_dataset(world, tenant_id),
        kind="download",
        charged_amount="1.00",
        currency="USD",
    )
    assert world.import_history(accessed).status == 202


def make_portfolio(world: World, partner_id: str) -> None:
    """A partner with one organization that uses something."""
    about = {"partner_id": partner_id}
    sent = world.send(
        event("partner.configured", credit_pool_total=1000, **about),
        event("organization.created", **about),
        event("identification.recorded", quantity=3, **about),
    )
    assert sent.status == 202


def _payout(world: World, tenant_id: str) -> str:
    import_a_charge(world, tenant_id)
    world.run_payouts("2026-03")
    return statement_id(tenant_id, "2026-03", "USD")


_THINGS: Mapping[str, Callable[[World, str], str]] = {
    "/v1/provider/datasets/{id}/analytics": _dataset,
    "/v1/provider/payouts/{id}": _payout,
    "/v1/admin/payouts/{id}/status": _payout,
    "/v1/api-keys/{id}": _api_key,
    "/v1/api-keys/{id}/rotate": _rotatable_api_key,
    "/v1/admin/tenants/{id}": _tenant,
    "/v1/admin/tenants/{id}/api-keys": _tenant,
}
