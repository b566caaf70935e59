"""One deployed stack for all tests that ask for it, beside any that `make up` started."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.first_keys import issue
from dev.own_stack import DeployedStack, own_stack
from tally.access.first_keys import FirstKeys
from tests.stack.client import Client


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedStack]:
    with own_stack(tmp_path_factory.mktemp("stack")) as deployed:
        yield deployed


@pytest.fixture(scope="session")
def first_keys(stack: DeployedStack) -> FirstKeys:
    return issue(stack)


@pytest.fixture
def client(stack: DeployedStack, first_keys: FirstKeys) -> Client:
    return Client(stack, first_keys)


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share the deployed stack run in one worker."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("stack")
        if isinstance(item, pytest.Function) and "stack" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("stack"))
