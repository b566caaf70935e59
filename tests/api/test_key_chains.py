"""Keys made by keys made by keys: whatever happens on the way, none outlives its maker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dev.gateway import Answer
from tally.access.api_keys import api_key_from
from tally.access.items import API_KEY_PREFIX, tenant_key
from tally.access.model.api_keys import ApiKey
from tally.access.model.scopes import Scope
from tally.counting.recount import recount
from tally.kernel.instants import Instant, for_display, plus
from tests.api.keys import DOOR, KEYS
from tests.faults import PLAIN_FAULTS, Crash, Fault, FaultyClient, rival
from tests.world import World, new_world

pytestmark = pytest.mark.slow

MAKERS_SCOPES = (Scope.KEYS_WRITE, Scope.USAGE_READ)
SECONDS = st.integers(1, 60)
FAULTS = st.sampled_from([None, *PLAIN_FAULTS])


@dataclass(frozen=True)
class Make:
    """By the key of that number. The write meets the fault; or the maker is `revoked` before it."""

    maker: int
    lasts_s: int | None
    fault: Fault | None
    revoked: bool


@dataclass(frozen=True)
class Revoke:
    """The key of that number, but not the first one."""

    number: int
    fault: Fault | None


@dataclass(frozen=True)
class Wait:
    seconds: int


type Step = Make | Revoke | Wait

NUMBERS = st.integers(0, 9)
STEPS = st.one_of(
    st.builds(Make, NUMBERS, st.none() | SECONDS, FAULTS, st.just(value=False)),
    st.builds(Make, NUMBERS, st.none() | SECONDS, st.none(), st.booleans()),
    st.builds(Revoke, NUMBERS, FAULTS),
    st.builds(Wait, SECONDS),
)


@dataclass
class Holder:
    """Has keys of one tenant, and knows how long each of them may be good for."""

    world: World
    client: Any = None
    keys: list[str] = field(default_factory=list)
    ends: list[Instant | None] = field(default_factory=list)
    revoked: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.world.tenant("acme")
        self.keys.append(self.world.key("acme", Scope.ADMIN))
        self.ends.append(None)
        self.client = FaultyClient(self.world.table.client)
        self.world.table = replace(self.world.table, client=self.client)
        self.world.warm = True

    def is_good(self, number: int) -> bool:
        end = self.ends[number]
        return number not in self.revoked and (end is None or self.world.now < end)

    def take(self, step: Step) -> None:
        self.client.calm()
        match step:
            case Make():
                self.make(step)
            case Revoke():
                self.revoke(step.number, step.fault)
            case Wait():
                self.world.wait(seconds=step.seconds)

    def make(self, step: Make) -> None:
        maker = step.maker % len(self.keys)
        end = plus(self.world.now, timedelta(seconds=step.lasts_s)) if step.lasts_s else None
        body = {"name": f"by {maker}", "scopes": [*MAKERS_SCOPES], "expires_at": end}
        if step.revoked:
            self.client.after(0, rival(lambda: self.revoke(maker, None)))
        elif step.fault:
            self.client.after(0, step.fault)
        was_good = self.is_good(maker)
        answered = self.request("POST", KEYS, maker, body)
        if not (was_good and self.is_good(maker)):
            assert answered is None or answered.status == 401
        elif answered is not None:
            new = answered.body["data"]
            makers_end = self.ends[maker]
            if end is None or (makers_end and makers_end < end):
                end = makers_end
            assert new["expires_at"] == (end and for_display(end))
            self.keys.append(new["key"])
            self.ends.append(end)

    def revoke(self, number: int, fault: Fault | None) -> None:
        number %= len(self.keys)
        if number == 0:
            return
        if fault:
            self.client.after(0, fault)
        key_id = f"key_{self.keys[number].split('_')[1]}"
        answered = self.request("DELETE", f"{KEYS}/{key_id}", 0) or self.request(
            "DELETE", f"{KEYS}/{key_id}", 0
        )
        assert answered is not None
        assert answered.body["data"] == {"api_key_id": key_id, "status": "revoked"}
        self.revoked.add(number)

    def request(self, method: str, url: str, number: int, body: Any = None) -> Answer | None:
        """None if the process died before it answered."""
        try:
            return self.world.request(method, url, key=self.keys[number], json_body=body)
        except Crash:
            return None

    def stored(self) -> Iterator[ApiKey]:
        items = self.world.table.query(tenant_key("acme").pk, API_KEY_PREFIX)
        return map(api_key_from, items)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, min_size=3, max_size=30))
def test_no_key_outlives_its_maker(steps: list[Step]) -> None:
    with new_world() as world:
        holder = Holder(world)
        for step in steps:
            holder.take(step)
        holder.client.calm()
        world.warm = False

        for key in holder.stored():  # also those whose holder died before they were shown
            if key.name != "test":
                maker_end = holder.ends[int(key.name.removeprefix("by "))]
                assert maker_end is None or (key.expires_at and key.expires_at <= maker_end)
        entered = [world.request("GET", DOOR, key=key).status == 200 for key in holder.keys]
        assert entered == [holder.is_good(number) for number in range(len(holder.keys))]
        assert recount(world.table, "acme", sleep=lambda _: None) == []
