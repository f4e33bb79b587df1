"""Checks of names at synth: of elections, their key prefix, and buckets."""

from __future__ import annotations

import re

from aws_cdk import Token

# The rules of the runtime. They also exclude `*`, `?` and `$`, which would be wildcards and
# variables in policies made of these names, and all tokens.
_SEGMENT = re.compile(r"(?!lock_)[A-Za-z0-9._-]{1,100}")
_BUCKET = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)(?!.*(\.\.|\.-|-\.))[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_SEPARATORS = ("/", "-", "_", ".")
_DOTS = frozenset({".", ".."})
_LONGEST = 900  # prefix and election; an S3 key has at most 1,024 bytes
_SHOWN = 100
_RULE = (
    "1 to 100 of the characters A-Z a-z 0-9 . _ - between slashes, not '.' or '..', nothing"
    " that begins with 'lock_'"
)


def checked_prefix(prefix: str) -> str:
    """Return `prefix` if it is a valid key prefix of elections, else raise `ValueError`."""
    if not prefix.endswith("/") or not _are_segments(prefix.removesuffix("/")):
        raise ValueError(
            f"prefix: expected {_RULE}, and a slash at the end, for example 'elections/'; got"
            f" {prefix!r}"
        )
    return prefix


def checked_election(election: str, *, prefix: str) -> str:
    """Return `election` if it is a valid name under `prefix`, else raise `ValueError`."""
    if not _are_segments(election):
        raise ValueError(
            f"election: expected {_RULE}, for example 'nightly-compaction'; got {election!r}"
        )
    length = len(f"{prefix}{election}/")
    if length > _LONGEST:
        raise ValueError(
            f"prefix {prefix!r} and election {election!r} together have {length} characters:"
            f" shorten them to {_LONGEST}, because an S3 key also holds the lock's name"
        )
    return election


def checked_elections(election: str | None, election_prefix: str | None, *, prefix: str) -> str:
    """Return the name of one election, or a pattern for all whose names begin with the prefix.

    Raises `ValueError` for invalid ones, for both, and for neither.
    """
    if (election is None) == (election_prefix is None):
        raise ValueError(
            "expected one of election='nightly' and election_prefix='shard/', got"
            f" {'neither' if election is None else f'both, {election!r} and {election_prefix!r}'}"
        )
    if election is not None:
        return checked_election(election, prefix=prefix)
    begin = election_prefix or ""
    # Without a separator, `shard` would include `shards-of-others`.
    if not begin.endswith(_SEPARATORS) or not _are_segments(begin.removesuffix("/")):
        raise ValueError(
            f"election_prefix: expected {_RULE}, and one of {' '.join(_SEPARATORS)} at the end, for"
            f" example 'shard/' for 'shard/0' and 'shard/1'; got {begin!r}"
        )
    checked_election(f"{begin}0", prefix=prefix)  # some name has to fit
    return f"{begin}*"


def checked_bucket_name(name: object, *, option: str, existing: bool = False) -> str:
    """Return `name` if it is a valid bucket name, else raise `ValueError` that names `option`.

    The rules are S3's for general purpose buckets. A token is accepted; so are upper case and
    underscores in the name of an `existing` bucket, which S3 allowed in us-east-1 until 2018.
    """
    if isinstance(name, str):
        today = name.lower().replace("_", "-") if existing else name
        if Token.is_unresolved(name) or _BUCKET.fullmatch(today):
            return name
    raise ValueError(
        f"{option} {name!r} is not a bucket name: give the name alone, such as my-locks, without"
        " s3://, a path or an ARN. It has 3 to 63 of the characters a-z 0-9 . -, begins and ends"
        " with a letter or a digit, and has no - or second . next to a ."
    )


def shortened(election: str) -> str:
    """Return the name, shortened for descriptions, of which Lambda takes 256 characters."""
    if len(election) <= _SHOWN:
        return election
    half = (_SHOWN - 3) // 2
    return f"{election[:half]}...{election[-half:]}"  # plain dots: IAM takes Latin-1 only


def _are_segments(path: str) -> bool:
    return all(
        _SEGMENT.fullmatch(segment) is not None and segment not in _DOTS
        for segment in path.split("/")
    )
