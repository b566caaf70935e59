"""The first keys of a stack on the embedded AWS."""

from __future__ import annotations

from dev.stack import LocalStack
from tally.access.first_keys import FirstKeys, issue_first_keys
from tally.audit.model import Actor, ActorType
from tally.aws.table import Table
from tally.counting.switch import share_from_the_start
from tally.kernel.clock import current_instant


def issue(stack: LocalStack) -> FirstKeys:
    """New keys of the platform tenant and of the events' sender."""
    table = Table(stack.client("dynamodb"), stack.table_name)
    platform, maker = stack.outputs["PlatformTenantId"], Actor(ActorType.OPERATOR, "make up")
    share_from_the_start(table, platform)
    return issue_first_keys(table, platform, current_instant(), maker)
