"""Fields of which each is the newest that was said of it, in any order of arrival."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tally.domain.catalog import Version


class Register(NamedTuple):
    """`value` is None where it was said that there is none."""

    value: Any
    version: Version


type Registers = Mapping[str, Register]


def merged(registers: Registers, said: Mapping[str, Any], version: Version) -> Registers:
    """What was said in this version, where nothing newer was; what it does not name stays."""
    newer = {
        name: Register(value, version)
        for name, value in said.items()
        if name not in registers or version > registers[name].version
    }
    return {**registers, **newer}
