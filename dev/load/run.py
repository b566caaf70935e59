"""One load: send everything, wait until the counting has caught up, compare."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random

from dev.load import market
from dev.load.asking import Asking
from dev.load.comparing import wrong_balances, wrong_sums
from dev.load.outcome import Load, Outcome
from dev.load.sending import Say, Sending
from dev.load.truth import truth
from dev.own_stack import DeployedStack
from tally.access.first_keys import FirstKeys
from tally.aws.table import Table
from tally.counting.recount import recount

# Longer than it takes to start a worker and to deliver a batch again.
_QUIET_S = 30


def run(stack: DeployedStack, keys: FirstKeys, load: Load, say: Say) -> Outcome:
    """Send everything, wait until all is counted, and compare."""
    random = Random(load.seed)  # noqa: S311  a load that can be repeated is no secret
    made = market.make(f"load{load.seed}", load.events, random, datetime.now(UTC))
    expected = truth(made)
    asking = Asking(stack, keys.admin_key, made, expected)
    asking.meet_the_tenants()

    sending = Sending(stack, keys.events_key, load, random, say)
    begun = time.monotonic()
    for number, events in enumerate(made.phases, 1):
        sending.send(f"phase {number} of {len(made.phases)}", events)
    sent_at = time.monotonic()
    say("All is sent; the counting catches up")
    counted_at = _settled(asking.wrong_counts)

    say("Comparing")
    outcome = sending.outcome
    outcome.seconds_sending = sent_at - begun
    outcome.seconds_counting = counted_at - sent_at
    table = Table(stack.client("dynamodb"), stack.table_name)
    outcome.differences = [
        *sending.wrong_answers(),
        *asking.wrong_counts(),
        *asking.wrong_lists(),
        *wrong_sums(table, made, expected),
        *wrong_balances(table),
        *(str(drift) for tenant_id in made.currencies for drift in recount(table, tenant_id)),
    ]
    return outcome


def _settled(look: Callable[[], Iterator[str]]) -> float:
    """The time when all was right, or when what is wrong had stopped changing."""
    seen, at = list(look()), time.monotonic()
    while seen:
        deadline = time.monotonic() + _QUIET_S
        # One difference is reason to wait; looking for all of them would slow the machine.
        while next(look(), None) and time.monotonic() < deadline:
            time.sleep(0.2)
        at = time.monotonic()
        now = list(look())
        if now == seen:
            break
        seen = now
    return at
