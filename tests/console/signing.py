"""Signing in as people and pages do, and answers that refuse."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.console.served import Answer, Served

JSON = {"Content-Type": "application/json", "X-Request-Id": "req_42"}
STORED = "Object.values(sessionStorage).join() + Object.values(localStorage).join()"


def failed(status: int, code: str, **headers: str) -> Answer:
    error = {"code": code, "message": f"It is {code}.", "details": []}
    return status, JSON | headers, {"error": error, "request_id": "req_42", "timestamp": ""}


def sign_in(page: Page, key: str) -> None:
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()


def hand_over(page: Page, fragment: str) -> None:
    """What the page around the console does."""
    page.evaluate("fragment => { location.hash = fragment }", fragment)


def block_storage(served: Served) -> None:
    """As browsers do for a frame that may keep no cookies."""
    served.context.add_init_script(
        """Object.defineProperty(window, "sessionStorage", {
          get() { throw new DOMException("Access is denied.", "SecurityError"); },
        });"""
    )
