"""Who does what tests do behind the API's back."""

from __future__ import annotations

from tally.audit.model import Actor, ActorType

OPERATOR = Actor(ActorType.OPERATOR, "tests")
