"""Local S3-compatible servers on loopback: ministack and SeaweedFS.

A pipe ties each server to this process: it is killed when pytest ends, even by SIGKILL.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local_cloud.child_process import ChildProcess, package_path, under_parent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PATIENCE_S = 300
SECRET = "not-a-secret"


@dataclass(frozen=True)
class Server:
    endpoint: str

    @property
    def env(self) -> dict[str, str]:
        """The environment variables with which a client finds the server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
        }


def program(name: str) -> str | None:
    """The path of a program that a wheel installed beside this interpreter, or None."""
    return shutil.which(name, path=str(Path(sys.executable).parent))


@contextmanager
def ministack(directory: Path) -> Iterator[Server]:
    (port,) = free_ports(1)
    executable = program("ministack")
    assert executable is not None
    env = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "LOG_LEVEL": "WARNING"}
    server = Server(f"http://127.0.0.1:{port}")
    with running([executable], env, directory, f"{server.endpoint}/_ministack/health"):
        yield server


@contextmanager
def seaweedfs(executable: str, directory: Path) -> Iterator[Server]:
    services = ["s3", "master", "volume", "filer", "admin"]
    ports = free_ports(2 * len(services))
    settings = directory / "s3.json"
    key = {"accessKey": "test", "secretKey": SECRET}
    identity = {"name": "test", "credentials": [key], "actions": ["Admin"]}
    settings.write_text(json.dumps({"identities": [identity]}))
    data = directory / "data"
    data.mkdir()
    command = [executable, "mini", f"-dir={data}", f"-s3.config={settings}"]
    command += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false"]
    command += ["-admin.ui=false", "-webdav=false", "-s3.autoCreateBucket=false"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    for service, http, grpc in zip(services, ports[::2], ports[1::2], strict=True):
        command += [f"-{service}.port={http}", f"-{service}.port.grpc={grpc}"]
    server = Server(f"http://127.0.0.1:{ports[0]}")
    try:
        with running(command, {}, directory, server.endpoint):
            yield server
    finally:
        for port in ports:  # its services leave their sockets behind
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 - SeaweedFS's choice
                left.unlink()


@contextmanager
def running(
    command: Sequence[str], env: Mapping[str, str], directory: Path, probe: str
) -> Iterator[None]:
    """Run a server in a process group of its own, until the block ends or this process does."""
    log = directory / "log.txt"
    keep = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    everything = {**keep, "HOME": str(directory), "PYTHONPATH": package_path(), **env}
    with log.open("wb") as output:
        process = ChildProcess(under_parent(command), env=everything, cwd=directory, output=output)
    try:
        wait_until_it_answers(process, probe, log)
        yield
    finally:
        process.kill()


def wait_until_it_answers(process: ChildProcess, probe: str, log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.process.poll() is None:
        try:
            opener.open(probe, timeout=2).close()
        except urllib.error.HTTPError:
            return  # it refused the unsigned request, so it is running
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{probe} does not answer:\n{log.read_text(errors='replace')[-2000:]}")


def free_ports(number: int) -> list[int]:
    with ExitStack() as open_sockets:
        probes = [open_sockets.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
