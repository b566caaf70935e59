from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.world import World, new_world

# moto makes many objects and few cycles: looking for these so often would take a tenth of the time.
gc.set_threshold(50_000, 20, 20)


settings.register_profile("long", max_examples=2_000)


@pytest.fixture
def world() -> Iterator[World]:
    with new_world() as made:
        yield made
