"""The KMS key of a lock bucket, and the encryption header that candidates send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from s3leader_cdk._cdk_facts import resource_of, stack_of
from s3leader_cdk._permissions.principals import known_to_differ

EncryptionHeader = Literal["AES256", "aws:kms", "aws:kms:dsse"]
_HEADERS = ("AES256", "aws:kms", "aws:kms:dsse")
_MANAGED = "alias/aws/s3"


def usable_key(key: kms.IKey | None, bucket: s3.IBucket) -> kms.IKey | None:
    """Return the key to grant, never an alias; raise `ValueError` if the key is not known."""
    if isinstance(key, kms.Alias):
        key = key.alias_target_key
    if key is None:
        _check_no_other_key(bucket)
        return None
    # IAM accepts a statement with an alias's ARN as resource, but it grants nothing.
    if ":alias/" in key.key_arn or "alias/" in str(getattr(key, "alias_name", "")):
        raise ValueError(
            f"key {key.node.path} is an alias, and permissions on an alias grant no access to its"
            " key: import the key itself, Key.from_key_arn(…)"
        )
    key_region, bucket_region = key.env.region, bucket.env.region
    if known_to_differ(key_region, bucket_region):
        raise ValueError(
            f"key {key.node.path} is in {key_region}, but bucket {bucket.node.path} is in"
            f" {bucket_region}: give a key in the bucket's Region"
        )
    return key


def is_encrypted_by_aws_managed_key(bucket: s3.IBucket) -> bool:
    """Return whether `bucket`, if this app makes it, encrypts with `aws/s3` by default.

    Any principal of the bucket's account can use that key through S3, and no other account can.
    """
    rule = _default_encryption(bucket)
    named = str(rule.get("kmsMasterKeyId", _MANAGED))
    return _is_kms(rule) and named.endswith(_MANAGED)


def _check_no_other_key(bucket: s3.IBucket) -> None:
    """Raise `ValueError` if the CfnBucket names a KMS key that the Bucket does not know."""
    if _is_kms(_default_encryption(bucket)) and not is_encrypted_by_aws_managed_key(bucket):
        raise ValueError(
            f"the CfnBucket of bucket {bucket.node.path} names a KMS key that the Bucket does not"
            " know, so no permission on it could be granted: give encryption_key, such as"
            " Key.from_key_arn(…), to the Bucket, or to the LockBucket of an imported bucket"
        )


def _is_kms(rule: Mapping[str, Any]) -> bool:
    return str(rule.get("sseAlgorithm", "")).startswith("aws:kms")


def _default_encryption(bucket: s3.IBucket) -> Mapping[str, Any]:
    """Return the default encryption of `bucket`; empty if this app does not create it."""
    resource = resource_of(bucket)
    if not isinstance(resource, s3.CfnBucket):
        return {}
    found = stack_of(bucket).resolve(resource.bucket_encryption) or {}
    rules = found.get("serverSideEncryptionConfiguration") or [{}]
    rule: Mapping[str, Any] = rules[0].get("serverSideEncryptionByDefault") or {}
    return rule


def checked_header(header: str | None, key: kms.IKey | None) -> str | None:
    """Return `header` if it is valid together with `key`, else raise `ValueError`."""
    if header is None or (header in _HEADERS and (header == "AES256") is (key is None)):
        return header
    if header not in _HEADERS:
        raise ValueError(
            f"encryption_header: expected one of {', '.join(_HEADERS)}, got {header!r}"
        )
    if key is None:
        raise ValueError(
            f"encryption_header {header!r} was given without a KMS key: give encryption_key, or use"
            " 'AES256'"
        )
    raise ValueError(
        f"encryption_header 'AES256' was given with key {key.node.path}, which S3 would not use:"
        " give 'aws:kms' or 'aws:kms:dsse', or omit encryption_key"
    )
