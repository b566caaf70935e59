"""A small `make load`: many clients, duplicates and killed workers, and every number is right."""

from __future__ import annotations

from dev.load.outcome import Load
from dev.load.run import run
from tests.stack.client import Client

SMALL = Load(events=600, clients=4, duplicates=5, kills=2, seed=1)


def test_every_number_is_what_was_sent(client: Client) -> None:
    outcome = run(client.stack, client.keys, SMALL, say=lambda _: None)
    assert outcome.differences == []
    assert (outcome.accepted, outcome.kills) == (SMALL.events, SMALL.kills)
    assert outcome.duplicates > 0
