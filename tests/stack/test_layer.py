"""The botocore in the layer: the tested one, with the data that Tally's clients need."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from itertools import product
from pathlib import Path

import botocore
import pytest
from botocore.loaders import Loader

from dev.own_stack import DeployedStack
from dev.stack import build
from tally.aws.clients import SERVICES

REGIONS = ("us-east-1", "eu-central-2", "us-gov-west-1", "cn-north-1")
# Where each client would call, as the layer's own packages say, and nothing else's.
ENDPOINTS = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
import botocore
from tally.aws.clients import SERVICES, make_client
found = {}
for combination in json.loads(sys.argv[2]):
    service, region, fips, dual_stack = combination
    os.environ |= {"AWS_USE_FIPS_ENDPOINT": fips, "AWS_USE_DUALSTACK_ENDPOINT": dual_stack}
    client = make_client(service, region_name=region)
    found[" ".join(combination)] = client.meta.endpoint_url
print(json.dumps([botocore.__file__, botocore.__version__, found]))
"""


@pytest.fixture(scope="module")
def layer() -> Path:
    """The folder with the layer's packages."""
    return build() / "TallyLayer" / "python"


def endpoints(packages: Path) -> tuple[str, str, dict[str, str]]:
    """The file and the version of botocore, and all endpoints."""
    combinations = list(product(SERVICES, REGIONS, ("false", "true"), ("false", "true")))
    done = subprocess.run(  # noqa: S603  this interpreter
        [sys.executable, "-I", "-S", "-c", ENDPOINTS, packages, json.dumps(combinations)],
        env={"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"},
        check=True,
        capture_output=True,
        text=True,
    )
    file, version, found = json.loads(done.stdout)
    return file, version, found


def test_the_layers_clients_call_where_the_tested_ones_do(layer: Path, tmp_path: Path) -> None:
    """In all partitions, with FIPS and dual-stack endpoints, although most data is left out."""
    whole = Path(botocore.__file__).parent
    for name in ("botocore", "dateutil", "urllib3", "jmespath", "six.py"):
        (tmp_path / name).symlink_to(whole.parent / name)
    (tmp_path / "tally").symlink_to(layer / "tally")

    file, version, found = endpoints(layer)

    assert Path(file).is_relative_to(layer)
    assert (version, found) == endpoints(tmp_path)[1:]
    assert version == botocore.__version__


def test_the_layer_has_the_data_of_tallys_services_alone(layer: Path) -> None:
    data = layer / "botocore" / "data"

    assert sorted(each.name for each in data.iterdir() if each.is_dir()) == sorted(SERVICES)
    common = {each.name for each in Path(Loader.BUILTIN_DATA_PATH).iterdir() if each.is_file()}
    assert {each.name for each in data.iterdir() if each.is_file()} == common


def test_a_function_gets_the_layers_botocore_and_not_its_runtimes(stack: DeployedStack) -> None:
    functions = stack.client("lambda")
    like = functions.get_function_configuration(FunctionName=stack.outputs["CountFunction"])
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr(
            "app.py",
            "import botocore\n"
            "def handler(event, context):\n"
            "    return [botocore.__file__, botocore.__version__]\n",
        )
    name = "which-botocore"
    functions.create_function(
        FunctionName=name,
        Runtime=like["Runtime"],
        Handler="app.handler",
        Role=like["Role"],
        Layers=[layer["Arn"] for layer in like["Layers"]],
        Code={"ZipFile": code.getvalue()},
    )
    try:
        answer = functions.invoke(FunctionName=name)
        file, version = json.loads(answer["Payload"].read())
    finally:
        functions.delete_function(FunctionName=name)

    assert version == botocore.__version__
    assert f"{os.sep}python{os.sep}botocore{os.sep}" in file
