"""What is deployed stays small: Lambda has a limit, and what is large starts slowly."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from dev.bench.figures import Figure
from dev.bench.packages import CEILINGS, LAYER, PART, UNZIPPED, ZIPPED, measure
from dev.own_stack import DeployedStack
from dev.template import functions

MOST_ON_LAMBDA_MB = 250


def missed(built: Path) -> list[Figure]:
    return [figure for figure in measure(built) if not figure.ok]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A build of next to nothing."""
    for name in (LAYER, *functions()):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.py").write_text("handler = print\n")
    return tmp_path


def test_what_is_deployed_is_below_its_ceilings(stack: DeployedStack) -> None:
    assert missed(stack.built) == []


def test_the_ceilings_are_far_below_lambdas_limit() -> None:
    unzipped = sum(of_unit for of_unit, _ in CEILINGS.values())

    assert unzipped < MOST_ON_LAMBDA_MB / 5


def test_a_layer_that_grew_is_noticed(built: Path) -> None:
    assert missed(built) == []
    (most_unzipped, most_zipped), size = CEILINGS[LAYER], 60_000_000

    (built / LAYER / "data.bin").write_bytes(Random(1).randbytes(size))

    unzipped, zipped = missed(built)
    assert unzipped == Figure(PART, LAYER, unzipped.value, UNZIPPED, most_unzipped)
    assert zipped == Figure(PART, LAYER, zipped.value, ZIPPED, most_zipped)
    assert (unzipped.value, zipped.value) == pytest.approx((60, 60), abs=0.1)


def test_a_function_that_brings_packages_is_noticed(built: Path) -> None:
    (built / "CountChanges" / "package.py").write_text("# code\n" * 100_000)

    assert [(figure.name, figure.unit) for figure in missed(built)] == [
        ("the largest function", UNZIPPED)
    ]
