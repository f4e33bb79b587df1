"""The options of an election, checked once and never changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from s3leader.errors import InvalidArgument

from .attempts import MAX_NUMBER
from .candidate import CandidateConfig
from .lock import MAX_LEASE_MS, MAX_REASON
from .next_lock import Work
from .times import parse_time

_SEGMENT = re.compile(r"[A-Za-z0-9._-]{1,100}")
_LONGEST_FOLDER = 900  # S3 keys hold 1,024 bytes
_LEAST_LEASE = timedelta(seconds=1)
_LEAST_SKEW = timedelta(seconds=1)
_LEAST_POLL = timedelta(milliseconds=100)
_SHORTEST_USUAL_POLL_MS = 250
_LONGEST_USUAL_POLL_MS = 2_000
_POLLS_IN_A_LEASE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """`lease` from 1 s to 24 h; `clock_skew` at least 1 s, the grain of S3's time stamps."""

    name: str
    candidate: str
    prefix: str = "elections/"
    lease: timedelta = timedelta(seconds=30)
    clock_skew: timedelta = timedelta(seconds=3)
    max_attempts: int | None = None
    max_continuations: int | None = None
    poll: timedelta | None = None
    long_ledger: bool = False

    def __post_init__(self) -> None:
        check_name(self.name)
        check_prefix(self.prefix)
        if len(self.folder) > _LONGEST_FOLDER:
            raise InvalidArgument(
                f"prefix and election name together have {len(self.folder)} characters;"
                f" {_LONGEST_FOLDER} are the most that leave room in an S3 key"
            )
        check_duration("lease", self.lease)
        check_duration("clock_skew", self.clock_skew)
        longest = timedelta(milliseconds=MAX_LEASE_MS)
        if not _LEAST_LEASE <= self.lease <= longest:
            raise InvalidArgument(
                f"lease is {self.lease}; give one from {_LEAST_LEASE} to {longest}"
            )
        if not _LEAST_SKEW <= self.clock_skew <= longest:
            raise InvalidArgument(
                f"clock_skew is {self.clock_skew}; give at least {_LEAST_SKEW}, since S3 stamps"
                f" objects in whole seconds"
            )
        if self.poll is not None:
            check_duration("poll", self.poll)
            if not _LEAST_POLL <= self.poll <= longest:
                raise InvalidArgument(
                    f"expected poll, the time between two looks at the leader's lock, to be from"
                    f" {_LEAST_POLL} to {longest}, got {self.poll}"
                )
        check_max_attempts(self.max_attempts)
        check_max_continuations(self.max_continuations)
        if not isinstance(self.long_ledger, bool):
            raise InvalidArgument(
                f"expected long_ledger to be True or False, got {self.long_ledger!r}"
            )
        check_text("candidate", self.candidate)
        if not (1 <= len(self.candidate) <= 200 and self.candidate.isprintable()):
            raise InvalidArgument(
                f"candidate is {self.candidate!r}; give 1 to 200 printable characters"
            )

    @property
    def folder(self) -> str:
        """The key prefix of all the election's objects, ending in a slash."""
        return f"{self.prefix}{self.name}/"

    def candidate_config(self, nonce: Callable[[], str]) -> CandidateConfig:
        """Return the configuration that the protocol's generators use."""
        return CandidateConfig(
            folder=self.folder,
            candidate=self.candidate,
            nonce=nonce,
            lease_ms=milliseconds(self.lease),
            clock_skew_ms=milliseconds(self.clock_skew),
            max_attempts=self.max_attempts,
            poll_ms=self._poll_ms(),
            election=self.name,
            long_ledger=self.long_ledger,
        )

    def _poll_ms(self) -> int:
        if self.poll is None:
            return usual_poll_ms(milliseconds(self.lease))
        return milliseconds(self.poll)


def usual_poll_ms(lease_ms: int) -> int:
    """Return how often a candidate looks, in milliseconds, while it waits for a leader.

    The end of a lease is known beforehand, so looks before it are only for a resignation. Two
    seconds is the knee of the curve of costs against delays in `docs/performance.md`; a short lease
    asks for less.
    """
    usual_ms = max(_SHORTEST_USUAL_POLL_MS, lease_ms // _POLLS_IN_A_LEASE)
    return min(_LONGEST_USUAL_POLL_MS, usual_ms)


def check_name(name: str) -> None:
    """Raise `InvalidArgument` unless `name` is one or more good segments joined by slashes."""
    check_text("election name", name)
    for segment in name.split("/"):
        _check_segment(segment, f"election name {name!r}")


def check_prefix(prefix: str) -> None:
    """Raise `InvalidArgument` unless `prefix` is empty, or good segments each ending in a slash."""
    check_text("prefix", prefix)
    if not prefix:
        return
    if not prefix.endswith("/"):
        raise InvalidArgument(f"prefix {prefix!r} must end in a slash: {prefix + '/'!r}")
    for segment in prefix.removesuffix("/").split("/"):
        _check_segment(segment, f"prefix {prefix!r}")


def check_text(what: str, value: object) -> None:
    """Raise `InvalidArgument` for what is no text, such as a variable that is not set."""
    if not isinstance(value, str):
        raise InvalidArgument(f"expected {what} to be a text, got {value!r}")


def _check_segment(segment: str, of: str) -> None:
    # "." and ".." are folded away by some HTTP clients; lock_… would look like a lock to others.
    if _SEGMENT.fullmatch(segment) and segment not in {".", ".."} and segment[:5] != "lock_":
        return
    raise InvalidArgument(
        f"{of} has the segment {segment!r}: use 1 to 100 of the characters A-Z a-z 0-9 . _ -"
        f" between slashes, not '.' or '..', and nothing that begins with 'lock_'"
    )


def check_max_attempts(value: object) -> None:
    """Raise `InvalidArgument` unless `value` is None or a whole number from 1."""
    if value is None or (type(value) is int and value >= 1):
        return
    raise InvalidArgument(
        f"max_attempts is {value!r}; give a whole number from 1, or None for no limit"
    )


def check_max_continuations(value: object) -> None:
    """Raise `InvalidArgument` unless `value` is None or a whole number from 0."""
    if value is None or (type(value) is int and value >= 0):
        return
    raise InvalidArgument(
        f"expected max_continuations to be a whole number from 0, or None for no limit, got"
        f" {value!r}"
    )


def work_for(tick: datetime | None, *, leg: object = 1, repeat: object = False) -> Work:
    """Return what a campaign is for; raise `InvalidArgument` if `leg` or `repeat` cannot be."""
    if type(leg) is not int or not 1 <= leg <= MAX_NUMBER:
        raise InvalidArgument(
            f"expected leg to be a whole number from 1, got {leg!r}; leave it out"
        )
    if not isinstance(repeat, bool | str):
        raise InvalidArgument(
            f"expected repeat to be true, or a text that says who asks for it and why, got"
            f" {repeat!r}"
        )
    if not repeat:
        return Work(tick=tick, leg=leg)
    if tick is None:
        raise InvalidArgument("expected a tick with repeat, got none; give the tick to lead again")
    reason = repeat[:MAX_REASON] if isinstance(repeat, str) else None
    return Work(tick=tick, leg=leg, repeat=True, repeat_reason=reason)


def check_tick(tick: datetime | str | None) -> datetime | None:
    """Return the tick in UTC; an ISO 8601 text with a zone, an aware datetime, or None will do."""
    if tick is None:
        return None
    try:
        return parse_time(tick.isoformat() if isinstance(tick, datetime) else tick)
    except ValueError as error:
        raise InvalidArgument(
            f"tick is {tick!r}: {error}. Give the scheduled time as an aware datetime or as ISO"
            f" 8601 with a zone, such as '2026-11-23T06:00:00Z'"
        ) from None


def check_done(done: datetime | str | None) -> datetime | Literal["none"] | None:
    """Return the latest completed tick as an operator states it: in UTC, `none`, or None."""
    if done == "none":
        return "none"
    try:
        return check_tick(done)
    except InvalidArgument as error:
        raise InvalidArgument(f"done: {error}; or 'none' if no tick was completed") from None


def check_duration(name: str, value: object) -> None:
    """Raise `InvalidArgument` for anything but a timedelta."""
    if isinstance(value, timedelta):
        return
    seconds = value if type(value) in (int, float) else "…"
    raise InvalidArgument(f"{name} is {value!r}; give a timedelta, as timedelta(seconds={seconds})")


def check_wait(wait: timedelta) -> int:
    """Return a duration in milliseconds, refusing a negative one."""
    check_duration("wait", wait)
    if wait < timedelta(0):
        raise InvalidArgument(f"wait is {wait}; give zero or more")
    return milliseconds(wait)


def milliseconds(duration: timedelta) -> int:
    """Return the whole milliseconds of a duration."""
    return duration // timedelta(milliseconds=1)
