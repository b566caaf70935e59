"""What becomes of query texts: shown, erased, expired, and never anywhere else."""

from __future__ import annotations

import json

import pytest

from dev.gateway import PLATFORM
from tally.access.model.scopes import Scope
from tally.activity.erasing import tasks_of_every_day
from tally.counting.recount import recount
from tally.kernel.instants import to_datetime
from tests.api.activity import SEARCHES, page, search, walk
from tests.api.answers import answer, failure, invalid, success
from tests.api.texts import (
    ERASE,
    erase,
    holding,
    keep_for,
    market,
    put_from_before,
    texts,
)
from tests.builders import happen
from tests.world import NOW, World

SECRET = "who treats my illness"
EARLY, LATE = "2026-04-05T08:00:00Z", "2026-04-05T09:00:00Z"
NOON_BEFORE = "2026-04-04T12:00:00Z"


@pytest.fixture(name="world")
def made_world(world: World) -> World:
    return market(world)


# ---------------------------------------------------------------------------- erasing


def test_erased_texts_are_hidden_at_once_and_deleted_soon(world: World) -> None:
    happen(world, search("sa_1", EARLY, query_text=SECRET), search("sa_2", LATE, query_text="b"))
    before = page(world, SEARCHES)

    assert erase(world, LATE) == answer(202, success({"before": LATE}))

    hidden = [
        {**each, "query_text": None if each["search_activity_id"] == "sa_1" else "b"}
        for each in before["searches"]
    ]
    assert page(world, SEARCHES) == {**before, "searches": hidden}
    assert len(holding(world, SECRET)) == 1

    assert world.do_erasures() == 1

    assert holding(world, SECRET) == []
    assert page(world, SEARCHES) == {**before, "searches": hidden}


def test_money_and_counts_are_what_they_were(world: World) -> None:
    happen(world, *[search(f"sa_{n}", EARLY, charged_amount="0.45") for n in range(3)])
    world.key("acme", Scope.KEYS_WRITE)
    shown = [numbers(world, url) for url in ("/v1/buyer/dashboard", "/v1/buyer/spend")]

    erase(world, LATE)
    world.do_erasures()

    # Nothing of it is for the stream's function.
    assert world.new_stream_records() == []
    assert recount(world.table, "acme", sleep=lambda _: None) == []
    assert [numbers(world, url) for url in ("/v1/buyer/dashboard", "/v1/buyer/spend")] == shown


def numbers(world: World, url: str) -> object:
    return world.get(url, "acme", Scope.USAGE_READ, Scope.BILLING_READ)


def test_other_tenants_keep_theirs(world: World) -> None:
    of_rival = search("sa_1", EARLY, query_text="rival's", tenant_id="rival")
    happen(world, search("sa_1", EARLY, query_text=SECRET), of_rival)

    erase(world, LATE)
    world.do_erasures()

    assert texts(world) == {"sa_1": None}
    assert texts(world, "rival") == {"sa_1": "rival's"}


def test_a_repetition_brings_nothing_back(world: World) -> None:
    """It is a duplicate as ever, and another content is a conflict."""
    sent = search("sa_1", EARLY, query_text=SECRET)
    happen(world, sent)
    erase(world, LATE)
    world.do_erasures()

    with world.unchanged():
        assert world.send(sent).body["data"]["duplicates"] == 1
        other = {**sent, "data": {**sent["data"], "query_text": "another"}}
        (refused,) = world.send(other).body["data"]["results"]

    assert refused["error"]["code"] == "event_conflict"
    assert holding(world, SECRET) == []


def test_an_event_that_comes_late_is_counted_without_its_text(world: World) -> None:
    erase(world, LATE)

    happen(world, search("sa_1", EARLY, query_text=SECRET), search("sa_2", LATE, query_text="b"))

    assert texts(world) == {"sa_1": None, "sa_2": "b"}
    assert holding(world, SECRET) == []
    assert page(world, SEARCHES)["total"] == 2


def test_an_empty_text_is_a_text(world: World) -> None:
    happen(world, search("sa_1", LATE, query_text=""))

    assert texts(world) == {"sa_1": ""}
    erase(world, NOW)
    assert texts(world) == {"sa_1": None}


def test_less_than_was_erased_before_changes_nothing_but_is_audited(world: World) -> None:
    happen(world, search("sa_1", EARLY, query_text=SECRET))
    erase(world, LATE)

    assert erase(world, NOON_BEFORE) == answer(202, success({"before": NOON_BEFORE}))

    assert texts(world) == {"sa_1": None}
    told = [item for item in world.items() if item.get("deed") == {"S": "query_texts.erased"}]
    assert sorted(item["details"]["M"]["before"]["S"] for item in told) == [
        "2026-04-04T12:00:00.000000000Z",
        "2026-04-05T09:00:00.000000000Z",
    ]
    assert [(item["target"], item["tenant_id"]) for item in told] == [({"S": "acme"},) * 2] * 2


def test_a_time_to_come_is_now(world: World) -> None:
    """What is searched for afterwards is kept."""
    happen(world, search("sa_1", LATE, query_text=SECRET))

    assert erase(world, "2100-01-01T00:00:00Z") == answer(202, success({"before": NOW[:19] + "Z"}))
    happen(world, search("sa_2", "2026-04-05T10:00:00Z", query_text="b"))

    assert texts(world) == {"sa_1": None, "sa_2": "b"}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "is required"),
        *(
            (
                f"?before={text}",
                "must be an RFC 3339 date-time with an offset, like 2026-04-05T09:30:00Z",
            )
            for text in ("", "today", "2026-04-05", "2026-04-05T09:30:00", "1775381400")
        ),
        ("?before=1999-12-31T23:59:59Z", "must not be before 2000-01-01"),
    ],
)
def test_a_time_that_is_none(world: World, query: str, reason: str) -> None:
    key = world.key("acme", Scope.KEYS_WRITE)

    with world.unchanged():
        refused = world.request("DELETE", f"{ERASE}{query}", key=key)

    assert refused == answer(400, invalid(("before", reason)))
    assert world.erasures.bodies == world.erasures.later == []


def test_who_reads_may_not_erase(world: World) -> None:
    key = world.key("acme", Scope.USAGE_READ)

    refused = world.request("DELETE", f"{ERASE}?before={LATE}", key=key)

    lacking = failure("insufficient_scope", "This request needs the scope keys:write.")
    assert refused == answer(403, lacking)


def test_pages_go_on_while_texts_are_erased(world: World) -> None:
    times = {f"sa_{n}": f"2026-04-05T08:0{n}:00Z" for n in range(6)}
    happen(world, *[search(each, at, query_text=each) for each, at in times.items()])

    def between() -> None:
        erase(world, times["sa_3"])
        world.do_erasures()

    pages = walk(world, SEARCHES, 2, between)

    found = [(s["search_activity_id"], s["query_text"]) for p in pages for s in p["searches"]]
    assert found == [
        ("sa_5", "sa_5"),
        ("sa_4", "sa_4"),
        ("sa_3", "sa_3"),
        ("sa_2", None),
        ("sa_1", None),
        ("sa_0", None),
    ]


# -------------------------------------------------------------------------- retention


def test_a_text_expires_after_a_year_and_the_search_stays(world: World) -> None:
    sent = search("sa_1", "2025-05-01T00:00:00Z", query_text=SECRET)
    assert world.import_history(sent).status == 202
    world.deliver()
    (item,) = [each for each in world.items() if each["SK"]["S"].startswith("TEXT#")]

    expires = to_datetime("2026-05-01T00:00:00.000000000Z").timestamp()
    assert item["ttl"] == {"N": str(int(expires))}
    assert texts(world) == {"sa_1": SECRET}
    world.wait(days=26)  # 2026-05-01, 10:00
    assert texts(world) == {"sa_1": None}
    assert page(world, SEARCHES)["total"] == 1


def test_history_that_is_too_old_comes_without_its_texts(world: World) -> None:
    sent = search("sa_1", "2025-04-05T09:59:59Z", query_text=SECRET)

    assert world.import_history(sent).status == 202

    assert texts(world) == {"sa_1": None}
    assert holding(world, SECRET) == []


def test_a_shorter_retention_hides_at_once_and_deletes_within_two_days(world: World) -> None:
    happen(
        world,
        search("sa_1", "2026-04-03T09:59:59Z", query_text="two days ago"),
        search("sa_2", "2026-04-04T09:59:59Z", query_text="a day ago"),
        search("sa_3", "2026-04-04T10:00:00Z", query_text="today"),
    )
    keep_for(world, 1)

    assert texts(world) == {"sa_1": None, "sa_2": None, "sa_3": "today"}
    expire(world)
    assert [len(holding(world, each)) for each in ("two days ago", "a day ago")] == [0, 1]
    world.wait(days=1)
    expire(world)
    assert holding(world, "a day ago") == []
    assert len(holding(world, "today")) == 1


def expire(world: World) -> None:
    """What the schedule does each day, and what follows."""
    world.erasures.send_all(task.to_json() for task in tasks_of_every_day(world.table))
    world.do_erasures()


def test_the_schedule_finishes_what_an_erasure_left_behind(world: World) -> None:
    happen(world, search("sa_1", EARLY, query_text=SECRET))
    erase(world, LATE)
    world.erasures.bodies.clear()
    world.erasures.later.clear()

    expire(world)

    assert holding(world, SECRET) == []
    tenants = {task.tenant_id for task in tasks_of_every_day(world.table)}
    assert tenants == {"acme", "rival", "north", PLATFORM}


# ----------------------------------------------- texts that are still with their searches


def test_texts_from_before_are_shown_hidden_and_erased(world: World) -> None:
    put_from_before(world, "sa_1", "2026-04-05T08:00:00.000000000Z", SECRET)
    put_from_before(world, "sa_2", "2026-04-05T09:00:00.000000000Z", "what is left")
    put_from_before(world, "sa_3", "2025-04-01T09:00:00.000000000Z", "too old")
    world.deliver()
    assert texts(world) == {"sa_1": SECRET, "sa_2": "what is left", "sa_3": None}

    erase(world, LATE)

    left = {"sa_1": None, "sa_2": "what is left", "sa_3": None}
    assert texts(world) == left
    assert world.do_erasures() == 2
    assert [len(holding(world, each)) for each in (SECRET, "too old", "what is left")] == [0, 0, 1]
    assert texts(world) == left
    # What was erased is on the stream for a day, but goes into no batch that may fail.
    assert world.new_stream_records() == []
    assert recount(world.table, "acme", sleep=lambda _: None) == []


# ------------------------------------------------------------------- and nowhere else


def test_a_text_is_in_one_item_and_goes_nowhere(world: World) -> None:
    sent = search("sa_1", EARLY, query_text=SECRET)
    world.send(sent)

    (where,) = holding(world, SECRET)
    assert where.startswith("TEXTS#acme#")
    delivered = world.new_stream_records()
    assert len(delivered) == 3  # the search, the debit and the credit
    assert SECRET not in json.dumps(delivered)
