"""The API's description through real HTTP: the bytes are those of the files."""

from __future__ import annotations

import pytest

from dev.own_stack import DeployedStack
from functions.api.reference.app import endpoint
from tally.http.static import File


@pytest.mark.parametrize("path", endpoint.files)
def test_a_file_arrives_as_it_is(path: str, stack: DeployedStack) -> None:
    file = endpoint.files[path]
    assert isinstance(file, File)

    first = stack.request("GET", path)
    again = stack.request("GET", path, headers={"If-None-Match": first.headers["etag"]})

    assert (first.status, first.body) == (200, file.path.read_bytes())
    assert first.headers["content-type"] == file.content_type
    assert (again.status, again.body) == (304, b"")


def test_a_file_that_is_not_there(stack: DeployedStack) -> None:
    answer = stack.request("GET", "/v1/reference/app.py")

    assert answer.status == 404
    assert answer.json()["error"]["code"] == "not_found"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
