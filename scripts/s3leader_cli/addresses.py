"""Detects buckets and elections given as URLs, ARNs or keys, and says what to write instead.

It refuses them and does not translate: an address may have a prefix that contradicts `--prefix`.
"""

from __future__ import annotations

import argparse
import re

from s3leader import InvalidArgument

_NAME = re.compile(r"[A-Za-z0-9._-]{1,255}")
_ACCESS_POINT = re.compile(
    r"arn:aws[a-z-]*:s3[a-z-]*:[a-z0-9-]*:[0-9]{12}:(?:accesspoint|outpost)[/:][A-Za-z0-9./:-]+"
)
_ADDRESSES = (
    re.compile(r"s3[an]?://([A-Za-z0-9._-]+)/*(.*)", re.IGNORECASE),
    re.compile(r"arn:[^:]*:s3:::([A-Za-z0-9._-]+)/*(.*)"),
    re.compile(r"https?://([A-Za-z0-9_-][A-Za-z0-9._-]*?)\.s3[.-][^/]*/*(.*)", re.IGNORECASE),
    re.compile(r"https?://s3[.-][^/]*/([A-Za-z0-9._-]+)/*(.*)", re.IGNORECASE),
    re.compile(r"/*([A-Za-z0-9._-]+)/+(.*)"),
)
_LOCK_OR_HINT = re.compile(r"(?:^|/)(?:lock_[0-9]{10}\.json|hint\.json)$")


def check(options: argparse.Namespace) -> None:
    """Raise `InvalidArgument` unless `options` name a bucket and an election."""
    _check_bucket(options.bucket)
    _check_election(options.election, options.prefix)


def _check_bucket(text: str) -> None:
    if _NAME.fullmatch(text) or _ACCESS_POINT.fullmatch(text):
        return
    for address in _ADDRESSES:
        if found := address.fullmatch(text):
            instead = _equivalent(found[1], found[2])
            raise InvalidArgument(f"--bucket {text!r} is not a bucket's name: {instead}")
    raise InvalidArgument(
        f"--bucket {text!r} is not a bucket's name: give 3 to 63 of the characters a-z 0-9 . - (or"
        f" the ARN of an access point)"
    )


def _equivalent(bucket: str, rest: str) -> str:
    """Return the arguments that are equivalent to an address."""
    key = rest.rstrip("*").strip("/")  # policies end in an asterisk
    folder = _LOCK_OR_HINT.sub("", key).strip("/")
    if folder != key:  # a lock's key: its last folder is the election
        prefix, _, election = folder.rpartition("/")
        return f"write {election} --bucket {bucket} --prefix {f'{prefix}/' if prefix else repr('')}"
    return f"write --bucket {bucket}" + (f" --prefix {folder}/" if folder else "")


def _check_election(text: str, prefix: str) -> None:
    if not text.strip():
        raise InvalidArgument("ELECTION is empty: give the election's name")
    if "://" in text or text.startswith("arn:"):
        raise InvalidArgument(
            f"ELECTION is {text!r}: give the election's name, and the bucket's with --bucket"
        )
    name = _LOCK_OR_HINT.sub("", text).strip("/")
    if name == text:
        return
    name = name.removeprefix(prefix)
    raise InvalidArgument(
        f"ELECTION is {text!r}, which is a key: give the election's name"
        + (f", {name!r}" if name else "")
    )
