"""GET /v1/openapi.json and GET /v1/reference: the API's description, for programs and people."""

from __future__ import annotations

from pathlib import Path

from tally.http.static import File, Keep, Static

_HERE = Path(__file__).parent

# RapiDoc writes styles into its elements, so these cannot be named; scripts are our files only.
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
_PAGE = {
    "Content-Security-Policy": "; ".join(_CONTENT_SECURITY_POLICY),
    "Referrer-Policy": "no-referrer",
}

endpoint = Static(
    {
        "/v1/openapi.json": File(_HERE / "openapi.json", "application/json", {}, Keep.NEVER),
        "/v1/reference": File(_HERE / "page.html", "text/html; charset=utf-8", _PAGE),
        "/v1/reference/page.js": File(_HERE / "page.js", "text/javascript; charset=utf-8", {}),
        "/v1/reference/page.css": File(_HERE / "page.css", "text/css; charset=utf-8", {}),
        "/v1/reference/rapidoc.js": File(
            _HERE / "rapidoc/rapidoc-min.js", "text/javascript; charset=utf-8", {}
        ),
    }
)
handler = endpoint.handler
