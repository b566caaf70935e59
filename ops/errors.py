"""Errors that tell a person what to do, and the exit status of a tool."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable


class OpsError(Exception):
    """The message says what happened and what to do about it; it is printed as it is."""


def exit_status(command: Callable[[], int]) -> int:
    """The command's own exit status, or 1 with the reason on standard error."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up, whoever interrupts
    try:
        return command()
    except OpsError as error:
        print(f"\n{error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
    return 1
