from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.world import World, new_world


@pytest.fixture
def world() -> Iterator[World]:
    with new_world() as made:
        yield made
