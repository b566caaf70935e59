"""ANY /{proxy+}: errors for unknown paths and methods, and answers to preflight requests."""

from __future__ import annotations

from tally.http.fallback import Fallback

endpoint = Fallback()
handler = endpoint.handler
