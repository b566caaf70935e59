"""A Chromium of this machine, driven by Playwright: for the console's tests and pictures."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from ops.errors import OpsError

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MISSING = "There is no Chromium on the PATH; on Debian, `apt-get install chromium` installs one."


def found() -> str | None:
    """Its path; None if there is none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """OpsError if there is none."""
    path = found()
    if path is None:
        raise OpsError(MISSING)
    with sync_playwright() as playwright:
        # Its own sandbox needs rights that containers do not give; it loads our pages only.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
