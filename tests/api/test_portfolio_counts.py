"""What counts in a portfolio, once and on its day, and whose it is."""

from __future__ import annotations

from typing import Any

import pytest

from tally.partners.counters import UsageTotals
from tests import builders
from tests.api.answers import accepted, duplicate, ingested, rejected
from tests.api.portfolios import (
    ANALYTICS,
    USAGE,
    analytics,
    ask,
    configured,
    identified,
    ok,
    organization,
    usage,
    used,
)
from tests.builders import event, happen
from tests.world import World


@pytest.fixture
def portfolio(world: World) -> World:
    return builders.portfolio(world)


@pytest.mark.slow
def test_what_an_identification_counts_for(portfolio: World) -> None:
    """One and as many credits as it counts for, unless told otherwise; other usage has none."""
    days = [f"2026-03-{n:02}" for n in range(1, 10)]
    times = [f"{day}T09:00:00Z" for day in days]
    sent = [
        event("identification.recorded", times[0]),
        identified(times[1], 5),
        identified(times[2], 5, credits=2),
        identified(times[3], 5, credits=None),
        identified(times[4], 5, credits=0),
        identified(times[5], 0),
        identified(times[6], 0, credits=7),
        used(times[7], 100, credits=50),
        used(times[8], 0, kind="identification"),
    ]
    # Quantity, identifications and credits.
    counts = [
        (1, 1, 1),
        (5, 5, 5),
        (5, 5, 2),
        (5, 5, 5),
        (5, 5, 0),
        (0, 0, 0),
        (0, 0, 7),
        (100, 0, 0),
        (0, 0, 0),
    ]
    happen(portfolio, *sent)

    for day, (quantity, identifications, credits_) in zip(days, counts, strict=True):
        query = f"?startDate={day}&endDate={day}"
        assert ask(portfolio, USAGE + query) == ok(usage(day, day, quantity, 1))
        counted = {"totalIdentifications": identifications, "creditsUsed": credits_}
        assert ask(portfolio, ANALYTICS + query) == ok(analytics(day, day, **counted))


@pytest.mark.parametrize("sent", [used("2026-04-05T09:00:00Z", 0), used("2026-04-05T09:00:00Z", 7)])
def test_a_day_without_identifications(sent: dict[str, Any], portfolio: World) -> None:
    happen(portfolio, sent)

    quantity = sent["data"]["quantity"]
    assert ask(portfolio, USAGE) == ok(usage("2026-04-01", "2026-04-05", quantity, 1))
    assert ask(portfolio, ANALYTICS) == ok(analytics("2026-03-06", "2026-04-05"))


def test_late_events_count_on_their_day(portfolio: World) -> None:
    happen(portfolio, identified("2026-04-05T09:00:00Z", 1))
    happen(
        portfolio,
        identified("2024-02-29T23:59:59.999999999Z", 10),
        identified("2024-02-29T22:00:00-02:00", 100),
        used("2000-01-01T00:00:00Z", 1000),
    )

    assert ask(portfolio, f"{USAGE}?startDate=2024-02-01&endDate=2024-02-29") == ok(
        usage("2024-02-01", "2024-02-29", 10, 1)
    )
    assert ask(portfolio, f"{USAGE}?startDate=2024-02-01&endDate=2024-04-30") == ok(
        usage("2024-02-01", "2024-04-30", 110, 2)
    )
    assert ask(portfolio, f"{USAGE}?startDate=2000-01-01&endDate=2002-12-31") == ok(
        usage("2000-01-01", "2002-12-31", 1000, 1)
    )
    assert ask(portfolio, USAGE) == ok(usage("2026-04-01", "2026-04-05", 1, 1))


def test_what_was_sent_or_delivered_twice_counts_once(portfolio: World) -> None:
    sent = [identified("2026-04-05T09:00:00Z", 5), used("2026-04-05T09:00:00Z", 20)]
    again = [identified("2026-04-05T09:00:00Z", 5, id=sent[0]["id"], credits=5)]

    assert portfolio.send(*sent, sent[0]) == ingested(202, *map(accepted, sent), duplicate(sent[0]))
    batch = portfolio.new_stream_records()
    assert portfolio.send(*sent) == ingested(202, *map(duplicate, sent))
    assert portfolio.send(*again).body["data"]["rejected"] == 1
    portfolio.redeliver(batch)
    portfolio.redeliver(batch)
    portfolio.deliver()

    assert ask(portfolio, USAGE) == ok(usage("2026-04-01", "2026-04-05", 25, 2))


def test_a_hundred_events_of_few_days_are_two_writes(portfolio: World) -> None:
    """Each day of each partner is entered once in each of them."""
    sent = [
        identified(f"2026-03-0{n % 3 + 1}T09:00:00Z", n, partner_id=("acme", "rival")[n % 2])
        for n in range(100)
    ]
    calls: list[str] = []
    portfolio.send()  # which makes the key
    with portfolio.on_call(calls.append):
        answered = portfolio.send(*sent)
    portfolio.deliver()

    assert answered == ingested(202, *map(accepted, sent))
    assert calls.count("TransactWriteItems") == 2
    for n, partner_id in enumerate(("acme", "rival")):
        for day in range(3):
            of_day = [m for m in range(100) if m % 2 == n and m % 3 == day]
            date = f"2026-03-0{day + 1}"
            assert ask(portfolio, f"{USAGE}?startDate={date}&endDate={date}", partner_id) == ok(
                usage(date, date, sum(of_day), len(of_day))
            )


def test_history_counts_as_everything_else(portfolio: World) -> None:
    sent = [
        organization("created", "org_9", "2024-01-01T00:00:00Z"),
        identified("2024-02-29T00:00:00Z", 5, organization_id="org_9"),
        configured("2024-01-01T00:00:00Z", 300),
    ]

    assert portfolio.import_history(*sent) == ingested(202, *map(accepted, sent))
    assert portfolio.import_history(*sent) == ingested(202, *map(duplicate, sent))
    portfolio.deliver()

    assert ask(portfolio, f"{ANALYTICS}?startDate=2024-02-29&endDate=2024-02-29") == ok(
        analytics(
            "2024-02-29",
            "2024-02-29",
            totalOrganizations=2,
            activeOrganizations=2,
            totalIdentifications=5,
            creditsRemaining=300,
            creditsUsed=5,
        )
    )


def test_sums_are_exact_however_large(portfolio: World) -> None:
    """The counters say so, of a year of a trillion a second."""
    most = 10**37
    for day in ("2026-04-05", "2026-03-01"):
        counter = {"identifications": most, "quantity": most + 1, "events": 3, "credits": 2**63}
        totals = UsageTotals("acme", day).key
        portfolio.table.transact([portfolio.table.put(totals, counter)])
    query = "?startDate=2026-02-01&endDate=2026-04-05"

    answered = ask(portfolio, USAGE + query)

    assert answered == ok(usage("2026-02-01", "2026-04-05", 2 * most + 2, 6))
    assert f'"totalQuantity": 2{"0" * 36}2, ' in answered.text
    counts = {"totalIdentifications": 2 * most, "creditsUsed": 2**64}
    assert ask(portfolio, ANALYTICS + query) == ok(analytics("2026-02-01", "2026-04-05", **counts))


def test_the_largest_events_add_up(portfolio: World) -> None:
    largest = 10**12 - 1
    happen(portfolio, *[identified("2026-04-05T09:00:00Z", largest) for _ in range(3)])

    assert ask(portfolio, USAGE) == ok(usage("2026-04-01", "2026-04-05", 3 * largest, 3))


# -------------------------------------------------------------------- whose and of what


def test_one_id_at_two_partners_is_two_organizations(portfolio: World) -> None:
    happen(
        portfolio,
        identified("2026-04-05T09:00:00Z", 5),
        identified("2026-04-05T09:00:00Z", 70, partner_id="rival"),
        organization("deleted", "org_1", "2026-04-05T09:30:00Z", partner_id="rival"),
    )

    gone = {"partnerId": "rival", "totalOrganizations": 0, "activeOrganizations": 0}
    counts = {"totalIdentifications": 5, "creditsUsed": 5}
    assert ask(portfolio, ANALYTICS) == ok(analytics("2026-03-06", "2026-04-05", **counts))
    counts = {"totalIdentifications": 70, "creditsUsed": 70}
    assert ask(portfolio, ANALYTICS, "rival") == ok(
        analytics("2026-03-06", "2026-04-05", **gone, **counts)
    )


def test_usage_is_of_an_organization_that_existed(portfolio: World) -> None:
    happen(portfolio, organization("deleted", "org_1", "2026-04-05T09:00:00Z"))
    before, at, after = (f"2026-04-05T{clock}Z" for clock in ("08:59:59", "09:00:00", "09:00:01"))
    late = [identified(before), used(before, 1), identified(at)]
    wrong = [
        identified(after),
        used(after, 1),
        organization("updated", "org_1", after),
        *[each(before, 1, organization_id="org_2") for each in (identified, used)],
        organization("updated", "org_2", before),
        organization("deleted", "org_2", before),
    ]

    assert portfolio.send(*late) == ingested(202, *map(accepted, late))
    with portfolio.unchanged():
        answered = portfolio.send(*wrong)

    assert answered == ingested(
        422,
        *[
            rejected(
                each,
                "unknown_organization",
                "data.organization_id: partner acme has no organization "
                f"{each['data']['organization_id']}.",
            )
            for each in wrong
        ],
    )
    happen(portfolio, organization("created", "org_1", "2026-04-05T09:10:00Z"))
    assert portfolio.send(*wrong[:3]) == ingested(202, *map(accepted, wrong[:3]))
