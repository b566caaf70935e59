"""Docker, as `sam local` uses it: whether it runs, and how a container reaches this machine."""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from dev.stack import architecture
from ops.errors import OpsError

HOST_NAME = "host.docker.internal"
BASE_IMAGE = "public.ecr.aws/lambda/python:3.13"
_PATIENCE_S = 20
_DOWNLOAD_S = 900
_REMOVE_S = 60
_CHUNK = 65536
_IMAGES = "tally-local"


@dataclass(frozen=True)
class Reach:
    """How containers reach a port of this machine; `add_host` is sam's option, or empty."""

    endpoint_url: str
    add_host: tuple[str, ...] = ()


def docker(*arguments: str, text: str = "", patience_s: float = _PATIENCE_S) -> str:
    """What a docker command prints, given a text. OpsError if Docker is not there or refuses."""
    try:
        done = subprocess.run(
            ["docker", *arguments],
            check=False,
            capture_output=True,
            text=True,
            input=text,
            timeout=patience_s,
        )
    except FileNotFoundError:
        raise OpsError(
            "Docker is not installed. Functions run in Lambda's container only with it: "
            "https://docs.docker.com/get-docker/. Without it, use `sam remote invoke` "
            "(docs/operations.md)."
        ) from None
    except subprocess.TimeoutExpired:
        raise OpsError("Docker does not answer: start it again.") from None
    if done.returncode:
        reason = done.stderr.strip()
        raise OpsError(f"Docker does not run, or `docker {arguments[0]}` failed: {reason}")
    return done.stdout.strip()


def docker_runs() -> bool:
    """Whether the Docker daemon answers."""
    try:
        docker("info")
    except OpsError:
        return False
    return True


def docker_environment() -> dict[str, str]:
    """The caller's Docker settings, and the address of the daemon that the docker command uses.

    sam does not know Docker's contexts, with which Colima and others say where they listen.
    """
    docker("info")  # which says when the daemon does not run
    settings = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}
    endpoint = docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    return settings | ({"DOCKER_HOST": endpoint} if endpoint else {})


def has_image(name: str) -> bool:
    """Whether the image is on this machine."""
    try:
        docker("image", "inspect", "--format", "{{.Id}}", name)
    except OpsError:
        return False
    return True


def base_image() -> str:
    """Lambda's image for this machine."""
    return f"{BASE_IMAGE}-{architecture()}"


def image_of(built: Path, layers: Iterable[str]) -> str:
    """The name of Lambda's image with the layers of a build, which is made unless it is there.

    sam would make it anew with each start of a container.
    """
    name = f"{_IMAGES}-{built.name}"
    if has_image(name):
        return name
    if not has_image(base_image()):
        print(f"Downloading {base_image()}; this happens once.", file=sys.stderr)
    lines = [f"FROM {base_image()}", f"LABEL {_IMAGES}=1"]
    lines += [f"COPY {layer} /opt" for layer in layers]
    options = ("--quiet", f"--tag={name}", "--file=-", str(built))
    docker("build", *options, text="\n".join(lines), patience_s=_DOWNLOAD_S)
    old = (f"--filter=label={_IMAGES}", "--filter=until=24h")
    docker("image", "prune", "--all", "--force", *old)
    return name


def remove_containers(folder: Path) -> None:
    """Remove all containers that mount something of this folder."""
    listed = docker("ps", "--all", "--no-trunc", "--format={{.ID}} {{.Mounts}}").splitlines()
    if ids := [line.partition(" ")[0] for line in listed if str(folder) in line]:
        with suppress(OpsError):  # sam was faster
            docker("rm", "--force", *ids, patience_s=_REMOVE_S)


@contextmanager
def reachable(port: int) -> Iterator[Reach]:
    """Let containers reach a port that listens on 127.0.0.1 only, for as long as this lasts.

    Docker Desktop and its like take them there by name. Docker Engine on Linux does not: there the
    port is forwarded from the address of Docker's bridge, which only containers can reach.
    """
    if platform.system() != "Linux" or "Desktop" in docker("info", "-f", "{{.OperatingSystem}}"):
        yield Reach(f"http://{HOST_NAME}:{port}")
        return
    address = bridge_address(json.loads(docker("network", "inspect", "bridge")))
    with forwarded(address, port) as own_port:
        yield Reach(f"http://{HOST_NAME}:{own_port}", (f"--add-host={HOST_NAME}:{address}",))


def bridge_address(networks: list[Any]) -> str:
    """The IPv4 address of this machine on the bridge, from `docker network inspect`.

    Older versions leave the gateway out; it is the first address of the network.
    """
    for config in networks[0]["IPAM"]["Config"]:
        network = ip_network(config["Subnet"])
        if network.version == 4:
            return str(ip_address(config.get("Gateway") or next(network.hosts())))
    raise OpsError("Docker's network `bridge` has no IPv4 address, which containers need here.")


@contextmanager
def forwarded(address: str, port: int) -> Iterator[int]:
    """Forward connections to a port of `address` to 127.0.0.1:`port`; the port of `address`."""
    try:
        server = socket.create_server((address, 0))
    except OSError as error:
        raise OpsError(
            f"Cannot listen on {address}, the address of Docker's bridge ({error.strerror}). "
            "Rootless Docker has no such address: use the system's Docker, or Docker Desktop."
        ) from None
    threading.Thread(target=_accept, args=(server, port), daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        server.close()


def _accept(server: socket.socket, port: int) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return  # closed
        threading.Thread(target=_serve, args=(client, port), daemon=True).start()


def _serve(client: socket.socket, port: int) -> None:
    with ExitStack() as opened:
        opened.enter_context(client)
        try:
            upstream = opened.enter_context(socket.create_connection(("127.0.0.1", port)))
        except OSError:
            return
        back = threading.Thread(target=_copy, args=(upstream, client), daemon=True)
        back.start()
        _copy(client, upstream)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Until the source ends; the target is then told so."""
    with suppress(OSError):
        while chunk := source.recv(_CHUNK):
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
