"""The demo's marketplace: every number of its year, from what was said and the contract's words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from dev import demo_history
from dev.demo_api import Said, charge_event
from dev.demo_market import (
    BUYERS,
    CLIMATE,
    DATASETS,
    FILINGS,
    MARITIME,
    PROVIDERS,
    RESEARCH,
    TENANTS,
)
from dev.demo_year import late, year
from tally.kernel.clock import current_instant
from tally.kernel.instants import Instant, for_display, to_datetime
from tally.kernel.money import Micros
from tally.payouts.model.calendar import newest_ended
from tally.payouts.model.statements import statement_id
from tests.stack.client import Client

OWNERS = {dataset.dataset_id: dataset.tenant_id for dataset in DATASETS}
CENT = Decimal("0.01")
NEWEST = {MARITIME: "paid", FILINGS: "failed", CLIMATE: "pending"}


@dataclass
class Books:
    """What the events add up to, in micro-units: a provider's months, a buyer's by kind."""

    earned: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    spent: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def post(self, month: str, charge: Said, parts: Mapping[str, Micros], sign: int) -> None:
        for dataset_id, amount in parts.items():
            self.earned[OWNERS[dataset_id]][month] += sign * amount
        kind = "search_spend" if charge.type == "search.performed" else "retrieval_spend"
        self.spent[charge.data["tenant_id"], month][kind] += sign * sum(parts.values())


def test_the_demo_shows_a_year_of_a_marketplace(client: Client) -> None:
    now = current_instant()
    keys = demo_history.load_year(client.stack, client.keys.admin_key, now)
    said = [*year(to_datetime(now)), late(to_datetime(now))]
    books = kept(said, now)
    key_of = {MARITIME: keys.market_provider_key, RESEARCH: keys.market_buyer_key}
    for tenant_id in set(TENANTS) - key_of.keys():
        key_of[tenant_id] = new_key(client, tenant_id)

    for provider in PROVIDERS:
        tenant_id, fee_rate = provider.tenant_id, Decimal(provider.fee_rate)
        stated = list(statements(tenant_id, fee_rate, books.earned[tenant_id], now))
        shows_the_statements(client, key_of[tenant_id], stated)
        shows_the_datasets(client, key_of[tenant_id], tenant_id)
    for buyer in BUYERS:
        shows_the_buyer(client, key_of[buyer.tenant_id], buyer.tenant_id, said)
        shows_the_spend(client, key_of[buyer.tenant_id], books.spent[buyer.tenant_id, now[:7]])
    keys_shown = client.call("GET", "/v1/buyer/dashboard", key_of[RESEARCH])
    assert keys_shown == {"api_key_count": 3, "active_api_key_count": 2}


def new_key(client: Client, tenant_id: str) -> str:
    body = {"name": "Test", "scopes": ["usage:read", "billing:read"]}
    path = f"/v1/admin/tenants/{tenant_id}/api-keys"
    key: str = client.call("POST", path, client.keys.admin_key, body)["key"]
    return key


# -------------------------------------------------------------------- what is expected


def kept(said: Sequence[Said], now: Instant) -> Books:
    """History posts to its own month; what came late, to the present one."""
    books, charges = Books(), {}
    for each in said:
        month = now[:7] if each.subject == "late" else each.time[:7]
        if each.type in {"search.performed", "dataset.accessed"}:
            found = each.data.get("dataset_ids") or [each.data["dataset_id"]]
            parts = split(micros(each.data["charged_amount"]), dict.fromkeys(found, 1))
            charges[charge_event(each)["id"]] = each, parts
            books.post(month, each, parts, 1)
        elif each.type == "charge.refunded":
            charge, parts = charges[each.data["charge_event"]["id"]]
            books.post(month, charge, split(micros(each.data["amount"]), parts), -1)
    return books


def micros(amount: str) -> Micros:
    return int(Decimal(amount) * 1_000_000)


def split(whole: Micros, weights: Mapping[str, int]) -> Mapping[str, Micros]:
    """By largest remainder, ties in the order of the ids."""
    of_all = sum(weights.values())
    parts = {name: whole * weight // of_all for name, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda name: (-(whole * weights[name] % of_all), name))
    for name in by_remainder[: whole - sum(parts.values())]:
        parts[name] += 1
    return parts


def statements(
    tenant_id: str, fee_rate: Decimal, earned: Mapping[str, Micros], now: Instant
) -> Iterator[dict[str, Any]]:
    """Of the months that have ended, oldest first; without lines and status changes."""
    carried, newest = Decimal(), newest_ended(now)
    months = sorted(month for month in earned if made_on(month) <= for_display(now))
    for month in months:
        gross = cents(Decimal(earned[month]).scaleb(-6))
        fee, held = cents(fee_rate * gross), max(cents(Decimal("0.10") * gross), Decimal())
        balance = gross - fee - held + carried
        made_at = made_on(month)
        yield {
            "payout_statement_id": statement_id(tenant_id, month, "USD"),
            "gross_revenue": float(gross),
            "platform_fee": float(fee),
            "held_amount": float(held),
            "carried_in": float(carried),
            "released_amount": float(max(balance, Decimal())),
            "carried_over": float(min(balance, Decimal())),
            "still_held": float(held) if is_held(made_at, made_on(months[-1])) else 0.0,
            "status": status(NEWEST[tenant_id] if month == newest else "paid", made_at, now),
            "created_at": made_at,
        }
        carried = min(balance, Decimal())


def made_on(month: str) -> str:
    year_no, month_no = map(int, month.split("-"))
    return f"{year_no + month_no // 12}-{month_no % 12 + 1:02}-01T06:00:00Z"


def status(at_last: str, made_at: str, now: Instant) -> str:
    """Payments begin on the 3rd and end on the 5th of a month."""
    if at_last == "pending" or now < f"{made_at[:8]}03T09":
        return "pending"
    return at_last if now >= f"{made_at[:8]}05T14" else "processing"


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_EVEN)


def is_held(made_at: str, last_run: str) -> bool:
    """For 90 days, and from then on until the next run."""
    return f"{date.fromisoformat(made_at[:10]) + timedelta(days=90)}" > last_run[:10]


# --------------------------------------------------------------------- what is shown


def shows_the_statements(client: Client, key: str, stated: Sequence[Mapping[str, Any]]) -> None:
    listed = client.call("GET", "/v1/provider/payouts?limit=100", key)
    ids = [each["payout_statement_id"] for each in listed["payouts"]]
    assert ids == [each["payout_statement_id"] for each in reversed(stated)]
    for expected in stated:
        path = f"/v1/provider/payouts/{expected['payout_statement_id']}"
        answer = client.call("GET", path, key)
        shown = answer | {"still_held": answer["reserve"]["still_held"]}
        assert {name: shown[name] for name in expected} == expected
    assert any(each["still_held"] for each in stated)
    assert any(each["held_amount"] > each["still_held"] for each in stated)


def shows_the_datasets(client: Client, key: str, tenant_id: str) -> None:
    owned = [each for each in DATASETS if each.tenant_id == tenant_id]
    dashboard = client.call("GET", "/v1/provider/dashboard", key)
    del dashboard["total_storage_bytes"]
    assert dashboard == {
        "total_datasets": len(owned),
        "total_objects": sum(each.states.objects for each in owned),
        "objects_pending_review": sum(each.states.pending for each in owned),
        "objects_approved": sum(each.states.approved for each in owned),
        "objects_rejected": sum(each.states.rejected for each in owned),
    }
    for each in owned:
        path = f"/v1/provider/datasets/{each.dataset_id}/analytics"
        assert client.call("GET", path, key)["active_object_count"] == each.states.indexed


def shows_the_buyer(client: Client, key: str, tenant_id: str, said: Sequence[Said]) -> None:
    own = [each for each in said if each.data["tenant_id"] == tenant_id]
    searches = [each for each in own if each.type == "search.performed"]
    accesses = [each.data["dataset_id"] for each in own if each.type == "dataset.accessed"]
    listed = client.call("GET", "/v1/agent/activity/searches?limit=1", key)
    assert listed["total"] == len(searches)
    assert listed["searches"][0]["query_text"] == searches[-1].data["query_text"]
    rows = client.call("GET", "/v1/agent/activity/accesses?limit=100", key)["accesses"]
    assert {row["dataset_id"]: row["access_count"] for row in rows} == Counter(accesses)


def shows_the_spend(client: Client, key: str, spent: Mapping[str, Micros]) -> None:
    spend = client.call("GET", "/v1/buyer/spend", key)
    shown = [spend[kind] for kind in ("search_spend", "retrieval_spend", "total_spend")]
    kinds = [spent["search_spend"], spent["retrieval_spend"]]
    assert shown == [float(Decimal(each).scaleb(-6)) for each in (*kinds, sum(kinds))]
