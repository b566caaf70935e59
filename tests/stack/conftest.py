"""One deployed stack for all tests that ask for it, beside any that `make up` started."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ops import emulator
from ops.emulator import Emulator, free_port
from ops.first_keys import FirstKeys, issue
from ops.stack import build, deploy
from tests.stack.client import Client, DeployedStack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedStack]:
    folder = tmp_path_factory.mktemp("stack")
    built = build()
    aws = Emulator(folder / "aws", free_port())
    process = aws.start()
    try:
        local = deploy(built, aws.endpoint_url, folder / "deploy.log")
        yield DeployedStack(**vars(local), home=aws.home)
    finally:
        emulator.stop(aws.home)
        process.wait()


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
