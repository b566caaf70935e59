"""Tally's clients are botocore's with less to read: they must send the same to the same place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import EndpointResolutionError

from tally.aws.clients import SERVICES, Service, make_client

CALLS: Mapping[Service, tuple[str, Mapping[str, Any]]] = {
    "dynamodb": ("get_item", {"TableName": "tally", "Key": {"PK": {"S": "p"}, "SK": {"S": "s"}}}),
    "sqs": ("send_message", {"QueueUrl": "https://queue", "MessageBody": "{}"}),
    "secretsmanager": ("get_secret_value", {"SecretId": "secret"}),
    "s3": ("list_objects_v2", {"Bucket": "bucket"}),
}
REGIONS = ("us-east-1", "eu-central-2", "us-gov-west-1", "cn-north-1")


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


def test_all_of_tallys_clients_are_tried() -> None:
    assert sorted(CALLS) == sorted(SERVICES)


@pytest.mark.slow
@pytest.mark.parametrize("dual_stack", ["false", "true"])
@pytest.mark.parametrize("fips", ["false", "true"])
@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("service", CALLS)
def test_a_client_calls_where_botocores_own_would(
    service: Service, region: str, fips: str, dual_stack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", fips)
    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", dual_stack)
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    own = botocore.session.get_session().create_client(service)
    assert sent_by(make_client(service), service) == sent_by(own, service)


def test_a_client_calls_the_endpoint_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    url, _, _ = sent_by(make_client("dynamodb"), "dynamodb")
    assert url == "http://127.0.0.1:4566/"


def sent_by(client: Any, service: Service) -> tuple[str, str, bytes]:
    """URL, scope of the signature and body of one call, which is answered before it is sent."""
    seen: list[Any] = []

    def answer(request: Any, **_: object) -> AWSResponse:
        seen.append(request)
        content = b"<ListBucketResult/>" if service == "s3" else b"{}"
        return AWSResponse(request.url, 200, HTTPHeaders(), Body(content))

    client.meta.events.register(f"before-send.{service}", answer)
    operation, arguments = CALLS[service]
    try:
        getattr(client, operation)(**arguments)
    except EndpointResolutionError as error:  # S3 has no FIPS endpoints in China
        return str(error), "", b""
    (request,) = seen
    (scope,) = re.findall(r"Credential=testing/\d+/([^,]+)", str(request.headers["Authorization"]))
    return request.url, scope, request.body


class Body:
    def __init__(self, content: bytes) -> None:
        self.content = content

    def stream(self, **_: object) -> list[bytes]:
        return [self.content]
