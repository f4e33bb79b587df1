"""A server that answers with scripted bytes, and a store that sends its requests there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from s3leader._io.s3_store import S3Store
from tests.contract.s3_store.misbehaving_s3 import MisbehavingS3, misbehaving_s3

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="session")
def server() -> Iterator[MisbehavingS3]:
    with misbehaving_s3() as running:
        yield running


@pytest.fixture
def s3(server: MisbehavingS3) -> MisbehavingS3:
    server.forget()
    return server


@pytest.fixture(scope="session")
def client(server: MisbehavingS3) -> S3Client:
    return server.client()


@pytest.fixture
def store(s3: MisbehavingS3, client: S3Client) -> S3Store:
    return S3Store("locks", client=client)
