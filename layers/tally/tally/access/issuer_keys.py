"""When the issuer's keys are fetched, and how long they are believed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

from tally.access.jwks import KeySet, NoKeys, PublicKey
from tally.kernel.errors import Unavailable
from tally.kernel.instants import Instant, to_datetime

PAUSE_S = 60
"""There is at most one fetch in this time, whatever tokens say and however it ends."""

FRESH_S = 300
"""A key that the issuer withdraws is refused after this time. While the issuer does not answer, its
keys stay good: an outage logs out nobody whose key is known."""

# By its name, the functions' own logger writes what this one is told.
_logger = logging.getLogger("tally").getChild("issuer_keys")


class _Known(NamedTuple):
    """What is known of the issuer. `asked_at` and `answered_at`: seconds since 1970, of the latest
    fetch and of the latest one that brought keys. `failure`: what went wrong with the latest."""

    keys: KeySet
    asked_at: float | None = None
    answered_at: float | None = None
    failure: str = ""


class IssuerKeys:
    """The keys of one issuer, for all threads of a process."""

    def __init__(self, fetch: Callable[[], KeySet]) -> None:
        """`fetch` raises NoKeys if the issuer does not answer."""
        self._fetch = fetch
        self._known = _Known({})
        self._fetching = Lock()

    def find(self, key_id: str, now: Instant) -> PublicKey | None:
        """None if the issuer has no such key, as far as may be asked. Unavailable if it might."""
        seconds = to_datetime(now).timestamp()
        if self._is_due(key_id, seconds):
            self._refresh(key_id, seconds)
        known = self._known
        key = known.keys.get(key_id)
        if key:
            return key
        if known.failure:
            raise Unavailable("The issuer's keys cannot be had now; send the request again.") from (
                NoKeys(known.failure)
            )
        return None

    def _is_due(self, key_id: str, seconds: float) -> bool:
        known = self._known
        if _is_within(PAUSE_S, known.asked_at, seconds):
            return False
        return key_id not in known.keys or not _is_within(FRESH_S, known.answered_at, seconds)

    def _refresh(self, key_id: str, seconds: float) -> None:
        """Who has the key goes on with it while somebody else fetches."""
        if not self._fetching.acquire(blocking=key_id not in self._known.keys):
            return
        try:
            if not self._is_due(key_id, seconds):  # somebody else has just done it
                return
            try:
                self._known = _Known(self._fetch(), seconds, seconds)
            except NoKeys as failure:
                self._known = self._known._replace(asked_at=seconds, failure=str(failure))
                fields = {"cause": str(failure)}
                _logger.warning("issuer's keys not fetched", extra={"fields": fields})
        finally:
            self._fetching.release()


def _is_within(duration_s: float, since: float | None, seconds: float) -> bool:
    """Also if it is that long ago by a clock that was set back meanwhile."""
    return since is not None and abs(seconds - since) < duration_s
