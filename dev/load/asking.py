"""Asks Tally as the tenants do, and yields in words each answer that is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from json import loads
from typing import Any

from dev.load.comparing import cut, differences
from dev.load.market import Market
from dev.load.truth import Truth
from dev.own_stack import DeployedStack
from ops.errors import OpsError


@dataclass(slots=True)
class Asking:
    """Sends requests as the tenants."""

    stack: DeployedStack
    admin_key: str
    market: Market
    expected: Truth
    _keys: dict[str, str] = field(default_factory=dict)

    def meet_the_tenants(self) -> None:
        """Create the tenants, and a key for each."""
        for tenant_id, currency in self.market.currencies.items():
            wanted = {
                "tenant_id": tenant_id,
                "display_name": tenant_id,
                "billing_currency": currency,
                "requests_per_minute": 0,  # it asks far more often than people do
            }
            self._call("POST", "/v1/admin/tenants", self.admin_key, wanted)
            scopes = {"name": "load", "scopes": ["usage:read", "billing:read"]}
            path = f"/v1/admin/tenants/{tenant_id}/api-keys"
            self._keys[tenant_id] = self._call("POST", path, self.admin_key, scopes)["key"]

    def wrong_counts(self) -> Iterator[str]:
        """Wrong counts; right once the stream has been counted."""
        for tenant_id, path, expected in self._counts():
            told = self._get(tenant_id, path)
            yield from differences(f"{tenant_id}: {path}", cut(told, expected), expected)
        for buyer, expected in self.expected.spend.items():
            told = self._get(buyer, "/v1/buyer/spend")
            if told["period_start"].startswith(self.market.period):  # else the month has ended
                yield from differences(f"{buyer}: spend", cut(told, expected), expected)
        for buyer, rows in self.expected.accesses.items():
            told = list(self._pages(buyer, "/v1/agent/activity/accesses", "accesses"))
            yield from differences(f"{buyer}: accesses", _by_dataset(told), _by_dataset(rows))
            if told != rows:
                yield f"{buyer}: accesses are not in order"
        yield from self._wrong_usage()

    def _wrong_usage(self) -> Iterator[str]:
        """Wrong usage of the partner, in ranges of each kind and in the present month."""
        partner, portfolio, month = self.market.partner, self.expected.portfolio, self.market.period
        days = sorted({day for day, _ in portfolio.uses})
        long_before = date.fromisoformat(days[0]) - timedelta(days=400)
        for first, last in (
            (str(long_before), days[-1]),
            (days[0], days[-1]),
            (days[len(days) // 3], days[-1]),
            (days[0], days[len(days) // 2]),
            (days[-1], days[-1]),
        ):
            used, range_ = portfolio.used(first, last), f"?startDate={first}&endDate={last}"
            analytics = {
                "totalOrganizations": len(portfolio.organizations),
                "activeOrganizations": portfolio.active,
                "totalIdentifications": used.identifications,
                "creditsUsed": used.credits,
            }
            usage = {"totalQuantity": used.quantity, "totalEvents": used.events}
            for path, expected in (("analytics", analytics), ("usage", usage)):
                told = self._get(partner, f"/partner/{path}{range_}")
                yield from differences(f"{partner}: {path}{range_}", cut(told, expected), expected)

        used, total = portfolio.used(f"{month}-01", f"{month}-31"), portfolio.credit_pool_total
        pool = {
            "creditPoolTotal": total,
            "creditPoolUsed": used.credits,
            "creditPoolAvailable": total - used.credits,
        }
        costs: Mapping[str, Any] = {
            "totalIdentifications": used.identifications,
            "totalQuantity": used.quantity,
            "totalEvents": used.events,
            "creditsUsed": used.credits,
            "estimatedCost": used.cost,
        }
        billing = self._get(partner, "/partner/billing")
        if billing["billingPeriodStart"].startswith(month):  # else the month has ended
            yield from differences(f"{partner}: billing", cut(billing, pool), pool)
        told = self._get(partner, "/partner/billing/usage")
        if told["periodStart"].startswith(month):
            yield from differences(f"{partner}: billing/usage", cut(told, costs), costs)

    def wrong_lists(self) -> Iterator[str]:
        """Wrong rows in the lists of searches and organizations, which are newest first."""
        for buyer, expected in self.expected.searches.items():
            told = [
                (search["search_activity_id"], search["charged_amount"])
                for search in self._pages(buyer, "/v1/agent/activity/searches", "searches")
            ]
            yield from differences(f"{buyer}: searches", dict(told), dict(expected))
            if told != expected:
                yield f"{buyer}: searches are not in order"
        partner, organizations = self.market.partner, self.expected.portfolio.organizations
        listed = self._get(partner, "/partner/organizations?pageSize=100")["organizations"]
        shown = {each["id"]: cut(each, {"name": "", "status": ""}) for each in listed}
        yield from differences(f"{partner}: organizations", shown, organizations)
        if list(shown) != list(organizations):
            yield f"{partner}: organizations are not in order"

    def _counts(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Tenant, path, and what must be in the answer."""
        for provider, dashboard in self.expected.dashboards.items():
            yield provider, "/v1/provider/dashboard", dashboard
        for (owner, dataset_id), dataset in self.expected.analytics.items():
            yield owner, f"/v1/provider/datasets/{dataset_id}/analytics", dataset
        for buyer, searches in self.expected.searches.items():
            yield buyer, "/v1/agent/activity/searches?limit=1", {"total": len(searches)}
        for buyer, rows in self.expected.accesses.items():
            yield buyer, "/v1/agent/activity/accesses?limit=1", {"total": len(rows)}

    def _pages(self, tenant_id: str, path: str, name: str) -> Iterator[Any]:
        page = self._get(tenant_id, f"{path}?limit=100")
        yield from page[name]
        while page["next_cursor"]:
            page = self._get(tenant_id, f"{path}?limit=100&cursor={page['next_cursor']}")
            yield from page[name]

    def _get(self, tenant_id: str, path: str) -> Any:
        return self._call("GET", path, self._keys[tenant_id])

    def _call(self, method: str, path: str, key: str, body: object = None) -> Any:
        answer = self.stack.request(method, path, headers={"X-API-Key": key}, json=body)
        if answer.status >= 300:
            raise OpsError(f"{method} {path} answered {answer.status}: {answer.body.decode()}")
        told = loads(answer.body, parse_float=Decimal)
        return told if path.startswith("/partner/") else told["data"]


def _by_dataset(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    return {row["dataset_id"]: row for row in rows}
