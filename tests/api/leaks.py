"""Requests with secrets in them, and what must not be found afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from dev.gateway import Answer, Headers, proxy_event
from dev.template import Route
from tests.api.routes import good_key
from tests.api.samples import caller_of, sample
from tests.api.secrets import everything_written, leaked
from tests.world import World


def assert_kept(world: World, sent: Mapping[str, Any], *, own: str = "", but: str = "") -> Answer:
    """One request: its log lines hold no secret, and neither does its answer if it is an error.

    `own`: a credential that is good. `but`: what the error may name.
    """
    with everything_written() as lines:
        answered = world.invoke(dict(sent))

    logged = leaked("\n".join(lines), also=own)
    assert not logged, f"leaked into the log: {sorted(logged)[:9]} in {lines}"
    if answered.status >= 400:
        told_back = json.dumps(dict(answered.headers)) + _error_text(answered)
        answers = leaked(told_back, also=own, but=but)
        assert not answers, f"leaked into the answer: {sorted(answers)[:9]} in {answered}"
    return answered


def _error_text(answered: Answer) -> str:
    """What is answered, without the `id` and `source` by which an event's result is known."""
    if not isinstance(answered.body, dict) or "data" not in answered.body:
        return answered.text
    return json.dumps([result.get("error") for result in answered.body["data"]["results"]])


def sent_by(
    world: World,
    route: Route,
    headers: Headers | None = None,
    *,
    query: str = "",
    body: bytes | None = None,
    thing: str = "any",
) -> dict[str, Any]:
    """A request of somebody who may, unless `headers` hold another credential."""
    path = route.path.replace("{id}", quote(thing, safe=""))
    plain = {"X-API-Key": good_key(world, caller_of(route)), "Content-Type": "application/json"}
    if body is None and sample(route.function)["body"]:
        body = sample(route.function)["body"].encode()
    return proxy_event(route.method, f"{path}?{query}", plain | dict(headers or {}), body)


def fields_of(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    parts = document.items() if isinstance(document, dict) else enumerate(document)
    for name, value in parts:
        yield (*path, name)
        if isinstance(value, dict | list):
            yield from fields_of(value, (*path, name))


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    name, *rest = path
    parts = dict(document) if isinstance(document, dict) else list(document)
    parts[name] = changed(parts[name], tuple(rest), value)
    return parts


def values(text: str) -> Iterator[Any]:
    """A secret in the place of what is asked for, and in things that are something else."""
    yield from (text, text[:60], [text], [[text]], {"a": text}, {"a": {"b": [text]}}, [text] * 101)
    yield from (f"2026-04-05T00:00:00Z{text}", f"0.1{text}", f"2026-04{text}", f"USD{text}")


def raise_at(number: int, fault: Exception) -> Callable[[str], None]:
    calls = 0

    def hook(_: str) -> None:
        nonlocal calls
        calls += 1
        if calls >= number:
            fault.__context__ = None  # of the last time
            raise fault.with_traceback(None)

    return hook
