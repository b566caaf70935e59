"""The table and its client: one per process, made on first use."""

from __future__ import annotations

from typing import Any

from botocore.config import Config
from botocore.loaders import Loader
from botocore.session import get_session


def make_client(service: str, **arguments: Any) -> Any:
    """A botocore client that gives up soon enough to try again within a function's timeout.

    botocore's, not boto3's: the same client at three quarters of the import.
    """
    config = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 3},
        parameter_validation=False,
    )
    session = get_session()
    session.register_component("data_loader", _LeanLoader(service))
    return session.create_client(service, config=config, **arguments)


class _LeanLoader(Loader):
    """Reads what a client of one service is made of, and no more: a sixth less CPU for it.

    botocore's own lists all four hundred services to see that one exists, and parses a megabyte of
    endpoints, in which it looks up none that has endpoint rules, as all of ours have.
    """

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002  of any type
        return [self._service]

    def load_data_with_path(self, name: str) -> tuple[Any, str]:
        if name == "endpoints":
            return {"partitions": []}, self.BUILTIN_DATA_PATH
        return super().load_data_with_path(name)
