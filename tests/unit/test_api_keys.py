from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tally.access.model.api_keys import ApiKey, prefix_of
from tally.access.model.key_hashing import generate_key, parse_key
from tally.access.model.scopes import Scope


def key(text: str, **overrides: str | None) -> ApiKey:
    credential = parse_key(text)
    assert credential
    return ApiKey(
        prefix=credential.prefix,
        tenant_id="acme",
        name="test",
        scopes=(Scope.USAGE_READ,),
        secret_hash=credential.secret_hash,
        created_at="2026-04-05T10:00:00.000000000Z",
        **overrides,
    )


def test_generated_keys_are_well_formed_and_all_different() -> None:
    texts = {generate_key() for _ in range(200)}
    assert len(texts) == 200
    assert all(re.fullmatch(r"ipto_[a-z2-7]{12}_[a-z2-7]{39}", text) for text in texts)
    assert all(parse_key(text) for text in texts)


@given(st.data())
def test_no_mistyped_key_passes_the_checksum(data: st.DataObject) -> None:
    text = generate_key()
    at = data.draw(st.integers(5, len(text) - 1))
    typed = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz234567_"))
    mistyped = text[:at] + typed + text[at + 1 :]
    assert (parse_key(mistyped) is None) == (mistyped != text)


def test_a_key_admits_its_own_secret_until_it_expires() -> None:
    text, other = generate_key(), generate_key()
    stored = key(text, expires_at="2026-04-06T00:00:00.000000000Z")
    credential, stranger = parse_key(text), parse_key(other)
    assert credential
    assert stranger
    assert stored.admits(credential, "2026-04-05T23:59:59.999999999Z")
    assert not stored.admits(credential, "2026-04-06T00:00:00.000000000Z")
    assert not stored.admits(stranger, "2026-04-05T12:00:00.000000000Z")


def test_a_revoked_key_admits_nobody_and_keeps_its_first_revocation() -> None:
    text = generate_key()
    credential = parse_key(text)
    assert credential
    revoked = key(text).revoked("2026-04-05T11:00:00.000000000Z")
    assert not revoked.admits(credential, "2026-04-05T11:00:00.000000000Z")
    assert revoked.revoked("2026-04-05T12:00:00.000000000Z") == revoked


def test_the_id_names_the_prefix() -> None:
    stored = key(generate_key())
    assert prefix_of(stored.api_key_id) == stored.prefix
    assert prefix_of("key_") is None
    assert prefix_of(f"{stored.api_key_id}\n") is None
