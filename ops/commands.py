"""How the modules of commands add theirs to the parser."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Callable

from ops.deployment import Deployment

type Commands = _SubParsersAction[ArgumentParser]

type Run = Callable[[Deployment, Namespace], int]
"""Does a command and returns its exit status."""


def add_command(commands: Commands, name: str, run: Run, help_text: str) -> ArgumentParser:
    """A command; its arguments are for the caller to add."""
    command = commands.add_parser(name, help=help_text, description=_sentence(help_text))
    command.set_defaults(run=run)
    return command


def add_group(commands: Commands, name: str, help_text: str) -> Commands:
    """Commands that are called as `tally NAME COMMAND`."""
    group = commands.add_parser(name, help=help_text, description=_sentence(help_text))
    return group.add_subparsers(required=True, metavar="COMMAND")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
