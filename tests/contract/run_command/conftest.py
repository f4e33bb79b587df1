"""`s3leader run` as a process, on a bucket of an embedded server."""

from __future__ import annotations

import itertools
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from s3leader import Election
from s3leader._io.boto3_client import make_boto3_client
from tests.contract.run_command.proxy import Proxy, proxy_to
from tests.contract.servers import Server

LEASE_S = 6.0
numbers = itertools.count(1)


@dataclass(frozen=True)
class Machine:
    """A machine whose requests pass a proxy; the test itself sees the bucket directly."""

    bucket: str
    proxy: Proxy
    environment: dict[str, str]
    folder: Path

    def start(self, *words: str, script: str, **more: str) -> subprocess.Popen[str]:
        """Start the wrapper with a shell script as its command."""
        program = [sys.executable, "-m", "s3leader_cli", "run", "nightly", "--json"]
        options = ["--lease", f"{LEASE_S}", "--grace", "1", *words]
        return subprocess.Popen(
            [*program, *options, "--", "sh", "-c", script],
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**self.environment, "AWS_ENDPOINT_URL": self.proxy.endpoint, **more},
        )  # fmt: skip

    def election(self) -> Election:
        return Election("nightly", bucket=self.bucket, lease=timedelta(seconds=LEASE_S))

    def outcome(self) -> str | None:
        lock = self.election().observe()
        assert lock is not None
        return lock.outcome


@pytest.fixture
def machine(
    ministack: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Machine]:
    for variable, value in ministack.env.items():
        monkeypatch.setenv(variable, value)
    bucket = f"run-{next(numbers)}"
    make_boto3_client(30, "us-east-1").create_bucket(Bucket=bucket)
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = kept | ministack.env | {
        "PYTHONPATH": os.pathsep.join(sys.path), "S3LEADER_BUCKET": bucket, "TMPDIR": str(tmp_path),
    }  # fmt: skip
    with proxy_to(ministack.endpoint) as proxy:
        yield Machine(bucket, proxy, environment, tmp_path)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def seconds_until_all_have_ended(process: subprocess.Popen[str]) -> float:
    """Wait for the end of all that have the command's output; the wrapper has left it to them."""
    began = time.monotonic()
    assert process.stdout is not None
    while select.select([process.stdout], [], [], 10 * LEASE_S)[0]:
        if not os.read(process.stdout.fileno(), 4096):
            return time.monotonic() - began
    process.kill()  # or leaving its block would wait for it
    raise AssertionError("the command works on")
