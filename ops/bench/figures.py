"""Figures with their goals, and the table that shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from ops.bench.meter import Usage


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; `at_most` is its goal, None for a figure that is only told."""

    part: str
    name: str
    value: float
    unit: str
    at_most: float | None = None

    @property
    def ok(self) -> bool:
        # What is printed as equal is equal: the sums are of floats.
        return self.at_most is None or round(self.value, 4) <= round(self.at_most, 4)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"ok": self.ok}


def of_usage(
    part: str, name: str, usage: Usage, per: int = 1, *, at_most: Usage | None = None
) -> Iterator[Figure]:
    """Calls and units, each divided by `per`; those of `at_most` are the goals."""
    for unit in ("calls", "read units", "write units"):
        field = unit.replace(" ", "_")
        goal = None if at_most is None else getattr(at_most, field) / per
        yield Figure(part, f"{name}, {unit}", getattr(usage, field) / per, unit, goal)


def table(figures: Sequence[Figure]) -> str:
    """Part by part: name, value, goal, ok or MISSED."""
    width = max(len(figure.name) for figure in figures)
    lines = [f"  {'':{width}} {'measured':>10} {'goal':>10}"]
    for part, of_part in groupby(figures, lambda figure: figure.part):
        lines += ["", part]
        for figure in of_part:
            goal = "" if figure.at_most is None else f"<= {_number(figure.at_most)}"
            verdict = "" if figure.at_most is None else "ok" if figure.ok else "MISSED"
            row = f"  {figure.name:{width}} {_number(figure.value):>10} {goal:>10}  {verdict}"
            lines.append(row.rstrip())
    return "\n".join(lines)


def _number(value: float) -> str:
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.2f}" if abs(value) >= 0.1 else f"{value:.4f}"
