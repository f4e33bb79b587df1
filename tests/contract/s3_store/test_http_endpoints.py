"""The HTTP client sends each request where boto3 sends it, and signs it for the same Region."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import BotoCoreError
from botocore.loaders import JSONFileLoader

from s3leader import InvalidArgument
from s3leader._io.boto3_client import make_boto3_client
from s3leader._io.http_client import HttpS3Client
from s3leader._io.http_settings import find_settings, is_plain
from s3leader._io.s3_client import default_client
from s3leader._io.s3_region import choose_region
from s3leader._io.s3_store import S3Store
from tests.contract.s3_store.environments import config_file, only

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from s3leader._io.s3_client import StoreClient

BUCKETS = [
    "locks",
    "my.locks-2",
    "Legacy_Bucket",
    "192.168.5.4",
    "locks-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias",
    "arn:aws:s3:eu-west-1:111122223333:accesspoint/locks",
    "arn:aws-cn:s3:cn-north-1:111122223333:accesspoint:locks",
]
SCOPE = re.compile(r"Credential=\w+/\d+/([\w-]+/[\w-]+)/aws4_request")


@pytest.fixture(scope="module", autouse=True)
def _data_read_once() -> Iterator[None]:
    """Let all clients share the data that botocore would read again for each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", cache(JSONFileLoader.load_file))
        yield


class SentError(Exception):
    """Stands for sending a request; it holds where to, and what it is signed for."""


def where(client: Any, bucket: str) -> str:
    """Return where the client sends a request for a key of `bucket`, or the error it gets."""

    def send(request: Any, **_: object) -> None:
        signed = request.headers["Authorization"]
        scope = SCOPE.search(signed if isinstance(signed, str) else signed.decode())
        assert scope is not None
        raise SentError(f"{request.url} {scope[1]}")

    if isinstance(client, HttpS3Client):
        setattr(client._http, "send", send)  # noqa: B010 - mypy forbids to replace a method
    else:
        client.meta.events.register("before-send.s3", send)
    try:
        client.get_object(Bucket=bucket, Key="a b/(ü)~")
    except SentError as sent:
        return str(sent)
    except BotoCoreError as refused:
        # boto3 renames the ruleset's errors; both are refusals before anything is sent.
        return str(refused).rpartition(": ")[2]
    raise AssertionError("expected a request to be sent")


def clients() -> tuple[StoreClient, Any]:
    """Return the client of a store, and boto3's, in this environment."""
    region = choose_region(None).name
    settings = find_settings(region)
    assert settings is not None
    return HttpS3Client(settings, 1), make_boto3_client(1, region)


ENVIRONMENTS: dict[str, dict[str, str]] = {
    "ireland": {"AWS_DEFAULT_REGION": "eu-west-1"},
    "AWS_REGION alone": {"AWS_REGION": "eu-west-1"},
    "virginia, by the global endpoint": {"AWS_DEFAULT_REGION": "us-east-1"},
    "virginia, by its own": {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "regional",
    },
    "virginia, by the mode of defaults": {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_DEFAULTS_MODE": "standard",
    },
    "no Region": {},
    "a Region that is not known yet": {"AWS_DEFAULT_REGION": "eu-north-9"},
    "China": {"AWS_DEFAULT_REGION": "cn-north-1"},
    "GovCloud": {"AWS_DEFAULT_REGION": "us-gov-west-1"},
    "an isolated partition": {"AWS_DEFAULT_REGION": "us-iso-east-1"},
    "FIPS": {"AWS_DEFAULT_REGION": "us-west-2", "AWS_USE_FIPS_ENDPOINT": "true"},
    "FIPS in virginia": {"AWS_DEFAULT_REGION": "us-east-1", "AWS_USE_FIPS_ENDPOINT": "true"},
    "FIPS in GovCloud": {"AWS_DEFAULT_REGION": "us-gov-east-1", "AWS_USE_FIPS_ENDPOINT": "true"},
    "dual-stack": {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
    "dual-stack in virginia": {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
    },
    "dual-stack in China": {
        "AWS_DEFAULT_REGION": "cn-northwest-1",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
    },
    "FIPS and dual-stack": {
        "AWS_DEFAULT_REGION": "us-west-2",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
    },
    "ARNs of other Regions refused": {
        "AWS_DEFAULT_REGION": "us-west-2",
        "AWS_S3_USE_ARN_REGION": "false",
    },
    "an endpoint": {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9000",
    },
    "an endpoint for S3 before another, with a path": {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9000",
        "AWS_ENDPOINT_URL_S3": "https://minio.example.com/storage/",
    },
    "an endpoint without Region": {"AWS_ENDPOINT_URL_S3": "https://minio.example.com"},
    "an endpoint and FIPS": {
        "AWS_DEFAULT_REGION": "us-west-2",
        "AWS_ENDPOINT_URL": "https://minio.example.com",
        "AWS_USE_FIPS_ENDPOINT": "true",
    },
    "an accelerated endpoint": {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_S3": "https://s3-accelerate.amazonaws.com",
    },
    "an interface endpoint": {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_S3": "https://bucket.vpce-1a2b-5c.s3.eu-west-1.vpce.amazonaws.com",
    },
    "endpoints ignored": {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9000",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    },
}
PROFILES: dict[str, str] = {
    "a partition's global Region": "region = aws-cn-global\n",
    "a profile's Region": "region = ap-south-1\n",
    "a profile's endpoint": "region = eu-west-1\nendpoint_url = https://one.example.com\n",
    "a service's endpoint": (
        "region = eu-west-1\nservices = mine\nendpoint_url = https://one.example.com\n"
        "[services mine]\ns3 =\n  endpoint_url = https://two.example.com\n"
    ),
    "a profile that ignores endpoints": (
        "region = eu-west-1\nendpoint_url = https://one.example.com\n"
        "ignore_configured_endpoint_urls = true\n"
    ),
    "path style": "region = eu-west-1\ns3 =\n  addressing_style = path\n",
    "virtual hosts": "region = eu-west-1\ns3 =\n  addressing_style = virtual\n",
    "virtual hosts of an endpoint": (
        "region = eu-west-1\nendpoint_url = https://one.example.com\n"
        "s3 =\n  addressing_style = virtual\n"
    ),
    "FIPS": "region = us-west-2\nuse_fips_endpoint = true\n",
    "dual-stack for S3 alone": "region = us-west-2\ns3 =\n  use_dualstack_endpoint = true\n",
    "no dual-stack for S3": (
        "region = us-west-2\nuse_dualstack_endpoint = true\n"
        "s3 =\n  use_dualstack_endpoint = false\n"
    ),
    "acceleration": "region = us-west-2\ns3 =\n  use_accelerate_endpoint = true\n",
    "virginia by its own": "region = us-east-1\ns3 =\n  us_east_1_regional_endpoint = regional\n",
}


@pytest.mark.parametrize("variables", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_variables_lead_to_where_boto3_sends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variables: dict[str, str]
) -> None:
    only(monkeypatch, tmp_path, **variables)
    ours, boto3s = clients()
    assert [where(ours, bucket) for bucket in BUCKETS] == [
        where(boto3s, bucket) for bucket in BUCKETS
    ]
    assert ours.meta.partition == boto3s.meta.partition
    if "aws-global" not in boto3s.meta.endpoint_url:  # with FIPS: a host that does not exist
        assert ours.meta.endpoint_url == boto3s.meta.endpoint_url


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_a_profile_leads_to_where_boto3_sends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile: str
) -> None:
    only(monkeypatch, tmp_path)
    config_file(tmp_path, profile)
    ours, boto3s = clients()
    assert [where(ours, bucket) for bucket in BUCKETS] == [
        where(boto3s, bucket) for bucket in BUCKETS
    ]


def test_a_partition_without_fips_is_refused_when_the_store_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """boto3 refuses the first request."""
    only(monkeypatch, tmp_path, AWS_DEFAULT_REGION="cn-north-1", AWS_USE_FIPS_ENDPOINT="true")
    with pytest.raises(InvalidArgument, match="Partition does not support FIPS"):
        S3Store("locks")


BOTO3_ALONE = {
    "another signer": "region = eu-west-1\nauth_scheme_preference = sigv4a\n",
    "an unknown setting of S3": "region = eu-west-1\ns3 =\n  signature_version = s3\n",
    "a Region's FIPS name": "region = fips-us-gov-west-1\n",
    "other data": "region = eu-west-1\ndata_path = /opt/models\n",
}


@pytest.mark.parametrize("profile", BOTO3_ALONE.values(), ids=BOTO3_ALONE)
def test_what_only_boto3_understands_is_left_to_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile: str
) -> None:
    only(monkeypatch, tmp_path)
    config_file(tmp_path, profile)
    assert not isinstance(default_client(timedelta(seconds=1), None), HttpS3Client)


@pytest.mark.parametrize(
    ("variables", "plain"),
    [
        ({"AWS_DEFAULT_REGION": "eu-west-1", "AWS_SESSION_TOKEN": "t"}, True),
        ({"AWS_LAMBDA_FUNCTION_NAME": "job", "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR"}, True),
        ({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000"}, True),
        ({"AWS_ACCESS_KEY_ID": ""}, False),
        ({"AWS_PROFILE": "default"}, False),
        ({"AWS_USE_FIPS_ENDPOINT": "true"}, False),
        ({"AWS_SETTING_OF_A_LATER_BOTOCORE": "x"}, False),
        ({"BOTO_CONFIG": "/etc/boto.cfg"}, False),
    ],
)
def test_only_an_environment_of_known_variables_is_read_without_a_session(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variables: dict[str, str],
    plain: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    only(monkeypatch, tmp_path, **variables)
    assert is_plain(os.environ) is plain


@pytest.mark.parametrize("file", ["config", "credentials", "models"])
def test_an_environment_with_a_configuration_is_read_by_a_session(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: str
) -> None:
    only(monkeypatch, tmp_path)
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / file).write_text("")
    assert not is_plain(os.environ)


def test_a_user_without_a_home_has_no_configuration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As in a container that runs as a user it does not know."""

    def unknown(_: int) -> object:
        raise KeyError

    only(monkeypatch, tmp_path)
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert is_plain(os.environ)
