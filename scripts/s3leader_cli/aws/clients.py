"""boto3 clients of services other than S3's locks, which the library reaches by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
import botocore.session
import click
from botocore.config import Config
from botocore.exceptions import BotoCoreError, UnknownRegionError


def client(service: str, region: str | None = None, **options: Any) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    """Return a client; the profile, the endpoint and else the Region are as boto3 finds them.

    `options` are those of botocore's `Config`, such as `read_timeout` in seconds.
    """
    factory: Any = _boto3().client
    with _usable_settings():
        return factory(service, region_name=region, config=_config(options))


def clients(service: str, regions: Iterable[str]) -> dict[str, Any]:
    """Return a client for each Region; together they take little longer to make than one."""
    factory: Any = _boto3().client
    with _usable_settings():
        return {each: factory(service, region_name=each, config=_config({})) for each in regions}


def default_region() -> str | None:
    """Return the Region that boto3 uses if none is given."""
    known = _boto3()
    with _usable_settings():
        return known.region_name


def regions_beside(region: str, service: str) -> list[str]:
    """Return all Regions of the same partition that have a service, this one first."""
    known = _boto3()
    with _usable_settings():
        partition = known.get_partition_for_region(region)
    names = known.get_available_regions(service, partition_name=partition)
    return [region, *(each for each in names if each != region)]


def arn(service: str, region: str, rest: str) -> str:
    """Return an ARN of any account, for a policy's statement."""
    try:
        partition = _boto3().get_partition_for_region(region)
    except UnknownRegionError:  # newer than this boto3
        partition = "aws"
    return f"arn:{partition}:{service}:{region}:*:{rest}"


def s3_arn(s3: Any, bucket: str, key: str = "") -> str:  # noqa: ANN401 - a client
    """Return the ARN of a bucket or an object, in the partition of the client `s3`."""
    found = bucket if bucket.startswith("arn:") else f"arn:{s3.meta.partition}:s3:::{bucket}"
    return f"{found}/{key}" if key else found


def _boto3() -> boto3.session.Session:
    """Return a new boto3 session, since threads must not share one.

    It shares the descriptions of services, which take most of the time to make a client.
    """
    with _usable_settings():
        core = botocore.session.Session()
        core.register_component("data_loader", _loader())
        return boto3.session.Session(botocore_session=core)


@contextmanager
def _usable_settings() -> Iterator[None]:
    """Raise `ClickException` for a profile, a Region or an endpoint that boto3 cannot use."""
    try:
        yield
    except (BotoCoreError, ValueError) as error:
        raise click.ClickException(
            f"boto3 can make no client from these settings: {str(error).rstrip('.')}. Check"
            " --profile, --region and --endpoint-url, and the variables AWS_PROFILE,"
            " AWS_DEFAULT_REGION and AWS_ENDPOINT_URL"
        ) from error


@cache
def _loader() -> object:
    return botocore.session.Session().get_component("data_loader")


def _config(options: dict[str, Any]) -> Config:
    usual: dict[str, Any] = {
        "retries": {"mode": "standard"},
        "connect_timeout": 5,
        "read_timeout": 20,
    }
    return Config(**usual | options)
