"""What the recipes of `docs/recipes.md` do after an error that only a person can correct."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.examples.test_services import SERVICES, SOON_S

HYPERCORN = ["hypercorn", "--bind", "127.0.0.1:0"]
SERVERS = {
    "hypercorn": [*HYPERCORN, "application:create()"],
    "hypercorn, in one process": [*HYPERCORN, "--workers", "0", "application:create()"],
}
if importlib.util.find_spec("uvicorn"):
    SERVERS["uvicorn"] = ["uvicorn", "--port", "0", "--factory", "application:create"]

# Nothing goes wrong before the server has answered a request.
APPLICATION = """
import asyncio, pathlib, sys, threading
sys.path.insert(0, {services!r})
import fastapi_app
from s3leader import BucketUnusable, testing

answered, fault = threading.Event(), {fault!r}

class Store(testing.MemoryStore):
    def perform(self, request):
        answered.wait()
        if fault == "BucketUnusable":
            raise BucketUnusable("denied", action="s3:PutObject", resource="locks", code="403")
        if getattr(request, "body", None):
            pathlib.Path("lock.json").write_bytes(request.body)
        return super().perform(request)

async def poll(term, stop):
    print("the work begins", flush=True)
    if fault == "ValueError":
        raise ValueError("of the job")
    await stop.wait()

def create():
    fastapi_app.poll = poll
    app = fastapi_app.create_app(testing.async_election(store=Store()))

    @app.get("/")
    def answer() -> str:
        answered.set()
        return "served"

    return app
"""


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> list[str]:
    return [sys.executable, "-m", *SERVERS[request.param]]


@contextmanager
def serving(server: list[str], folder: Path, fault: str | None) -> Iterator[subprocess.Popen[str]]:
    """Start a server, and have it answer a request; end it after `SOON_S` at the latest."""
    text = APPLICATION.format(services=str(SERVICES), fault=fault)
    (folder / "application.py").write_text(text)
    path = os.pathsep.join([str(folder), *filter(None, sys.path)])
    with subprocess.Popen(
        server, cwd=folder, env={**os.environ, "PYTHONPATH": path}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    ) as process:  # fmt: skip
        watchdog = threading.Timer(SOON_S, os.killpg, (process.pid, signal.SIGKILL))
        watchdog.start()
        try:
            port = line_with(process, r"http://127\.0\.0\.1:(\d+)")
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with suppress(ConnectionError):  # hypercorn's worker may end before its answer is sent
                opener.open(f"http://127.0.0.1:{port}/", timeout=SOON_S).close()
            yield process
            assert not watchdog.finished.is_set(), f"the server still ran after {SOON_S} seconds"
        finally:
            watchdog.cancel()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def line_with(process: subprocess.Popen[str], pattern: str) -> str:
    """Read until a line has the pattern; return its first group, or all of it."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if found := re.search(pattern, line):
            return found[found.re.groups and 1]
    raise AssertionError("".join(lines))


@pytest.mark.parametrize("fault", ["BucketUnusable", "ValueError"])
def test_a_fastapi_server_ends_when_its_replica_can_no_longer_campaign(
    server: list[str], fault: str, tmp_path: Path
) -> None:
    with serving(server, tmp_path, fault) as process:
        output, _ = process.communicate()
    assert re.search(rf"^\S*{fault}: ", output, re.MULTILINE), output


def test_a_fastapi_server_resigns_on_sigterm(server: list[str], tmp_path: Path) -> None:
    with serving(server, tmp_path, None) as process:
        line_with(process, "the work begins")
        process.terminate()
        process.communicate()
    assert '"outcome":"completed"' in (tmp_path / "lock.json").read_text().replace(" ", "")
