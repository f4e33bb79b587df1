"""The invocation that a term belongs to: how long it lasts, and what starts the next one (R10)."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from s3leader._core.lock import Lock


class Invocation(Protocol):
    """What starts the next leg of a continued term, and how long this one may take."""

    def time_left(self) -> timedelta:
        """Return the time until the invocation is ended from outside."""
        ...

    def prepare_next(self, lock: Lock) -> bytes:
        """Return what starts the leg after `lock`; raise `InvalidArgument` if nothing can."""
        ...

    def start_next(self, prepared: bytes, *, term: int) -> None:
        """Start the next leg, now that the lock of `term` is sealed as continued."""
        ...

    @property
    def retried_within(self) -> timedelta:
        """How long it may take until a next leg that was not started is started by a retry."""
        ...


class NoInvocation:
    """A process of its own: it is not ended from outside, and campaigns again by itself."""

    def time_left(self) -> timedelta:
        """Return the longest time there is."""
        return timedelta.max

    def prepare_next(self, lock: Lock) -> bytes:  # noqa: ARG002 - nothing is started
        """Return nothing."""
        return b""

    def start_next(self, prepared: bytes, *, term: int) -> None:
        """Start nothing."""

    @property
    def retried_within(self) -> timedelta:
        """No retry is expected."""
        return timedelta(0)
