"""The settings of a decorated handler, merged from three places.

The arguments of `@singleton` take precedence over the environment, which the constructs set, and
the environment over the defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from s3leader._core.config import check_max_attempts, check_name, check_prefix, check_wait
from s3leader._io.s3_options import BucketOptions, check_bucket
from s3leader.errors import InvalidArgument

_DAY_S = 24 * 60 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The arguments of `@singleton`; None where the environment decides.

    They are checked when the handler's module is loaded, before any invocation.
    """

    election: str | None = None
    bucket: str | None = None
    prefix: str | None = None
    wait: timedelta | None = None
    max_attempts: int | None = None

    def __post_init__(self) -> None:
        if self.election is not None:
            check_name(self.election)
        if self.bucket is not None:
            check_bucket(self.bucket)
        if self.prefix is not None:
            check_prefix(self.prefix)
        if self.wait is not None:
            check_wait(self.wait)
        check_max_attempts(self.max_attempts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`lease` is None where the invocation's remaining time decides."""

    bucket: str
    election: str
    prefix: str
    lease: timedelta | None
    wait: timedelta
    max_attempts: int | None
    bucket_options: BucketOptions

    @classmethod
    def merge(cls, arguments: Arguments, environment: Mapping[str, str]) -> Settings:
        """Return the settings, or raise `InvalidArgument` that names the variable to change.

        An empty variable counts as unset, except for the prefix.
        """
        prefix, wait, attempts = arguments.prefix, arguments.wait, arguments.max_attempts
        if prefix is None:
            prefix = environment.get("S3LEADER_PREFIX", "elections/")
        if wait is None:
            wait = _seconds(environment, "WAIT_SECONDS", "no waiting") or timedelta(0)
        return cls(
            bucket=arguments.bucket or _required(environment, "BUCKET", "bucket"),
            election=arguments.election or _required(environment, "ELECTION", "election"),
            prefix=prefix,
            lease=_seconds(environment, "LEASE_SECONDS", "the invocation's remaining time"),
            wait=wait,
            max_attempts=_max_attempts(environment) if attempts is None else attempts,
            bucket_options=BucketOptions.from_environment(environment),
        )


def _required(environment: Mapping[str, str], name: str, argument: str) -> str:
    value = environment.get(f"S3LEADER_{name}")
    if not value:
        raise InvalidArgument(
            f"S3LEADER_{name} is not set: let the CDK construct set it"
            f" (`locks.grant_candidate(fn, election=…)`), or write @singleton({argument}='…');"
            f" in a test, call the handler with s3leader.testing.invoke"
        )
    return value


def _seconds(environment: Mapping[str, str], name: str, if_unset: str) -> timedelta | None:
    text = environment.get(f"S3LEADER_{name}")
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= _DAY_S:
        raise _unusable(name, text, f"a number of seconds from 1 to {_DAY_S}", if_unset)
    return timedelta(seconds=seconds)


def _max_attempts(environment: Mapping[str, str]) -> int | None:
    text = environment.get("S3LEADER_MAX_ATTEMPTS")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise _unusable("MAX_ATTEMPTS", text, "a whole number from 1", "no limit")
    return int(text)


def _unusable(name: str, text: str, expected: str, if_unset: str) -> InvalidArgument:
    return InvalidArgument(
        f"expected S3LEADER_{name} to be {expected}, got {text!r}; correct it, or leave it unset"
        f" for {if_unset}"
    )
