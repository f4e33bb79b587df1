"""What `doctor` asks S3 about a bucket, each answer as plain data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from s3leader import BucketOptions, S3LeaderError
from s3leader._core.requests import List, Unknown
from s3leader._io.s3_store import S3Store
from s3leader.errors import without_credentials
from s3leader_cli.check.doctor.bucket import Condition, Listed, Probe
from s3leader_cli.check.doctor.findings import Reading
from s3leader_cli.report import advice

from .clients import client, s3_arn
from .failures import DENIED

_IMPOSSIBLE: Final = f'"{"0" * 32}"'
_SUPERSEDED: Final = {"TagSet": [{"Key": "superseded", "Value": "true"}]}
_UNSET = frozenset(
    {
        "NoSuchLifecycleConfiguration",
        "NoSuchBucketPolicy",
        "ServerSideEncryptionConfigurationNotFoundError",
        "NoSuchPublicAccessBlockConfiguration",
        "ObjectLockConfigurationNotFoundError",
        "NoSuchKey",
    }
)


class S3ExaminedBucket:
    """A bucket on S3; every request carries what the candidates' carry."""

    def __init__(self, bucket: str, options: BucketOptions) -> None:
        """Make the client; nothing is sent yet."""
        self.client: Any = client("s3", options.region)
        self.region: str | None = self.client.meta.region_name
        self.arn = s3_arn(self.client, bucket)
        self._always = {"Bucket": bucket, **options.for_every_request()}
        self._on_put, self._options = options.for_writes(), options

    @property
    def endpoint(self) -> str:
        """The address that requests go to."""
        return without_credentials(self.client.meta.endpoint_url)

    def reachable(self) -> Reading:
        """Ask for the bucket itself; a failure is described as the other commands describe it."""
        found = self._read("s3:ListBucket", lambda: self.client.head_bucket(**self._always))
        return found if found.failed is None else replace(found, failed=self._cause(found.failed))

    def _cause(self, failed: str) -> str:
        """Return why the bucket cannot be reached: a HEAD's answer has a number and no text."""
        try:
            answer = S3Store(self._always["Bucket"], options=self._options).perform(List("lock_"))
        except S3LeaderError as error:
            return advice(error)
        return answer.cause if isinstance(answer, Unknown) else failed

    def settings(self) -> dict[str, Reading]:
        """Read each setting."""
        s3 = self.client
        reads: dict[str, tuple[str, Any, Callable[[Any], Any]]] = {
            "region": ("s3:GetBucketLocation", s3.get_bucket_location, _location),
            "lifecycle": (
                "s3:GetLifecycleConfiguration",
                s3.get_bucket_lifecycle_configuration,
                lambda got: got.get("Rules", []),
            ),
            "policy": (
                "s3:GetBucketPolicy",
                s3.get_bucket_policy,
                lambda got: json.loads(got["Policy"]),
            ),
            "versioning": (
                "s3:GetBucketVersioning",
                s3.get_bucket_versioning,
                lambda got: got.get("Status"),
            ),
            "encryption": ("s3:GetEncryptionConfiguration", s3.get_bucket_encryption, _encryption),
            "public access": (
                "s3:GetBucketPublicAccessBlock",
                s3.get_public_access_block,
                lambda got: got["PublicAccessBlockConfiguration"],
            ),
            "object lock": (
                "s3:GetBucketObjectLockConfiguration",
                s3.get_object_lock_configuration,
                lambda got: got.get("ObjectLockConfiguration"),
            ),
        }
        return {
            name: self._read(action, partial(call, **self._always), take)
            for name, (action, call, take) in reads.items()
        }

    def may_list(self, prefix: str) -> Reading:
        """List one key."""
        return self._read(
            "s3:ListBucket",
            lambda: self.client.list_objects_v2(**self._always, Prefix=prefix, MaxKeys=1),
        )

    def keys(self, prefix: str) -> Iterator[Listed]:
        """List all keys; one request for each 1,000."""
        pages = self.client.get_paginator("list_objects_v2").paginate(**self._always, Prefix=prefix)
        for page in pages:
            for each in page.get("Contents", []):
                yield Listed(key=each["Key"], written=each["LastModified"])

    def body(self, key: str) -> Reading:
        """Read an object."""
        return self._read(
            "s3:GetObject",
            lambda: self.client.get_object(**self._always, Key=key),
            lambda got: got["Body"].read(),
        )

    def tags(self, key: str) -> Reading:
        """Read the tags of an object."""
        return self._read(
            "s3:GetObjectTagging",
            lambda: self.client.get_object_tagging(**self._always, Key=key),
            lambda got: {each["Key"]: each["Value"] for each in got["TagSet"]},
        )

    def probe_put(self, key: str, body: bytes, condition: Condition) -> Probe:
        """Send a body that is there already, with a condition that does not hold."""
        value = {"If-Match": {"IfMatch": _IMPOSSIBLE}, "If-None-Match": {"IfNoneMatch": "*"}}
        return _probed(
            lambda: self.client.put_object(
                **self._always, Key=key, Body=body, ContentType="application/json",
                **self._on_put, **value[condition],
            )
        )  # fmt: skip

    def probe_tag(self, key: str) -> Probe:
        """Tag a key at which there is no object."""
        return _probed(
            lambda: self.client.put_object_tagging(**self._always, Key=key, Tagging=_SUPERSEDED)
        )

    def _read(
        self, action: str, call: Callable[[], Any], take: Callable[[Any], Any] = lambda got: got
    ) -> Reading:
        try:
            return Reading(value=take(call()))
        except ClientError as error:
            code, _ = _code(error)
            if code in _UNSET:
                return Reading()
            return Reading(denied=action) if code in DENIED else Reading(failed=str(error))
        except (BotoCoreError, ValueError) as error:
            return Reading(failed=str(error))


def _probed(call: Callable[[], Any]) -> Probe:
    try:
        call()
    except ClientError as error:
        code, status = _code(error)
        if code in DENIED:
            return Probe(result="denied")
        refused = {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.NOT_FOUND}
        if status in refused or code == "PreconditionFailed":
            return Probe(result="refused")
        return Probe(result="unclear", cause=str(error))
    except BotoCoreError as error:
        return Probe(result="unclear", cause=str(error))
    return Probe(result="applied")


def _code(error: ClientError) -> tuple[str, int]:
    response: Mapping[str, Any] = error.response
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return str(response.get("Error", {}).get("Code", "")) or str(status), status


def _location(got: Mapping[str, Any]) -> str:
    return {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}.get(
        got.get("LocationConstraint"), str(got.get("LocationConstraint"))
    )


def _encryption(got: Mapping[str, Any]) -> tuple[str, str | None]:
    rule = got["ServerSideEncryptionConfiguration"]["Rules"][0]
    default = rule["ApplyServerSideEncryptionByDefault"]
    return default["SSEAlgorithm"], default.get("KMSMasterKeyID")
