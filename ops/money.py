"""`tally books` and `tally payouts`: whether ledger and statements are right."""

from __future__ import annotations

from argparse import Namespace

from ops.again import GivenUp, send_again
from ops.commands import Commands, add_command, add_group
from ops.deployment import Deployment
from tally.kernel.clock import current_instant
from tally.kernel.instants import for_display, plus
from tally.kernel.money import to_decimal
from tally.ledger import books
from tally.payouts import verifying
from tally.payouts.reserves import DueReserves
from tally.payouts.runs import failures, list_runs
from tally.payouts.tasks import Bundle, Task, read_message


def add_commands(commands: Commands) -> None:
    add_command(
        commands,
        "books",
        check_books,
        "check in each currency that what buyers were charged equals what providers earned, "
        "both after refunds; exit status 1 if not",
    )

    payouts = add_group(commands, "payouts", "payout runs and statements")
    add_command(payouts, "runs", list_payout_runs, "list payout runs with their progress")
    add_command(payouts, "retry", retry_payouts, "make the statements that failed once more")
    command = add_command(
        payouts,
        "verify",
        verify_payouts,
        "recompute statements from the ledger; exit status 1 if any differ",
    )
    command.add_argument("payout", nargs="*", help="ids of statements to verify (default: all)")


def check_books(deployed: Deployment, _: Namespace) -> int:
    now = current_instant()
    balances = books.check_books(deployed.table, now)
    print("currency       debits      refunds      credits    reversals")
    for each in balances:
        sums = (each.debits, each.refunds, each.credits, each.reversals)
        columns = " ".join(f"{to_decimal(amount):>12}" for amount in sums)
        off = f"off by {to_decimal(each.difference)}" if each.difference else "balanced"
        print(f"{each.currency:8} {columns}  {off}")
    unbalanced = sum(1 for each in balances if each.difference)
    as_of = for_display(plus(now, -books.SETTLED_AFTER))
    print(f"As of {as_of} the books {'do not balance' if unbalanced else 'balance'}.")
    return 1 if unbalanced else 0


def verify_payouts(deployed: Deployment, arguments: Namespace) -> int:
    different = 0
    for statement_id in arguments.payout or verifying.all_statements(deployed.table):
        difference = verifying.verify(deployed.table, statement_id)
        different += difference is not None
        print(f"{statement_id}: {difference or 'equal'}")
    return 1 if different else 0


def retry_payouts(deployed: Deployment, _: Namespace) -> int:
    """The function gets the tasks that it gave up; 1 if some messages are no tasks."""
    given_up = GivenUp(
        "FailedPayoutTasks", "PayoutTasks", "task", "No statement failed.", _in_words
    )
    return send_again(deployed, given_up)


def _in_words(body: str) -> str:
    match read_message(body):
        case Task(run_id, tenant_id, _, currency):
            return f"{run_id} {tenant_id} {currency}"
        case Bundle(run_id, _, providers):
            return f"{run_id} {len(providers)} providers"
        case DueReserves(reserves):
            return f"{len(reserves)} reserves"


def list_payout_runs(deployed: Deployment, _: Namespace) -> int:
    for run in list_runs(deployed.table):
        state = "finished" if run.is_finished else "running"
        print(
            f"{run.run_id}  {run.period}  {state}: expected {run.expected}, "
            f"generated {run.generated}, unchanged {run.unchanged}, failed {run.failed}"
        )
        for provider in failures(deployed.table, run.run_id) if run.failed else ():
            print(f"  failed: {provider}")
    return 0
