"""A browser for all tests of the console, and pages that are served by the functions themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from dev.browser import MISSING, chromium, found
from tests.console.served import Served, market, serve
from tests.world import World, new_world

_PATIENCE_MS = 30_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if found() is None:
        if os.environ.get("BROWSER") == "required":  # as in CI, which installs one
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    expect.set_options(timeout=_PATIENCE_MS)
    with chromium() as started:
        yield started


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1280, "height": 900}, timezone_id="Asia/Tokyo")
    made.set_default_timeout(_PATIENCE_MS)
    yield made
    made.close()


@pytest.fixture(scope="module")
def sold() -> Iterator[World]:
    """A marketplace in which something was sold, used and paid; tests leave it as it is."""
    with new_world() as world:
        market(world)
        yield world


@pytest.fixture
def served(context: BrowserContext, sold: World) -> Served:
    """Pages of that marketplace."""
    return serve(context, sold)


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One browser for all of them."""
    for item in items:
        if isinstance(item, pytest.Function) and "browser" in item.fixturenames:
            group = "console-stack" if "stack" in item.fixturenames else "console"
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture
def changing(context: BrowserContext) -> Iterator[Served]:
    """A market of the test's own."""
    with new_world() as world:
        market(world)
        yield serve(context, world)
