"""The key of a lock bucket, and the encryption that candidates ask for by a header."""

from __future__ import annotations

from typing import Literal

from aws_cdk import Token
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

EncryptionHeader = Literal["AES256", "aws:kms", "aws:kms:dsse"]
_HEADERS = ("AES256", "aws:kms", "aws:kms:dsse")


def usable_key(key: kms.IKey | None, bucket: s3.IBucket) -> kms.IKey | None:
    """Return the key that rights have to name, or raise `ValueError` if it is not known."""
    if isinstance(key, kms.Alias):
        key = key.alias_target_key
    if key is None:
        return None
    # A right on an alias's ARN is valid, and gives nothing.
    if ":alias/" in key.key_arn or "alias/" in str(getattr(key, "alias_name", "")):
        raise ValueError(
            f"key {key.node.path} is an alias, and a right on an alias lets nobody use its key:"
            " import the key itself, Key.from_key_arn(…)"
        )
    where, home = key.env.region, bucket.env.region
    known = not Token.is_unresolved(where) and not Token.is_unresolved(home)
    if known and where != home:
        raise ValueError(
            f"key {key.node.path} is in {where}, but bucket {bucket.node.path} is in {home}: S3"
            " encrypts with keys of the bucket's own Region"
        )
    return key


def checked_header(header: str | None, key: kms.IKey | None) -> str | None:
    """Return `header` if objects can be encrypted so, else raise `ValueError`."""
    if header is None or (header in _HEADERS and (header == "AES256") is (key is None)):
        return header
    if header not in _HEADERS:
        raise ValueError(
            f"encryption_header {header!r} cannot be used: give one of {', '.join(_HEADERS)}"
        )
    if key is None:
        raise ValueError(
            f"encryption_header {header!r} needs a key whose use can be granted: give"
            " encryption_key, or 'AES256'"
        )
    raise ValueError(
        f"encryption_header 'AES256' was given beside key {key.node.path}, which it would keep S3"
        " from using: give 'aws:kms' or 'aws:kms:dsse', or leave encryption_key out"
    )
