"""The URL of a bucket, by S3's own rules: the ruleset that boto3 also ships and follows.

The ruleset knows virtual-host and path style, FIPS, dual-stack, all partitions and access points.
What is done here is what `botocore.args` and `botocore.handlers` do before they evaluate it. To
load it takes 15 ms of CPU, a tenth of a cold process's first win, so the two URLs that nearly all
buckets have are formed without it. `tests/contract/s3_store/test_http_endpoints.py` compares each
result with boto3's.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from botocore.exceptions import UnknownSignatureVersionError
from botocore.loaders import Loader
from botocore.utils import (
    is_s3_accelerate_url,
    is_valid_endpoint_url,
    is_valid_ipv6_endpoint_url,
    validate_region_name,
)

if TYPE_CHECKING:
    from botocore.endpoint_provider import EndpointProvider

    from .http_settings import HttpSettings

# With its version, or the loader would list the folders of all services, which takes 15 ms.
_RULESET: Final = "s3/2006-03-01/endpoint-rule-set-1"
_GLOBAL: Final = "aws-global"  # the Region of the endpoint that has none in its name
# A host label, without the suffixes (--x-s3 and others) that S3's rules know.
_ORDINARY: Final = re.compile(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


class Endpoint(NamedTuple):
    """`url` is that of the bucket, if one was given. `region` and `service` are to sign for."""

    url: str
    region: str
    service: str = "s3"


class Endpoints:
    """Resolves the endpoints of one client's settings."""

    def __init__(self, settings: HttpSettings) -> None:
        region = settings.region
        if region is not None:
            validate_region_name(region)
        own = settings.endpoint_url
        if own and not (is_valid_endpoint_url(own) or is_valid_ipv6_endpoint_url(own)):
            raise ValueError(f"Invalid endpoint: {own}; give a URL, such as https://{own}")
        self._settings = settings
        regional = settings.s3.get("us_east_1_regional_endpoint") == "regional"
        if region is None or (region == "us-east-1" and not regional):
            region = _GLOBAL
        self._region = region
        self._resolved: dict[tuple[str | None, str], Endpoint] = {}

    def resolve(self, bucket: str | None, region: str | None = None) -> Endpoint:
        """Return the endpoint of `bucket`, or of the Region without one.

        `region` is where the bucket is, if S3 has said so. Raises an error of botocore's if the
        settings do not fit each other or the bucket.
        """
        asked = bucket, region or self._region
        if asked not in self._resolved:
            self._resolved[asked] = self._usual(*asked) or self._by_rules(*asked)
        return self._resolved[asked]

    @cached_property
    def partition(self) -> str:
        """The name of the Region's partition, such as aws-cn."""
        from botocore.endpoint_provider import RuleSetStandardLibrary  # noqa: PLC0415 - for errors

        library = RuleSetStandardLibrary(self._partitions)
        name: str = library.aws_partition(self._region)["name"]
        return name

    def _usual(self, bucket: str | None, region: str) -> Endpoint | None:
        """Return what the rules say where nothing special is asked for; None elsewhere."""
        settings = self._settings
        ordinary = bucket is None or _ORDINARY.fullmatch(bucket)
        if settings.s3 or settings.fips or settings.dual_stack or not ordinary:
            return None
        signed_for = "us-east-1" if region == _GLOBAL else region
        if settings.endpoint_url is not None:
            own = urlsplit(settings.endpoint_url)
            plain = own.scheme in {"http", "https"} and own.path in {"", "/"} and own.hostname
            if not plain or own.query or "amazonaws" in own.netloc:
                return None
            path = "" if bucket is None else f"/{bucket}"
            return Endpoint(f"{own.scheme}://{own.netloc}{path}", signed_for)
        host = "s3" if region == _GLOBAL else f"s3.{region}"
        label = "" if bucket is None else f"{bucket}."
        for partition in self._partitions["partitions"]:
            if region in partition["regions"]:
                suffix = partition["outputs"]["dnsSuffix"]
                return Endpoint(f"https://{label}{host}.{suffix}", signed_for)
        return None

    @cached_property
    def _partitions(self) -> dict[str, Any]:
        data: dict[str, Any] = Loader().load_data("partitions")
        return data

    @cached_property
    def _provider(self) -> EndpointProvider:
        from botocore.endpoint_provider import EndpointProvider  # noqa: PLC0415 - see above

        return EndpointProvider(Loader().load_data(_RULESET), self._partitions)

    def _by_rules(self, bucket: str | None, region: str) -> Endpoint:
        given = {"Region": region, "Bucket": bucket, "Endpoint": self._settings.endpoint_url}
        answer = self._provider.resolve_endpoint(
            **{name: value for name, value in given.items() if value is not None},
            **self._switches(is_arn=bucket is not None and bucket.startswith("arn:")),
        )
        for scheme in answer.properties.get("authSchemes", ()):
            if scheme["name"] == "sigv4":
                return Endpoint(answer.url, scheme["signingRegion"], scheme["signingName"])
        raise UnknownSignatureVersionError(signature_version=str(answer.properties))

    def _switches(self, *, is_arn: bool) -> dict[str, bool]:
        settings = self._settings
        own, s3 = settings.endpoint_url, settings.s3
        accelerate = s3.get("use_accelerate_endpoint") or False
        if accelerate or is_arn:
            path = False
        elif own is not None and not is_s3_accelerate_url(own):
            path = s3.get("addressing_style") != "virtual"
        else:
            path = s3.get("addressing_style") == "path"
        return {
            "UseFIPS": settings.fips and own is None,
            "UseDualStack": settings.dual_stack and own is None,
            "Accelerate": accelerate,
            "ForcePathStyle": path,
            "UseGlobalEndpoint": False,  # "aws-global" says it
            "UseArnRegion": s3.get("use_arn_region", True),
            "DisableMultiRegionAccessPoints": False,
        }
