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

    def start_next(self, lock: Lock) -> None:
        """Start the next leg; `lock` is the one that was sealed as continued."""
        ...


class NoInvocation:
    """A process of its own: it is not ended from outside, and campaigns again by itself."""

    def time_left(self) -> timedelta:
        """Return the longest time there is."""
        return timedelta.max

    def start_next(self, lock: Lock) -> None:
        """Start nothing."""
