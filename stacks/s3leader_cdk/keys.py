"""The KMS key of a lock bucket, and the encryption header that candidates send."""

from __future__ import annotations

from typing import Literal

from aws_cdk import Token
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

EncryptionHeader = Literal["AES256", "aws:kms", "aws:kms:dsse"]
_HEADERS = ("AES256", "aws:kms", "aws:kms:dsse")


def usable_key(key: kms.IKey | None, bucket: s3.IBucket) -> kms.IKey | None:
    """Return the key to grant, never an alias; raise `ValueError` if the key is not known."""
    if isinstance(key, kms.Alias):
        key = key.alias_target_key
    if key is None:
        return None
    # IAM accepts a statement with an alias's ARN as resource, but it grants nothing.
    if ":alias/" in key.key_arn or "alias/" in str(getattr(key, "alias_name", "")):
        raise ValueError(
            f"key {key.node.path} is an alias, and permissions on an alias do not grant its key:"
            " import the key itself, Key.from_key_arn(…)"
        )
    key_region, bucket_region = key.env.region, bucket.env.region
    known = not Token.is_unresolved(key_region) and not Token.is_unresolved(bucket_region)
    if known and key_region != bucket_region:
        raise ValueError(
            f"key {key.node.path} is in {key_region}, but bucket {bucket.node.path} is in"
            f" {bucket_region}: S3 encrypts with keys of the bucket's own Region"
        )
    return key


def checked_header(header: str | None, key: kms.IKey | None) -> str | None:
    """Return `header` if it is valid together with `key`, else raise `ValueError`."""
    if header is None or (header in _HEADERS and (header == "AES256") is (key is None)):
        return header
    if header not in _HEADERS:
        raise ValueError(
            f"encryption_header {header!r} cannot be used: give one of {', '.join(_HEADERS)}"
        )
    if key is None:
        raise ValueError(
            f"encryption_header {header!r} needs a key to grant: give encryption_key,"
            " or use 'AES256'"
        )
    raise ValueError(
        f"encryption_header 'AES256' was given beside key {key.node.path}, which S3"
        " would then not use: give 'aws:kms' or 'aws:kms:dsse', or omit encryption_key"
    )
