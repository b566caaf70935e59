"""Whatever is wrong with a credential, and however it is sent: the same bytes are answered."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dev.gateway import Answer, Headers
from dev.template import Route
from tally.access import oidc
from tally.access.authentication import authenticator_for
from tally.access.model.key_hashing import generate_key
from tally.access.model.scopes import Scope
from tally.http.credentials import credential_in
from tally.kernel.errors import AmbiguousCredentials, Unauthorized
from tests import builders
from tests.api.answers import AMBIGUOUS, UNAUTHORIZED
from tests.api.routes import each_route, for_audience, good_key, is_partners
from tests.api.samples import TENANT, caller_of, visit
from tests.api.sessions import opened
from tests.issuers import ISSUER, Issuer, token
from tests.world import World, new_world

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def market() -> Iterator[World]:
    with new_world() as world:
        yield builders.market(world, TENANT)


def bad_credentials(world: World, tenant_id: str) -> dict[str, str]:
    """Why it is bad -> a credential. Each was good, or would be but for that."""
    scopes = list(Scope)
    key, _ = world.new_key(tenant_id, scopes)
    session = opened(world, key, scopes=["usage:read"])
    revoked, _ = world.new_key(tenant_id, scopes, revoked_at=world.now)
    head, payload, signature = session.split(".")
    return {
        "nothing": "",
        "malformed": "ipto_nonsense",
        "unknown": generate_key(),
        "mistyped": key[:-1] + ("a" if key[-1] != "a" else "b"),
        "another secret": world.new_key(tenant_id, scopes, secret_hash=b"\0" * 32)[0],
        "revoked": revoked,
        "expired": world.new_key(tenant_id, scopes, expires_at=world.now)[0],
        "the id of a key": f"key_{key[5:17]}",
        "its public part": key[:17],
        "its secret part": key[18:],
        "without its name": key[5:],
        "two in one": key + key,
        "percent-encoded": key.replace("_", "%5F"),
        "in base64": b64encode(key.encode()).decode(),
        "in capitals": key.upper(),
        "Cyrillic": key.replace("o", "\u043e", 1),
        "full width": key.translate({n: n + 0xFEE0 for n in range(0x21, 0x7F)}),
        "long s": key.replace("s", "\u017f") + "\u017f",
        "huge": key + "a" * 100_000,
        "huge dots": "." * 100_000,
        "huge session": f"sess_{'a' * 64}.{'a' * 100_000}.{'a' * 43}",
        "forged session": f"{head}.{payload}.{signature[::-1]}",
        "session without a signature": f"{head}.{payload}.",
        "session of another payload": f"{head}.{payload[:-2]}.{signature}",
        "session in capitals": session.upper(),
        "token of no issuer": token(),
        "token without a signature": f"{token().rpartition('.')[0]}.",
        "dots": "..",
        "an item": '{"PK": "TENANT#platform"}',
        "wildcard": "*",
        "admin": "admin:*",
    }


def all_same(answers: Mapping[str, Answer], expected: Answer) -> None:
    """To the byte, and with the same headers."""
    first = next(iter(answers.values()))
    assert first == expected
    assert {name: (a.status, a.headers, a.text) for name, a in answers.items()} == dict.fromkeys(
        answers, (first.status, first.headers, first.text)
    )


@each_route
def test_the_same_bytes_for_every_bad_credential(route: Route, market: World) -> None:
    """In every place where a credential may be."""
    names = ["X-API-Key", *(["X-Partner-API-Key"] if is_partners(route) else [])]
    answers = {}
    for reason, text in bad_credentials(market, caller_of(route)).items():
        ways: list[Headers] = [{name: text} for name in names]
        for n, headers in enumerate([*ways, {"Authorization": f"Bearer {text}"}]):
            answers[f"{reason} {n}"] = visit(market, route, headers=headers, thing="any")

    all_same(answers, for_audience(route, UNAUTHORIZED))


def test_what_is_known_of_a_key_costs_the_same_whatever_is_wrong(market: World) -> None:
    """One read. What cannot be a key at all costs none."""
    scopes = list(Scope)
    wrong: Mapping[str, dict[str, Any]] = {
        "another secret": {"secret_hash": b"\0" * 32},
        "revoked": {"revoked_at": market.now},
        "expired": {"expires_at": market.now},
    }
    keys = {why: market.new_key(TENANT, scopes, **how)[0] for why, how in wrong.items()}
    calls = {}
    for why, text in {**keys, "unknown": generate_key(), "malformed": "ipto_x"}.items():
        made: list[str] = []
        with market.on_call(made.append):
            market.request("GET", "/v1/buyer/dashboard", key=text)
        calls[why] = made

    one_read = {why: ["GetItem"] for why in (*wrong, "unknown")}
    assert calls == one_read | {"malformed": []}


# ------------------------------------------------------------- where no credential can be


ELSEWHERE: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "Basic": lambda key: {"Authorization": f"Basic {b64encode(key.encode()).decode()}"},
    "Basic, as the user": lambda key: {
        "Authorization": f"Basic {b64encode(f'{key}:'.encode()).decode()}"
    },
    "Digest": lambda key: {"Authorization": f'Digest username="{key}"'},
    "Negotiate": lambda key: {"Authorization": f"Negotiate {key}"},
    "after a tab": lambda key: {"Authorization": f"Bearer\t{key}"},
    "in quotes": lambda key: {"Authorization": f'Bearer "{key}"'},
    "as a parameter": lambda key: {"Authorization": f"Bearer token={key}"},
    "Bearer twice": lambda key: {"Authorization": f"Bearer Bearer {key}"},
    "with a colon": lambda key: {"Authorization": f"Bearer: {key}"},
    "Cyrillic scheme": lambda key: {"Authorization": f"B\u0435arer {key}"},
    "scheme with NUL": lambda key: {"Authorization": f"Bearer\0 {key}"},
    "a bearer in the key's header": lambda key: {"X-API-Key": f"Bearer {key}"},
    "for a proxy": lambda key: {"Proxy-Authorization": f"Bearer {key}"},
    "cookie": lambda key: {"Cookie": f"X-API-Key={key}; Authorization=Bearer {key}"},
    "underscores": lambda key: {"X_API_KEY": key},
    "another name": lambda key: {"API-Key": key, "X-Auth-Token": key, "X-Amz-Security-Token": key},
    "name with a space": lambda key: {"X-API-Key ": key, " Authorization": f"Bearer {key}"},
    "forwarded": lambda key: {"X-Forwarded-Authorization": f"Bearer {key}"},
    "name in look-alikes": lambda key: {"X-AP\u0406-Key": key, "\uff38-API-Key": key},
}


@each_route
def test_a_key_in_the_wrong_place_is_none(route: Route, market: World) -> None:
    key = good_key(market, caller_of(route))
    answers = {
        place: visit(market, route, headers=made(key), thing="any")
        for place, made in ELSEWHERE.items()
    }
    path = route.path.replace("{id}", "any")
    for name in ("X-API-Key", "api_key", "access_token", "Authorization"):
        url = f"{path}?{name}={quote(key)}"
        answers[f"query {name}"] = market.request(route.method, url, body=f'{{"{name}": "{key}"}}')

    all_same(answers, for_audience(route, UNAUTHORIZED))


# ------------------------------------------------------------------------ one, two or none


TWO: Mapping[str, Callable[[str, str], Headers]] = {
    "one of them bad": lambda a, _: {"X-API-Key": a, "Authorization": "Bearer nonsense"},
    "a scheme without a token": lambda a, _: {"X-API-Key": a, "Authorization": "Bearer"},
    "Basic beside it": lambda a, b: {"x-API-key": a, "AUTHORIZATION": f"Basic {b}"},
    "a comma and a tab": lambda a, b: {"X-API-Key": f"{a}\t,\t{b}"},
    "many, one of them good": lambda a, b: {"X-API-Key": [b, "x", a, "y"]},
    "the good one last": lambda a, b: {"Authorization": [f"Bearer {b}", f"Bearer {a}"]},
    "two spellings of a name": lambda a, b: {"authorization": b, "Authorization": f"Bearer {a}"},
    "three": lambda a, b: {"X-API-Key": f"{a},{b},{a}"},
    "schemes joined": lambda a, b: {"Authorization": f"Basic {b}, Bearer {a}"},
}


@each_route
def test_two_are_two_even_if_only_one_is_good(route: Route, market: World) -> None:
    keys = good_key(market, caller_of(route)), generate_key()
    answers = {
        kind: visit(market, route, headers=made(*keys), thing="any") for kind, made in TWO.items()
    }

    all_same(answers, for_audience(route, AMBIGUOUS))


def test_the_partners_name_is_unknown_elsewhere(market: World) -> None:
    """There it is a header like any other: no credential, and no second one."""
    key, other = market.key(TENANT), generate_key()
    paths = {"/v1/buyer/dashboard": (200, 401), "/partner/usage": (400, 200)}

    for path, expected in paths.items():
        both = market.request("GET", path, key=key, headers={"X-Partner-API-Key": other})
        alone = market.request("GET", path, headers={"X-Partner-API-Key": key})
        assert (both.status, alone.status) == expected


# ----------------------------------------------------------------------------- generated

_OURS = ("ipto_", "sess_", "eyJ", "key_", "Bearer ", "bearer\t", "Basic ", ".", "..", ",", " ")
_texts = st.lists(st.sampled_from(_OURS) | st.text(max_size=12), max_size=6).map("".join)
_headers = st.dictionaries(
    st.sampled_from(("x-api-key", "authorization", "x-partner-api-key", "cookie")),
    st.lists(_texts, max_size=3),
    max_size=3,
)


ISSUED: Mapping[str, Callable[[World, str], str]] = {
    "key": good_key,
    "session": lambda world, tenant_id: opened(
        world, good_key(world, tenant_id), scopes=["usage:read"]
    ),
    "token": lambda _, tenant_id: token(tenant_id=tenant_id),
}


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An issuer of access tokens."""
    tokens = Issuer().access_tokens()
    monkeypatch.setenv("OIDC_ISSUER", ISSUER)
    monkeypatch.setattr(oidc, "access_tokens", lambda: tokens)


@pytest.mark.usefixtures("trusted")
@settings(
    max_examples=settings().max_examples * 5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sent=_headers, issued=st.sampled_from(("key", "session", "token")), data=st.data())
def test_nobody_gets_in_with_what_was_not_issued(
    market: World, sent: dict[str, list[str]], issued: str, data: st.DataObject
) -> None:
    """Headers of any kind, with good credentials that something happened to: a refusal each time,
    and no other exception."""
    good = ISSUED[issued](market, TENANT)
    cut, put = data.draw(st.integers(0, len(good) - 1)), data.draw(st.text(max_size=3))
    bad = good[:cut] + put + good[cut + data.draw(st.integers(0, 3)) :]
    if data.draw(st.booleans()):
        name = data.draw(st.sampled_from(("x-api-key", "authorization")))
        prefix = "Bearer " if name == "authorization" else ""
        sent = sent | {name: [prefix + bad]}
    authenticator = authenticator_for(Scope.USAGE_READ, market.secrets.of_new_process())

    try:
        credential = credential_in(sent, ("x-api-key", "x-partner-api-key"))
    except AmbiguousCredentials:
        return
    if credential == good:  # blanks around it are taken off
        assert bad.strip(" \t") == good
        return
    with pytest.raises(Unauthorized):
        authenticator.authenticate(credential, market.table, market.now)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("issued", ISSUED)
def test_an_issued_one_gets_in_so_that_the_others_could(market: World, issued: str) -> None:
    authenticator = authenticator_for(Scope.USAGE_READ, market.secrets.of_new_process())

    sent = {"authorization": [f"Bearer {ISSUED[issued](market, TENANT)} "]}
    credential = credential_in(sent, ("x-api-key",))

    assert authenticator.authenticate(credential, market.table, market.now).tenant_id == TENANT
