"""The election settings of a Lambda function, read from its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from s3leader._io.s3_options import BucketOptions
from s3leader.errors import InvalidArgument


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings that the constructs put into the environment; decorator arguments override them."""

    bucket: str
    election: str
    prefix: str
    lease: timedelta | None
    wait: timedelta
    max_attempts: int | None
    bucket_options: BucketOptions

    @classmethod
    def read(cls, environment: Mapping[str, str], **given: str | None) -> Settings:
        """Return the settings, or raise `InvalidArgument` that names the variable to set."""

        def value(key: str, default: str | None = None) -> str:
            variable = f"S3LEADER_{key.upper()}"
            found = given.get(key)
            found = environment.get(variable, default) if found is None else found
            if found is None:
                raise InvalidArgument(
                    f"{variable} is not set: let the CDK construct set it"
                    f" (`locks.grant_candidate(fn, election=…)`), or write @singleton({key}='…');"
                    f" in a test, call the handler with s3leader.testing.invoke"
                )
            return found

        return cls(
            bucket=value("bucket"),
            election=value("election"),
            prefix=value("prefix", "elections/"),
            lease=_seconds(
                environment, "S3LEADER_LEASE_SECONDS", "the invocation's remaining time"
            ),
            wait=_seconds(environment, "S3LEADER_WAIT_SECONDS", "no waiting") or timedelta(0),
            max_attempts=_max_attempts(environment.get("S3LEADER_MAX_ATTEMPTS")),
            bucket_options=BucketOptions.from_environment(environment),
        )


def _seconds(environment: Mapping[str, str], variable: str, if_unset: str) -> timedelta | None:
    text = environment.get(variable)
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 24 * 60 * 60:
        raise InvalidArgument(
            f"{variable} is {text!r}; give a number of seconds from 1 to 86400, or leave it unset"
            f" for {if_unset}"
        )
    return timedelta(seconds=seconds)


def _max_attempts(text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise InvalidArgument(
            f"S3LEADER_MAX_ATTEMPTS is {text!r}; give a whole number from 1, or leave it unset for"
            f" no limit"
        )
    return int(text)
