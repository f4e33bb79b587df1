"""The settings of a decorated handler, merged from three places.

The arguments of `@singleton` take precedence over the environment, which the constructs set, and
the environment over the defaults.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from s3leader._core.config import (
    check_max_attempts,
    check_max_continuations,
    check_name,
    check_prefix,
    check_wait,
)
from s3leader._io.s3_options import BucketOptions, check_bucket
from s3leader.errors import InvalidArgument
from s3leader.schedule import Schedule

from .catch_up import CatchUp

if TYPE_CHECKING:
    from s3leader._io.election_state import ElectionOptions
    from s3leader.observer import Observer

_DAY_S = 24 * 60 * 60
_MAX_CATCH_UP = 10  # missed ticks that one invocation leads by default


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
    max_continuations: int | None = None
    observer: Observer | None = None

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
        check_max_continuations(self.max_continuations)
        if self.observer is not None:
            from s3leader._io.notifier import check_observer  # noqa: PLC0415 - as in Seams

            check_observer(self.observer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`lease` is None where the invocation's remaining time decides."""

    bucket: str
    election: str
    prefix: str
    lease: timedelta | None
    wait: timedelta
    max_attempts: int | None
    max_continuations: int
    long_ledger: bool
    schedules: tuple[Schedule, ...]
    catch_up: CatchUp | None
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
        legs = arguments.max_continuations
        if legs is None:
            legs = _number(environment, "MAX_CONTINUATIONS", least=0, if_unset="none") or 0
        if attempts is None:
            attempts = _number(environment, "MAX_ATTEMPTS", least=1, if_unset="no limit")
        return cls(
            bucket=arguments.bucket or _required(environment, "BUCKET", "bucket"),
            election=arguments.election or _required(environment, "ELECTION", "election"),
            prefix=prefix,
            lease=_seconds(environment, "LEASE_SECONDS", "the invocation's remaining time"),
            wait=wait,
            max_attempts=attempts,
            max_continuations=legs,
            long_ledger=_truth(environment, "LONG_LEDGER"),
            schedules=_schedules(environment),
            catch_up=_catch_up(environment),
            bucket_options=BucketOptions.from_environment(environment),
        )

    def election_options(self, *, lease: timedelta, candidate: str) -> ElectionOptions:
        """Return the options of the election for one invocation."""
        return {
            "prefix": self.prefix,
            "lease": lease,
            "candidate": candidate,
            "max_attempts": self.max_attempts,
            "max_continuations": self.max_continuations,
            "long_ledger": self.long_ledger,
        }


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


def _number(environment: Mapping[str, str], name: str, *, least: int, if_unset: str) -> int | None:
    text = environment.get(f"S3LEADER_{name}")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) >= least):
        raise _unusable(name, text, f"a whole number from {least}", if_unset)
    return int(text)


def _truth(environment: Mapping[str, str], name: str) -> bool:
    text = environment.get(f"S3LEADER_{name}") or "false"
    if text not in {"true", "false"}:
        raise _unusable(name, text, "'true' or 'false'", "'false'")
    return text == "true"


def _schedules(environment: Mapping[str, str]) -> tuple[Schedule, ...]:
    """Return the job's schedules, for a JSON list of expressions and time zones."""
    text = environment.get("S3LEADER_SCHEDULES")
    if not text:
        return ()
    try:
        return tuple(Schedule(expression, zone) for expression, zone in json.loads(text))
    except (ValueError, TypeError):
        expected = 'a JSON list such as [["cron(0 3 * * ? *)", "UTC"]]'
        raise _unusable("SCHEDULES", text, expected, "no schedule") from None


def _catch_up(environment: Mapping[str, str]) -> CatchUp | None:
    """Return None where only the latest tick is led."""
    text = environment.get("S3LEADER_CATCH_UP") or "latest"
    if text not in {"latest", "each"}:
        raise _unusable("CATCH_UP", text, "'latest' or 'each'", "'latest'")
    if text == "latest":
        return None
    limit = _number(environment, "MAX_CATCH_UP", least=1, if_unset=str(_MAX_CATCH_UP))
    return CatchUp(schedules=_schedules(environment), limit=limit or _MAX_CATCH_UP)


def _unusable(name: str, text: str, expected: str, if_unset: str) -> InvalidArgument:
    return InvalidArgument(
        f"expected S3LEADER_{name} to be {expected}, got {text!r}; correct it, or leave it unset"
        f" for {if_unset}"
    )
