"""The wheel, built from the checkout, and a server on loopback to hold elections on."""

import os
from collections.abc import Iterator
from pathlib import Path

# Before jsii starts its Node process, which inherits them.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

import boto3
import pytest

from tests.contract import servers
from tests.wheel.environments import ROOT, build

BUCKET = "locks"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment variables with which an empty bucket named `locks` is found."""
    with servers.ministack(tmp_path_factory.mktemp("ministack")) as server:
        client = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            region_name=server.env["AWS_DEFAULT_REGION"],
            aws_access_key_id=server.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=server.env["AWS_SECRET_ACCESS_KEY"],
        )
        client.create_bucket(Bucket=BUCKET)
        yield server.env
