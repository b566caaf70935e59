"""No page is longer than 5 MiB, or than Lambda hands over: a longer one ends early."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import batched
from operator import itemgetter

import pytest

from dev.gateway import Answer
from tally.aws.pages import Page
from tally.http.answers import written
from tally.http.lists import fitting
from tests import builders
from tests.api.activity import SEARCHES, look, search
from tests.builders import accept
from tests.world import World

pytestmark = pytest.mark.slow

MOST_BYTES = 5 * 1024 * 1024
LAMBDA_MOST_BYTES = 6 * 1024 * 1024
LONGEST_QUERY = 10_000
SEARCH_COUNT = 100


def handed_over(answered: Answer) -> int:
    """Bytes of the function's response: the Python 3.13 runtime escapes a text's quotes,
    backslashes and control characters, and nothing else."""
    response = {
        "statusCode": answered.status,
        "multiValueHeaders": {name: [value] for name, value in answered.headers.items()},
        "body": answered.text,
        "isBase64Encoded": False,
    }
    return len(json.dumps(response, ensure_ascii=False).encode())


def pages_of(world: World, limit: int) -> list[Answer]:
    pages = [look(world, f"{SEARCHES}?limit={limit}")]
    while cursor := pages[-1].body["data"]["next_cursor"]:
        pages.append(look(world, f"{SEARCHES}?limit={limit}&cursor={cursor}"))
    return pages


@pytest.fixture
def market(world: World) -> World:
    return builders.market(world, "acme", north=["dset_1"])


def search_all(world: World, character: str) -> list[str]:
    """The ids of as many searches as a page may have, newest first."""
    ids = [f"sa_{n:02}" for n in range(SEARCH_COUNT)]
    searches = [
        search(
            each,
            f"2026-04-05T09:{n // 60:02}:{n % 60:02}Z",
            query_text=character * LONGEST_QUERY,
            dataset_ids=["dset_1"],
        )
        for n, each in enumerate(ids)
    ]
    for sent in batched(searches, 10, strict=True):
        accept(world, *sent)
    world.deliver()
    return ids[::-1]


def test_a_page_of_the_longest_searches_ends_early(market: World) -> None:
    ids = search_all(market, "\x01")

    pages = pages_of(market, limit=SEARCH_COUNT)

    assert [page.status for page in pages] == [200, 200]
    assert all(len(page.text.encode()) <= MOST_BYTES for page in pages)
    assert all(handed_over(page) <= LAMBDA_MOST_BYTES for page in pages)
    met = [each for page in pages for each in page.body["data"]["searches"]]
    assert [each["search_activity_id"] for each in met] == ids
    assert [page.body["data"]["total"] for page in pages] == [SEARCH_COUNT] * 2


# --------------------------------------------------------------- how many rows make a page


@dataclass
class Row:
    text: str


def in_lambda(rows: list[Row]) -> int:
    text = written(rows)
    return len(json.dumps(text, ensure_ascii=False).encode())


@pytest.mark.parametrize("character", ["a", "\x01", '"', "\\", "\u00e9", "\u2028", "\U0001f6a2"])
def test_a_page_has_as_many_rows_as_fit(character: str) -> None:
    texts = [character * LONGEST_QUERY for _ in range(600)]

    rows, last = fitting(
        Page(list(enumerate(texts)), len(texts), more=False, position=itemgetter(0)),
        lambda row: Row(text=row[1]),
    )

    nearly = MOST_BYTES - 64 * 1024  # room that is kept for all but the rows
    assert last == len(rows) - 1
    assert nearly - in_lambda(rows[:1]) < in_lambda(rows) <= MOST_BYTES


# --------------------------------------------------------- lists whose rows are always short

# `\u0001` of an answer's JSON, whose backslash is escaped again.
WIDEST_CHARACTER = 7
NAME = 256 * WIDEST_CHARACTER
# 4,096 bytes when stored; then white space and escapes at most triple them.
METADATA = 3 * 4096
# Field names, ids of at most 64 characters, amounts, dates, and the scopes of a key.
ALL_ELSE = 2048


@pytest.mark.parametrize(
    ("what", "row"),
    [
        ("accesses", NAME + ALL_ELSE),
        ("api keys", NAME + ALL_ELSE),
        ("payouts", ALL_ELSE),
        ("organizations", 2 * NAME + METADATA + ALL_ELSE),  # a name and an external id
    ],
)
def test_a_full_page_of_the_longest_rows_fits(what: str, row: int) -> None:
    assert 100 * row < MOST_BYTES / 2, what
