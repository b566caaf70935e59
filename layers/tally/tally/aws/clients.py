"""The table and its client: one per process, made on first use."""

from __future__ import annotations

from typing import Any, Literal, get_args

from botocore.config import Config
from botocore.loaders import Loader
from botocore.session import get_session

from tally.aws.retries import CONNECT_TIMEOUT_S, READ_TIMEOUT_S

Service = Literal["dynamodb", "s3", "secretsmanager", "sqs"]

SERVICES: tuple[Service, ...] = get_args(Service)
"""What Tally calls. The layer has botocore's data of these services and no others."""


def make_client(service: Service, **arguments: Any) -> Any:
    """A botocore client that tries once, and soon gives up: `retries` says what comes then.

    botocore's, not boto3's: the same client at three quarters of the import.
    """
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": 1},
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
        if name == "endpoints" and self._service != "s3":  # S3 has special cases in some Regions
            return {"partitions": []}, self.BUILTIN_DATA_PATH
        return super().load_data_with_path(name)
