"""The name of a bucket and what it demands of requests, checked before anything is sent."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from s3leader.errors import BucketUnusable, InvalidArgument

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,255}")  # as botocore, for other servers
_ACCESS_POINT: Final = re.compile(r"arn:[\w-]+:s3:[\w-]+:\d{12}:accesspoint[:/][a-z0-9-]+")
_BUCKET_ARN: Final = re.compile(r"arn:[\w-]+:s3:::(?P<name>[^/]+).*", re.DOTALL)
_URL: Final = re.compile(r"s3[an]?://(?P<name>[^/]+).*", re.DOTALL | re.IGNORECASE)
_ENCRYPTIONS: Final = ("AES256", "aws:kms", "aws:kms:dsse")
_KEY_ARN: Final = re.compile(r"arn:aws[\w-]*:kms:[\w-]+:\d{12}:(?:key|alias)/[\w/-]+")
_ACCOUNT: Final = re.compile(r"\d{12}", re.ASCII)

# Buckets that cannot hold an election: by the suffix of a name or alias, or a part of an ARN.
_UNFIT: Final = {
    "DirectoryBucket": r"--x-s3|--xa-s3|:s3express:",
    "MultiRegionAccessPoint": r"\.mrap",
    "Outposts": r"--op-s3|:s3-outposts:",
    "ObjectLambda": r"--ol-s3|:s3-object-lambda:",
    "FileSystem": r"-ext-s3alias",
    "TableBucket": r"--table-s3|:s3tables:",
}
_UNFIT_REASONS: Final = {
    "DirectoryBucket": "a directory bucket (S3 Express One Zone), whose LIST has no order and no"
    " StartAfter, and whose objects have no tags",
    "MultiRegionAccessPoint": "a Multi-Region Access Point, which names several buckets: each could"
    " elect its own leader",
    "Outposts": "a bucket on Outposts, which does not guarantee conditional writes and a"
    " consistent LIST",
    "ObjectLambda": "an Object Lambda access point, which lets a function change the answers",
    "FileSystem": "an access point to a file system, which is not a bucket",
    "TableBucket": "a table bucket, which stores tables, not objects",
}


def check_bucket(bucket: str) -> None:
    """Raise unless `bucket` names one bucket, or an access point to one, that can hold an election.

    Raises:
        InvalidArgument: it is not a name that boto3 can use.
        BucketUnusable: it names something that is not one strongly consistent bucket.
    """
    if not bucket or not isinstance(bucket, str):
        raise InvalidArgument(
            f"expected the name of a bucket, got {bucket!r}; give one, such as 'locks'"
        )
    for code, pattern in _UNFIT.items():
        if re.search(rf"(?:{pattern})" if ":" in bucket else rf"(?:{pattern})$", bucket):
            raise BucketUnusable(
                f"{bucket} is {_UNFIT_REASONS[code]}. It cannot hold an election: use a general"
                f" purpose bucket.",
                action="s3:ListBucket",
                resource=bucket if bucket.startswith("arn:") else f"arn:aws:s3:::{bucket}",
                code=code,
            )
    if _NAME.fullmatch(bucket) or _ACCESS_POINT.fullmatch(bucket):
        return
    named = _URL.fullmatch(bucket) or _BUCKET_ARN.fullmatch(bucket)
    right = f"'{named['name']}'" if named else "'locks'"
    raise InvalidArgument(
        f"expected a bucket's name, got {bucket!r}; give the name alone, such as {right}, or the"
        f" ARN of an access point"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketOptions:
    """What a bucket demands of requests; nothing by default. Checked when it is made.

    `encryption` ('AES256', 'aws:kms', 'aws:kms:dsse') and `kms_key` (an ARN) are sent with every
    write, `bucket_owner` (the 12 digits of an account) with every request. `region` is the bucket's
    Region where it is not the environment's. `checksum` says whether each write carries a CRC32,
    which buckets with a default Object Lock retention demand; by default, it does where the server
    is Amazon S3.

    Errors also name the variables that the decorator and the command line read them from.
    """

    region: str | None = None
    checksum: bool | None = None
    encryption: str | None = None
    kms_key: str | None = None
    bucket_owner: str | None = None

    def __post_init__(self) -> None:
        if self.encryption is not None and self.encryption not in _ENCRYPTIONS:
            raise InvalidArgument(
                f"expected encryption ($S3LEADER_ENCRYPTION) to be one of"
                f" {', '.join(_ENCRYPTIONS)}, or None for the bucket's default, got"
                f" {self.encryption!r}"
            )
        if self.kms_key is not None and not _KEY_ARN.fullmatch(self.kms_key):
            raise InvalidArgument(
                f"expected kms_key ($S3LEADER_KMS_KEY) to be the key's ARN, such as"
                f" 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-…', got {self.kms_key!r}"
            )
        if self.kms_key is not None and self.encryption in {None, "AES256"}:
            raise InvalidArgument(
                f"expected encryption ($S3LEADER_ENCRYPTION) 'aws:kms' or 'aws:kms:dsse' with"
                f" kms_key ($S3LEADER_KMS_KEY) {self.kms_key!r}, got {self.encryption!r}"
            )
        if self.bucket_owner is not None and not _ACCOUNT.fullmatch(self.bucket_owner):
            raise InvalidArgument(
                f"expected bucket_owner ($S3LEADER_BUCKET_OWNER) to be the 12 digits of an AWS"
                f" account, got {self.bucket_owner!r}"
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> BucketOptions:
        """Return the options that the constructs put into a candidate's environment."""

        def value(name: str) -> str | None:
            return environment.get(f"S3LEADER_{name}") or None

        return cls(
            region=value("REGION"),
            encryption=value("ENCRYPTION"),
            kms_key=value("KMS_KEY"),
            bucket_owner=value("BUCKET_OWNER"),
        )

    def for_every_request(self) -> dict[str, str]:
        """Return the arguments that make S3 refuse a bucket of another account."""
        return {} if self.bucket_owner is None else {"ExpectedBucketOwner": self.bucket_owner}

    def for_writes(self) -> dict[str, str]:
        """Return the arguments of PutObject."""
        given = {"ServerSideEncryption": self.encryption, "SSEKMSKeyId": self.kms_key}
        return {name: value for name, value in given.items() if value is not None}
