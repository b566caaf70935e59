"""Looking at one subject after the other, as far as the time goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from tally.aws.table import Table
from tally.kernel.instants import Instant
from tally.operations.items import check_key
from tally.operations.results import Check, Result, result_from
from tally.operations.timed import OutOfTime


class Subject(NamedTuple):
    """What a check looks at, and the position behind it."""

    name: str
    position: str


type Look = Callable[[str], Sequence[str]]
"""The name of a subject -> what is wrong with it, in words. OutOfTime; RuntimeError if it keeps
changing."""


def last_result(table: Table, check: Check, now: Instant) -> Result:
    item = table.get(check_key(check), consistent=True)
    return result_from(item) if item else Result(now)


def examined(
    before: Result, subjects: Iterable[Subject], look: Look, now: Instant, *, end: str
) -> Result:
    """What was wrong before, then the subjects, until time is up; `end` is behind all of them."""
    wrong, skipped, differences = dict(before.wrong), list[str](), list[str]()
    position, checked = before.position, set[str]()
    again = [Subject(name, before.position) for name in before.wrong]
    complete = True
    for subject in (*again, *subjects):
        if subject.name in checked:
            position = subject.position
            continue
        try:
            found = look(subject.name)
        except OutOfTime:
            if not checked:  # it alone is too much: the next check must get past it
                skipped.append(subject.name)
                position = subject.position
            complete = False
            break
        except RuntimeError:
            skipped.append(subject.name)
        else:
            checked.add(subject.name)
            differences += found
            wrong.pop(subject.name, None)
            if found:
                wrong[subject.name] = len(found)
        position = subject.position
    else:
        position = end
    return Result(
        now, wrong, position, len(checked), tuple(skipped), tuple(differences), complete=complete
    )
