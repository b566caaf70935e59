"""Takes pictures of the console on the stack of `make up`: `python -m dev.screenshots`.

All pages, light and dark, wide and narrow, go to `.local/screenshots`, to be looked at before a
release; those of the README go to `docs/images`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.sync_api import Browser, ViewportSize, expect

from dev import ROOT, console, stack
from dev.browser import chromium
from dev.stack import LocalStack
from ops.errors import exit_status

_SHOWN = ROOT / "docs/images"
_WIDE, _NARROW = 1280, 360
_HEIGHT, _SHOWN_HEIGHT = 900, 1090
_RANGE = "90d"
_PATIENCE_MS = 30_000

type Scheme = Literal["light", "dark"]
_SCHEMES: tuple[Scheme, ...] = ("light", "dark")


class Picture(NamedTuple):
    """`height`: None for the whole page."""

    path: Path
    page: str
    scheme: Scheme
    width: int
    height: int | None = None


def main() -> int:
    """Exit status 0; OpsError if there is no stack with demo data, or no browser."""
    parser = argparse.ArgumentParser(prog="python -m dev.screenshots", description=__doc__)
    parser.add_argument("--dir", type=Path, default=Path(".local"), help="folder of the stack")
    folder = parser.parse_args().dir.resolve()
    found = stack.running(folder / "stack.json")
    names = ("api_url", "endpoint_url", "region", "stack_name", "table_name")
    local = LocalStack(**{name: found[name] for name in names}, outputs={})
    keys = {
        "provider": found["demo"]["market_provider_key"],
        "buyer": found["demo"]["market_buyer_key"],
        "partner": found["partner_key"],
        "operator": found["admin_key"],
    }
    with chromium() as browser:
        for picture in (*_all(folder / "screenshots"), *_of_the_readme()):
            address = console.link(local, keys[picture.page], picture.page, range=_RANGE)
            _take(browser, address, picture)
            print(picture.path)
    return 0


def _all(folder: Path) -> Iterator[Picture]:
    for page in console.PAGES:
        for scheme in _SCHEMES:
            for width in (_WIDE, _NARROW):
                yield Picture(folder / f"{page}-{scheme}-{width}.png", page, scheme, width)


def _of_the_readme() -> Iterator[Picture]:
    for scheme in _SCHEMES:
        path = _SHOWN / f"console-{scheme}.png"
        yield Picture(path, "provider", scheme, _WIDE, _SHOWN_HEIGHT)


def _take(browser: Browser, address: str, picture: Picture) -> None:
    viewport = ViewportSize(width=picture.width, height=picture.height or _HEIGHT)
    context = browser.new_context(viewport=viewport, color_scheme=picture.scheme)
    page = context.new_page()
    page.goto(address)
    expect(page.locator("[aria-busy=true], .skeleton")).to_have_count(0, timeout=_PATIENCE_MS)
    picture.path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=picture.path, full_page=picture.height is None)
    context.close()


if __name__ == "__main__":
    sys.exit(exit_status(main))
