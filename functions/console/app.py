"""GET /console/: a web page for providers, buyers, partners and the operator."""

from __future__ import annotations

import json
import os
import re
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from tally.http.static import File, Keep, Made, Static

_SITE = Path(__file__).parent / "site"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_VERSIONED = re.compile(r"/console/[0-9a-f]{16}/(.+)")


class Console(Static):
    """The page asks for its files under a version, the digest of them all: each file names the
    others relatively, so a browser may keep them for ever, and a new release is a new folder."""

    def __init__(self) -> None:
        paths = sorted(path for path in _SITE.rglob("*") if path.suffix in _TYPES)
        files = {path.relative_to(_SITE).as_posix(): path for path in paths}
        page = files.pop("page.html")
        self.version = _digest(files)
        folder, text = f"/console/{self.version}", page.read_text()
        super().__init__(
            {
                "/console/": Made(
                    text.replace("{version}", self.version), _TYPES[".html"], _page_headers()
                ),
                "/console/config.json": Made(_config(), "application/json", {}),
                **{
                    f"{folder}/{name}": File(path, _TYPES[path.suffix], {}, Keep.FOR_EVER)
                    for name, path in files.items()
                },
            }
        )

    def found(self, path: str) -> File | Made | None:
        """While a release goes out, the page of one may ask the other for its files: it gets what
        is there, but does not keep it."""
        file = super().found(path)
        named = None if file else _VERSIONED.fullmatch(path)
        other = self.files.get(f"/console/{self.version}/{named[1]}") if named else None
        return File(other.path, other.content_type, {}) if isinstance(other, File) else file


def _digest(files: dict[str, Path]) -> str:
    whole = sha256()
    for name, path in files.items():
        whole.update(f"{name}\0{sha256(path.read_bytes()).hexdigest()}\0".encode())
    return whole.hexdigest()[:16]


def _config() -> str:
    """What the page needs to know before anybody has signed in."""
    issuer = {
        "authorize_url": os.environ.get("CONSOLE_AUTHORIZE_URL", ""),
        "token_url": os.environ.get("CONSOLE_TOKEN_URL", ""),
        "client_id": os.environ.get("CONSOLE_CLIENT_ID", ""),
        "scope": os.environ.get("CONSOLE_SCOPE", ""),
    }
    return json.dumps({"oidc": issuer if issuer["client_id"] else None})


def _page_headers() -> dict[str, str]:
    connected = ["'self'"]
    if os.environ.get("CONSOLE_CLIENT_ID"):
        url = urlsplit(os.environ["CONSOLE_TOKEN_URL"])
        connected.append(f"{url.scheme}://{url.netloc}")
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        f"connect-src {' '.join(connected)}",
        "base-uri 'none'",
        "form-action 'none'",
        f"frame-ancestors {_frame_ancestors()}",
    )
    return {"Content-Security-Policy": "; ".join(policy), "Referrer-Policy": "no-referrer"}


def _frame_ancestors() -> str:
    """As a policy spells them: parameters of a stack cannot have quotation marks."""
    named = os.environ.get("CONSOLE_FRAME_ANCESTORS", "").split()
    return " ".join("'self'" if each == "self" else each for each in named) or "'none'"


endpoint = Console()
handler = endpoint.handler
