"""Demo data, sent through the API: the numbers in the examples of the API references, and a year
of a partner."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from dev.demo_api import Api, Said, issue, post, request, send
from dev.demo_portfolio import PARTNER, portfolio
from ops.errors import OpsError
from tally.kernel.periods import Period
from tally.payouts.model.statements import statement_id

PROVIDER, BUYER, AGENT = "demo-provider", "demo-buyer", "demo-agent"
INVOICES = "dset_a1b2c3d4e5f6"

type Dataset = tuple[str, str, tuple[int, int, int], int, int]
# Dataset, name, objects that are (pending, approved, rejected), indexed objects, bytes in all.
# The sums are those of the dashboard in the provider reference; the first line is its dataset.
DATASETS: Sequence[Dataset] = (
    (INVOICES, "AP Invoices 2025", (2, 139, 1), 138, 58_720_256),
    ("dset_g7h8i9j0k1l2", "Legal Contracts Archive", (4, 391, 5), 390, 812_646_400),
    ("dset_m3n4o5p6q7r8", "Quarterly Financial Reports", (1, 247, 2), 247, 536_870_912),
    ("dset_s9t0u1v2w3x4", "Shipping Manifests EMEA", (5, 302, 3), 300, 403_701_760),
    ("dset_y5z6a7b8c9d0", "Support Transcripts", (0, 141, 4), 141, 335_544_320),
)
# The buyer reference lists two searches, which belong to a buyer of their own. The spend that it
# shows is that of the other buyer: 98.42 for searches and 27.25 for accesses.
_SEARCHES = (
    (
        "sa_a1b2c3d4e5f6",
        "invoice showing VAT dispute with Acme in March",
        (INVOICES, "dset_g7h8i9j0k1l2"),
        15,
        "0.45",
        "2026-04-05T09:30:00Z",
    ),
    (
        "sa_m7n8o9p0q1r2",
        "quarterly financial report 2025",
        (INVOICES,),
        8,
        "0.24",
        "2026-04-05T09:15:00Z",
    ),
)
# The two statements in the provider reference, 980.50 and 1250.00, by dataset.
_REVENUE: Mapping[Period, tuple[tuple[str, str], ...]] = {
    "2026-02": ((INVOICES, "500.50"), ("dset_g7h8i9j0k1l2", "480.00")),
    "2026-03": (
        (INVOICES, "640.25"),
        ("dset_g7h8i9j0k1l2", "400.75"),
        ("dset_m3n4o5p6q7r8", "209.00"),
    ),
}
_NOTES = "dset_e5f6g7h8i9j0"
_QUERIES = (
    "unpaid invoices over 90 days",
    "contracts with a change-of-control clause",
    "shipping delays Rotterdam",
    "refund requests after an outage",
)
_BEGAN = "2026-01-05T08:00:00Z"
_EVER = 36_500
"""Days: the demo's searches have the dates of the API's reference, and would grow too old."""
_PATIENCE_S = 60


class DemoKeys(NamedTuple):
    """Keys of the demo tenants."""

    provider_key: str
    buyer_key: str
    agent_key: str
    partner_key: str


class DemoIds(NamedTuple):
    """What the sample events speak of: the provider's statement of the last month with history,
    the run that made it, a statement that waits for its payment, and two keys of the buyer: a
    revoked one, and one that nobody misses."""

    payout_id: str
    payout_run_id: str
    pending_payout_id: str
    revoked_key_id: str
    spare_key_id: str


class Demo(NamedTuple):
    """What the demo made."""

    keys: DemoKeys
    ids: DemoIds


def load(
    stack: Api,
    admin_key: str,
    events_key: str,
    *,
    year: Sequence[Said] | None = None,
    datasets: Sequence[Dataset] = DATASETS,
) -> Demo:
    """Create the demo tenants, send their events, and wait until they are counted.

    `year` is what the partner says, else all of the year that ends today; `datasets` are those
    whose objects are uploaded.
    """
    tenants = (
        (PROVIDER, "Demo Provider"),
        (BUYER, "Demo Buyer"),
        (AGENT, "Demo Research Agent"),
        (PARTNER, "Demo Partner"),
    )
    for tenant_id, name in tenants:
        body = {"tenant_id": tenant_id, "display_name": name, "query_text_retention_days": _EVER}
        post(stack, "/v1/admin/tenants", admin_key, body)
    provider_key = issue(stack, admin_key, PROVIDER, "Dashboard")["key"]
    agent_key = issue(stack, admin_key, AGENT, "Agent")["key"]
    partner_key = issue(stack, admin_key, PARTNER, "Dashboard")["key"]
    *buyer_keys, retired = (
        issue(stack, admin_key, BUYER, name)
        for name in ("Dashboard", "Research agent", "Nightly export", "Retired agent")
    )
    buyer_key = buyer_keys[0]["key"]
    request(stack, "DELETE", f"/v1/api-keys/{retired['api_key_id']}", buyer_key)

    year = list(portfolio(datetime.now(UTC).date())) if year is None else year
    send(stack, "/v1/events", events_key, [*_catalog(datasets), *_activity(), *year])
    keys = DemoKeys(provider_key, buyer_key, agent_key, partner_key)
    _wait_until_counted(stack, keys, year, datasets)
    run_ids = _pay(stack, admin_key, keys)
    last = max(run_ids)
    ids = DemoIds(
        payout_id=statement_id(PROVIDER, last, "USD"),
        payout_run_id=run_ids[last],
        pending_payout_id=statement_id(AGENT, last, "USD"),
        revoked_key_id=retired["api_key_id"],
        spare_key_id=buyer_keys[-1]["api_key_id"],
    )
    return Demo(keys, ids)


def _catalog(filled: Sequence[Dataset]) -> Iterator[Said]:
    """All datasets, and the objects of some."""
    for dataset_id, name, *_ in DATASETS:
        subject = {"tenant_id": PROVIDER, "dataset_id": dataset_id}
        yield Said("dataset.created", dataset_id, subject | {"name": name}, _BEGAN)
    for dataset_id, _, (pending, approved, rejected), indexed, size in filled:
        subject = {"tenant_id": PROVIDER, "dataset_id": dataset_id}
        objects = pending + approved + rejected
        for n in range(objects):
            thing = subject | {"object_id": f"obj_{n:05}"}
            one = f"{dataset_id}-{n:05}"
            share = size // objects + (n < size % objects)
            yield Said("object.uploaded", one, thing | {"size_bytes": share}, _BEGAN)
            if n < approved:
                yield Said("object.approved", one, thing, _BEGAN)
            elif n < approved + rejected:
                yield Said("object.rejected", one, thing, _BEGAN)
            if n < indexed:
                yield Said("object.indexed", one, thing, _BEGAN)


def _activity() -> Iterator[Said]:
    """Searches and accesses of closed months, which count as spend of the present month."""
    contracts = DATASETS[1][0]
    for dataset_id, times, last, price in (
        (INVOICES, 47, "2026-04-05T09:30:00Z", "0.50"),
        (contracts, 12, "2026-04-04T16:45:00Z", "0.3125"),
    ):
        for n in range(times):
            when = _before(last, hours=5 * (times - 1 - n))
            access = {"tenant_id": BUYER, "dataset_id": dataset_id, "kind": "retrieval"}
            one = f"{dataset_id}-{n:05}"
            yield Said("dataset.accessed", one, access | _price(price), when)
    prices = ("0.45",) * 213 + ("0.24",) * 9 + ("0.41",)
    for n, price in enumerate(prices):
        found = [DATASETS[n % 5][0], DATASETS[(n + 1) % 5][0]][: 1 + n % 2]
        search = {
            "tenant_id": BUYER,
            "query_text": _QUERIES[n % len(_QUERIES)],
            "dataset_ids": found,
            "result_count": n % 17,
        }
        when = _before("2026-04-05T08:00:00Z", hours=n)
        yield Said("search.performed", f"{n:05}", search | _price(price), when)
    for search_activity_id, query, dataset_ids, results, price, when in _SEARCHES:
        search = {
            "tenant_id": AGENT,
            "search_activity_id": search_activity_id,
            "query_text": query,
            "dataset_ids": list(dataset_ids),
            "result_count": results,
        }
        yield Said("search.performed", search_activity_id, search | _price(price), when)


def _pay(stack: Api, admin_key: str, keys: DemoKeys) -> dict[Period, str]:
    """Import two months of history, make their statements, and mark the provider's as paid.

    Returns the run of each month.
    """
    send(stack, "/v1/events?backfill=true", admin_key, _history())
    run_ids = {
        period: post(stack, "/v1/admin/payout-runs", admin_key, {"period": period})["payout_run_id"]
        for period in _REVENUE
    }
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        payouts, pending = (
            request(stack, "GET", "/v1/provider/payouts", key)["payouts"]
            for key in (keys.provider_key, keys.agent_key)
        )
        if (len(payouts), len(pending)) == (len(_REVENUE), 1):
            break
        time.sleep(0.1)
    else:
        raise OpsError("The demo's statements were not made in time; `make logs` tells more.")
    for payout in payouts:
        for status in ("processing", "paid"):
            path = f"/v1/admin/payouts/{payout['payout_statement_id']}/status"
            post(stack, path, admin_key, {"status": status})
    return run_ids


def _history() -> Iterator[Said]:
    """The provider's revenue, and in the last month what the provider bought from the agent."""
    notes = {"tenant_id": AGENT, "dataset_id": _NOTES}
    yield Said("dataset.created", _NOTES, notes | {"name": "Research Notes"}, _BEGAN)
    bought = {"tenant_id": PROVIDER, "dataset_id": _NOTES, "kind": "download"} | _price("12.00")
    yield Said("dataset.accessed", _NOTES, bought, f"{max(_REVENUE)}-20T12:00:00Z")
    for period, amounts in _REVENUE.items():
        for dataset_id, amount in amounts:
            access = {"tenant_id": AGENT, "dataset_id": dataset_id, "kind": "download"}
            one = f"{period}-{dataset_id}"
            yield Said("dataset.accessed", one, access | _price(amount), f"{period}-15T12:00:00Z")


def _price(amount: str) -> dict[str, str]:
    return {"charged_amount": amount, "currency": "USD"}


def _before(time: str, *, hours: int) -> str:
    earlier = datetime.fromisoformat(time) - timedelta(hours=hours)
    return earlier.isoformat().replace("+00:00", "Z")


def _wait_until_counted(
    stack: Api, keys: DemoKeys, year: Sequence[Said], datasets: Sequence[Dataset]
) -> None:
    """Wait until the API shows every number of the demo."""
    used = [said for said in year if "quantity" in said.data]
    organizations = sum(said.type == "organization.created" for said in year)
    suspended = sum(said.type == "organization.updated" for said in year)
    usage_path = f"/partner/usage?startDate={used[0].time[:10]}"
    states = [states for _, _, states, _, _ in datasets]
    reviewed = sum(approved + rejected for _, approved, rejected in states)
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        provider = request(stack, "GET", "/v1/provider/dashboard", keys.provider_key)
        analytics_path = f"/v1/provider/datasets/{INVOICES}/analytics"
        analytics = request(stack, "GET", analytics_path, keys.provider_key)
        accesses = request(stack, "GET", "/v1/agent/activity/accesses", keys.buyer_key)
        searches = request(stack, "GET", "/v1/agent/activity/searches", keys.agent_key)
        spend = request(stack, "GET", "/v1/buyer/spend", keys.buyer_key)
        portfolio_now = request(stack, "GET", "/partner/analytics", keys.partner_key)
        usage = request(stack, "GET", usage_path, keys.partner_key)
        shown = (
            provider["objects_approved"] + provider["objects_rejected"],
            analytics["active_object_count"],
            sum(row["access_count"] for row in accesses["accesses"]),
            searches["total"],
            spend["total_spend"],
            portfolio_now["totalOrganizations"],
            portfolio_now["activeOrganizations"],
            usage["totalEvents"],
        )
        if shown == (
            *(reviewed, DATASETS[0][3], 59, len(_SEARCHES), 125.67),
            *(organizations, organizations - suspended, len(used)),
        ):
            return
        time.sleep(0.1)
    raise OpsError("The demo's events were not counted in time; `make logs` tells more.")
