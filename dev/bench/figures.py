"""Measured figures with their goals: printed as a table, kept in a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dev.bench.meter import Usage

# What ours costs in relation to another way to do the same.
ALTERNATIVES = "Ours compared with the alternative"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; `at_most` is its goal, None if it has none.

    Figures with the same part and name are about the same thing, each in a unit of its own.
    """

    part: str
    name: str
    value: float
    unit: str
    at_most: float | None = None

    @property
    def ok(self) -> bool:
        # Sums of floats that print as equal are equal.
        return self.at_most is None or round(self.value, 4) <= round(self.at_most, 4)


def of_usage(
    part: str, name: str, usage: Usage, per: int = 1, *, at_most: Usage | None = None
) -> Iterator[Figure]:
    """Calls and units, each divided by `per`; those of `at_most` are the goals."""
    for unit in ("calls", "read units", "write units"):
        field = unit.replace(" ", "_")
        goal = None if at_most is None else getattr(at_most, field) / per
        yield Figure(part, name, getattr(usage, field) / per, unit, goal)


def by_part(figures: Iterable[Figure]) -> Mapping[str, Sequence[Figure]]:
    """Part -> its figures, in the order in which the parts first appear."""
    parts: dict[str, list[Figure]] = {}
    for figure in figures:
        parts.setdefault(figure.part, []).append(figure)
    return parts


def table(figures: Sequence[Figure]) -> str:
    """Part by part: name and unit, value, goal, ok or MISSED."""
    width = max(len(f"{figure.name}: {figure.unit}") for figure in figures)
    lines = [f"  {'':{width}} {'measured':>10} {'goal':>10}"]
    for part, of_part in by_part(figures).items():
        lines += ["", part]
        for figure in of_part:
            goal = "" if figure.at_most is None else f"<= {number(figure.at_most)}"
            verdict = "" if figure.at_most is None else "ok" if figure.ok else "MISSED"
            what = f"{figure.name}: {figure.unit}"
            lines.append(f"  {what:{width}} {number(figure.value):>10} {goal:>10}  {verdict}")
    return "\n".join(line.rstrip() for line in lines)


def number(value: float) -> str:
    """With thousands separated; two decimals, or up to four of a small number."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.2f}" if abs(value) >= 0.1 else f"{value:.4f}".rstrip("0")


def save(path: Path, figures: Iterable[Figure]) -> None:
    """Write figures to a JSON file, in place of its figures of the same parts."""
    new = by_part(figures)
    earlier = load(path) if path.exists() else []
    kept = [figure for figure in earlier if figure.part not in new]
    content = [_rounded(figure) for of_part in (kept, *new.values()) for figure in of_part]
    path.write_text(json.dumps(content, indent=1) + "\n")


def load(path: Path) -> list[Figure]:
    """The figures of a file that `save` wrote."""
    return [Figure(**each) for each in json.loads(path.read_text())]


def _rounded(figure: Figure) -> Mapping[str, Any]:
    at_most = None if figure.at_most is None else round(figure.at_most, 4)
    return asdict(figure) | {"value": round(figure.value, 4), "at_most": at_most}
