"""`tally books` and `tally payouts`: whether ledger and statements are right."""

from __future__ import annotations

from argparse import Namespace

from ops.commands import Commands, add_command, add_group
from ops.deployment import Deployment
from tally.aws.held import delete, held_messages
from tally.kernel.clock import current_instant
from tally.kernel.instants import for_display, plus
from tally.kernel.money import to_decimal
from tally.ledger import books
from tally.payouts import verifying
from tally.payouts.runs import Task, failures, list_runs


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
    failed, again = (
        deployed.outputs[f"{name}QueueUrl"] for name in ("FailedPayoutTasks", "PayoutTasks")
    )
    strange = 0
    with held_messages(deployed.sqs, failed) as messages:
        if not messages:
            print("No statement failed.")
        for name, message in list(messages.items()):
            try:
                task = Task.from_json(message["Body"])
            except (ValueError, TypeError):
                strange += 1
                print(f"not a task, left where it is: {message['Body']}")
                continue
            deployed.sqs.send_message(QueueUrl=again, MessageBody=message["Body"])
            delete(deployed.sqs, failed, message)
            del messages[name]
            print(f"{task.run_id} {task.tenant_id} {task.currency}: sent again")
    return 1 if strange else 0


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
