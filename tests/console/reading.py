"""What tests of a page read: its blocks, tables, cards and sums, as people find them."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, Route, expect

from dev.gateway import PLATFORM
from tally.access.model.scopes import Scope
from tests.console.served import ALL, Served, settle

PAGES = {
    "provider": ("acme", ALL),
    "buyer": ("globex", ALL),
    "partner": ("globex", ALL),
    "operator": (PLATFORM, (Scope.ADMIN,)),
}


def opened(served: Served, name: str, **settings: str) -> Page:
    tenant_id, scopes = PAGES[name]
    return served.signed_in(name, tenant_id, *scopes, **settings)


def block(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


def row(inside: Locator, name: str) -> Locator:
    """The innermost, if an open row has a table in it."""
    header = inside.page.get_by_role("rowheader", name=name)
    return inside.get_by_role("row").filter(has=header).last


def cells(inside: Locator, name: str) -> list[str]:
    """What stands in a row, beside its name."""
    found = row(inside, name)
    expect(found).to_be_visible()
    return [text.strip() for text in found.get_by_role("cell").all_inner_texts()]


def card(page: Page, label: str) -> str:
    """The figure of a card."""
    term = page.get_by_role("term").filter(has_text=re.compile(f"^{label}$"))
    return term.locator("xpath=following-sibling::dd").inner_text().splitlines()[0]


def open_all(page: Page) -> None:
    """Every row that opens."""
    closed = page.get_by_role("button", expanded=False)
    while closed.count():
        closed.first.click()
    settle(page)


def sum_of(inside: Locator) -> dict[str, str]:
    """A sum, line by line."""
    expect(inside.locator(".sum > div").first).to_be_visible()
    lines = inside.locator(".sum > div").all()
    names = (line.locator("dt").evaluate("term => term.firstChild.data") for line in lines)
    return {name: line.locator("dd").inner_text() for name, line in zip(names, lines, strict=True)}


class HeldBack:
    """Answers to a path that are kept back until they are released."""

    def __init__(self, served: Served, page: Page, path: str) -> None:
        self._served, self._page, self._path = served, page, re.compile(re.escape(path))
        self._kept: list[Route] | None = []
        page.route(self._path, self._keep)

    def choose(self, period: str) -> None:
        """Another period. The page is of that period once it asks for the answers."""
        with self._page.expect_request(self._path):
            self._page.get_by_text(period, exact=True).click()

    def release(self) -> None:
        kept, self._kept = self._kept or [], None
        for route in kept:
            self._served.answer(route)

    def _keep(self, route: Route) -> None:
        if self._kept is None:
            self._served.answer(route)
        else:
            self._kept.append(route)
