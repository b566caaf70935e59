"""Builds the real template and deploys it to an embedded AWS."""

import hashlib
import http.client
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from json import dumps, loads
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dev import ROOT
from dev.emulator import tail
from ops.deployment import LOCAL_REGION, local_client, stack_outputs
from ops.errors import OpsError

STACK_NAME = "tally-local"
CONFIG = ROOT / "samconfig.toml"
ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}
BUILDS = ROOT / ".local" / "builds"
BUILT_FROM = ("template.yaml", "functions", "layers")
BUILDS_KEPT = 3


@dataclass(frozen=True)
class Response:
    """What came back over HTTP; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return loads(self.body)


@dataclass(frozen=True)
class LocalStack:
    """A deployed Tally on an embedded AWS."""

    api_url: str
    endpoint_url: str
    region: str
    stack_name: str
    table_name: str
    outputs: Mapping[str, str]

    def client(self, service: str) -> Any:
        """A low-level client of the embedded AWS with every right."""
        return local_client(self.endpoint_url, service)

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        body: bytes | None = None,
        timeout: float = 60,
    ) -> Response:
        """Send one request to the API; `path` begins with / and may have a query."""
        sent = dict(headers or {})
        if json is not None:
            body = dumps(json).encode()
            sent.setdefault("Content-Type", "application/json")
        url = urlsplit(self.api_url)
        connection = http.client.HTTPConnection(url.netloc, timeout=timeout)
        try:
            connection.request(method, url.path + path, body, sent)
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Response(response.status, names, response.read())
        finally:
            connection.close()


def environment(endpoint_url: str = "") -> dict[str, str]:
    """The caller's environment without its settings of AWS and SAM, for SAM."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SAM_"))}
    local = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "*",
        "PATH": search_path(),
        "SAM_CLI_POLL_DELAY": "0.2",
        "SAM_CLI_TELEMETRY": "0",
    }
    return kept | local | ({"AWS_ENDPOINT_URL": endpoint_url} if endpoint_url else {})


def search_path() -> str:
    """Where to look for tools: the real python3.13 before any shim."""
    own = [Path(sys.executable).parent, ROOT / ".local" / "uv" / "bin"]
    return os.pathsep.join([*map(str, own), os.environ.get("PATH", os.defpath)])


def running(file: Path) -> dict[str, Any]:
    """What stack.json says of the running stack. OpsError if none is running."""
    if not file.exists():
        raise OpsError("No local stack is running: `make up` starts one.")
    found: dict[str, Any] = loads(file.read_text())
    return found


def build() -> Path:
    """Build for this machine into a folder of BUILDS named by its sources, unless it exists.

    A finished build is never changed, so that any number of deployments can read it at once.
    """
    target = BUILDS / _digest()
    if target.exists():
        target.touch()
        return target
    BUILDS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILDS, prefix="building-") as scratch:
        built, temporary = Path(scratch) / "built", Path(scratch) / "tmp"
        temporary.mkdir()
        _sam(
            BUILDS / "build.log",
            # SAM leaves a folder behind in TMPDIR for each function that it builds.
            environment() | {"LAYER_PLATFORM": "host", "TMPDIR": str(temporary)},
            "build",
            f"--build-dir={built}",
            f"--template-file={ROOT / 'template.yaml'}",
            f"--parameter-overrides={_parameters()}",
        )
        with suppress(OSError):  # somebody else was faster with the same build
            built.rename(target)
    builds = sorted(BUILDS.glob("[0-9a-f]*/"), key=lambda folder: folder.stat().st_mtime)
    for old in builds[:-BUILDS_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def deploy(built: Path, endpoint_url: str, log: Path) -> LocalStack:
    """Deploy a build as the stack `tally-local`, its output to `log`."""
    _sam(
        log,
        environment(endpoint_url),
        "deploy",
        f"--template-file={built / 'template.yaml'}",
        f"--config-file={CONFIG}",
        "--config-env=local",
        f"--parameter-overrides={_parameters()}",
    )
    values = stack_outputs(local_client(endpoint_url, "cloudformation"), STACK_NAME)
    api_id, stage = values["ApiId"], urlsplit(values["ApiUrl"]).path.strip("/")
    _set_extensions(endpoint_url, api_id, stage)
    return LocalStack(
        api_url=f"{endpoint_url}/_aws/execute-api/{api_id}/{stage}",
        endpoint_url=endpoint_url,
        region=LOCAL_REGION,
        stack_name=STACK_NAME,
        table_name=values["TableName"],
        outputs=values,
    )


def _set_extensions(endpoint_url: str, api_id: str, stage: str) -> None:
    """Apply the template's API extensions, which the embedded AWS ignores."""
    template = local_client(endpoint_url, "cloudformation").get_template(
        StackName=STACK_NAME, TemplateStage="Processed"
    )["TemplateBody"]
    gateway = local_client(endpoint_url, "apigateway")
    for resource in template["Resources"].values():
        if resource["Type"] != "AWS::ApiGateway::RestApi":
            continue
        body = resource["Properties"]["Body"]
        responses = body.get("x-amazon-apigateway-gateway-responses", {})
        for kind, response in responses.items():
            gateway.put_gateway_response(restApiId=api_id, responseType=kind, **response)
        binary = body.get("x-amazon-apigateway-binary-media-types", [])
        # AWS patches one type at a time; the embedded AWS takes the whole list, and only so.
        patch: Any = {"op": "replace", "path": "/binaryMediaTypes", "value": binary}
        gateway.update_rest_api(restApiId=api_id, patchOperations=[patch])
        for path, item in body["paths"].items():
            if operation := item.get("x-amazon-apigateway-any-method"):
                uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
                _serve_any_method(endpoint_url, api_id, path, uri)
    gateway.create_deployment(restApiId=api_id, stageName=stage)


def _serve_any_method(endpoint_url: str, api_id: str, path: str, uri: str) -> None:
    """`uri`: `arn:...:lambda:path/.../functions/${FallbackAliaslive}/invocations`"""
    (alias,) = re.findall(r"functions/\$\{(\w+)\}", uri)
    arn = local_client(endpoint_url, "cloudformation").describe_stack_resource(
        StackName=STACK_NAME, LogicalResourceId=alias
    )["StackResourceDetail"]["PhysicalResourceId"]
    gateway = local_client(endpoint_url, "apigateway")
    resources = gateway.get_resources(restApiId=api_id, limit=500)["items"]
    (resource_id,) = (each["id"] for each in resources if each["path"] == path)
    method: Any = {"restApiId": api_id, "resourceId": resource_id, "httpMethod": "ANY"}
    gateway.put_method(**method, authorizationType="NONE")
    gateway.put_integration(
        **method,
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:{LOCAL_REGION}:lambda:path/2015-03-31/functions/{arn}/invocations",
    )


def _sam(log: Path, env: Mapping[str, str], *arguments: str) -> None:
    for tool in ("sam", "uv", "make"):
        if shutil.which(tool, path=env["PATH"]) is None:
            raise OpsError(
                f"`{tool}` is missing: run `make setup` (and install make, if that fails)."
            )
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        done = subprocess.run(
            ["sam", *arguments],
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise OpsError(f"`sam {arguments[0]}` failed.\n{tail(log)}")


def _parameters() -> str:
    return f"Stage=local OidcIssuer=cognito Architecture={architecture()}"


def architecture() -> str:
    """The machine's architecture, as Lambda calls it."""
    machine = platform.machine().lower()
    if machine not in ARCHITECTURES:
        raise OpsError(f"Lambda does not know this machine's architecture ({machine}).")
    return ARCHITECTURES[machine]


def _digest() -> str:
    """The name of a build: a digest of its sources and of this machine."""
    digest = hashlib.sha256(f"{sys.version} {platform.platform()}".encode())
    for root in BUILT_FROM:
        top = ROOT / root
        for file in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if file.is_file() and "__pycache__" not in file.parts:
                content = file.read_bytes()
                digest.update(f"{file.relative_to(ROOT)}\0{len(content)}\0".encode())
                digest.update(content)
    return digest.hexdigest()[:16]
