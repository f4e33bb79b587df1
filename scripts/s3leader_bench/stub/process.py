"""Starts the stub in a process of its own, and controls it."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Self

from local_cloud.child_process import ChildProcess

BUCKET = "locks"
_PASSED_ON = ("PATH", "LANG", "LD_LIBRARY_PATH")


class Stub:
    """A stub for as long as a `with` block runs; or a front of another server, at `upstream`."""

    def __init__(self, upstream: str | None = None) -> None:
        command = [sys.executable, "-m", "s3leader_bench.stub", "{parent_pipe}"]
        command += [] if upstream is None else [upstream]
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self._process = ChildProcess(
            command,
            env={**kept, "PYTHONPATH": os.pathsep.join(sys.path)},
            cwd=Path.cwd(),
            output=subprocess.PIPE,
        )
        output = self._process.process.stdout
        assert output is not None  # noqa: S101 - a pipe was asked for
        with output:
            first = output.readline().decode()
            if not first.strip().isdecimal():
                self._process.kill()
                raise RuntimeError(f"the stub did not start: {first}{output.read().decode()}")
        self.endpoint = f"http://127.0.0.1:{first.strip()}"
        self._control = http.client.HTTPConnection("127.0.0.1", int(first), timeout=60)
        self._one_at_a_time = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._control.close()
        self._process.kill()

    @property
    def env(self) -> dict[str, str]:
        """The variables that point an AWS client at this server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def counts(self, sender: str | None = None) -> Counter[str]:
        """Return the requests by kind since the last call.

        With a `sender`, an access key id, only those that it signed; those of others are kept.
        """
        return Counter(json.loads(self._send("counts", sender=sender)))

    def set_round_trip(self, milliseconds: float) -> None:
        """Delay each answer, each new connection and each `100 Continue` by that much."""
        self._send("round_trip", seconds=milliseconds / 1000)

    def generate(self, kind: str, prefix: str, last: int, *, bucket: str = BUCKET) -> None:
        """Let a bucket have `last` objects of a kind below `prefix` (see `generated.py`)."""
        self._send("generate", bucket=bucket, kind=kind, prefix=prefix, last=last)

    def age(self, key: str, seconds: float) -> None:
        """Make an object older."""
        self._send("age", bucket=BUCKET, key=key, seconds=seconds)

    def forget(self, bucket: str = BUCKET) -> None:
        """Empty a bucket."""
        self._send("forget", bucket=bucket)

    def _send(self, what: str, **values: object) -> bytes:
        with self._one_at_a_time:
            self._control.request("POST", f"/-/{what}", json.dumps(values))
            answer = self._control.getresponse()
            body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"the stub answered {answer.status} to {what}: {body.decode()}")
        return body
