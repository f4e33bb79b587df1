"""A server that answers with scripted bytes, and a store that sends its requests there."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest

from s3leader._io.boto3_client import make_boto3_client
from s3leader._io.s3_client import StoreClient, default_client
from s3leader._io.s3_store import S3Store
from tests.contract.s3_store.misbehaving_s3 import MisbehavingS3, misbehaving_s3
from tests.contract.servers import Server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def server() -> Iterator[MisbehavingS3]:
    with misbehaving_s3() as running:
        yield running


@pytest.fixture
def s3(server: MisbehavingS3, monkeypatch: pytest.MonkeyPatch) -> MisbehavingS3:
    """The server, which clients that a store makes for itself find by the environment."""
    for name, value in Server(server.endpoint).env.items():
        monkeypatch.setenv(name, value)
    server.forget()
    return server


@pytest.fixture(scope="session", params=["http", "boto3"])
def client(server: MisbehavingS3, request: pytest.FixtureRequest) -> StoreClient:
    """The client that a store makes for itself, and boto3's; made once, as that is slow."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in Server(server.endpoint).env.items():
            environment.setenv(name, value)
        if request.param == "http":
            return default_client(timedelta(seconds=10), "us-east-1")
        return cast("StoreClient", make_boto3_client(10, "us-east-1"))


@pytest.fixture
def store(s3: MisbehavingS3, client: StoreClient) -> S3Store:
    return S3Store("locks", client=client)
