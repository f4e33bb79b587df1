"""boto3 clients of services other than S3's locks, which the library reaches by itself."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config


def client(service: str, region: str | None = None, **options: Any) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    """Return a client; the profile, the endpoint and else the Region are as boto3 finds them.

    `options` are those of botocore's `Config`, such as `read_timeout` in seconds.
    """
    config = Config(
        retries={"mode": "standard"}, **{"connect_timeout": 5, "read_timeout": 20} | options
    )
    factory: Any = boto3.session.Session().client  # boto3.client shares state between threads
    return factory(service, region_name=region, config=config)
