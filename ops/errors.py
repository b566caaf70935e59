"""How the developer tools end: with what a person can act on."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable


class OpsError(Exception):
    """What happened and what to do about it, in words to print as they are."""


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
