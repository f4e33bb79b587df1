"""The facts of a term, which its lock records."""

from __future__ import annotations

import enum
import json
from datetime import datetime, timedelta
from typing import Any

from s3leader._core.candidate import CandidateConfig
from s3leader._core.holding import Holding
from s3leader._core.lock import Lock
from s3leader._core.requests import Store
from s3leader._core.times import format_time

from .driver import Driver
from .invocation import Invocation


class TermStatus(enum.Enum):
    """Whether this process may still write to the lock of its term."""

    WRITABLE = "writable"  # also past the deadline (R4), when the term is not held any more
    RESIGNING = "resigning"  # the seal was sent, and its outcome is unknown
    RESIGNED = "resigned"
    LOST = "lost"  # another writer has changed the lock
    FORKED = "forked"  # this process is a fork of the one that won the term


def election_address(store: Store, folder: str) -> str:
    """Return where an election's locks are, which differs for each election of this process.

    A store that has no address, as one in memory, differs from others while it exists.
    """
    bucket = getattr(store, "address", f"{type(store).__name__}-{id(store):x}")
    return f"{bucket}/{folder.removesuffix('/')}"


class TermFacts:
    """The part of a `Term` that only reads its lock and its invocation."""

    _config: CandidateConfig
    _driver: Driver
    _holding: Holding
    _invocation: Invocation

    @property
    def election(self) -> str:
        """The name of the election."""
        return self._config.election

    @property
    def address(self) -> str:
        """Where the election's locks are, as in `Election.address` and in events."""
        return election_address(self._driver.store, self._config.folder)

    @property
    def log_fields(self) -> dict[str, str | int | None]:
        """What a log line of the job says of its term: `logger.append_keys(**term.log_fields)`.

        In Lambda, let Powertools' `inject_lambda_context(clear_state=True)` remove such keys after
        the invocation.
        """
        return {
            "election": self.election,
            "term": self.number,
            "tick": None if self.tick is None else format_time(self.tick),
            "attempt": self.attempt,
            "leg": self.leg,
        }

    @property
    def requests(self) -> int:
        """How many requests this term has cost so far, its campaign included."""
        return self._driver.requests

    @property
    def number(self) -> int:
        """The term's number: 1, 2, 3 …, higher than any before it."""
        return self._holding.lock.term

    @property
    def fencing_token(self) -> int:
        """The term's number, to be sent with every write that a stale leader must not make."""
        return self.number

    @property
    def tick(self) -> datetime | None:
        """The scheduled time that this term works for, in UTC."""
        return self._holding.lock.tick

    @property
    def attempt(self) -> int:
        """Which attempt at the tick this is, counted from 1."""
        return self._holding.lock.attempt

    @property
    def leg(self) -> int:
        """Which leg of the attempt this is: 1, and one more after each `continue_later`."""
        return self._holding.lock.leg

    @property
    def last_completed(self) -> datetime | None:
        """The latest tick that an earlier term completed, None if there is none.

        A job that works off intervals does everything since then, so it also makes up for ticks
        that were missed.
        """
        return self._holding.lock.done

    @property
    def lock(self) -> Lock:
        """The lock as this leader last wrote it."""
        return self._holding.lock

    @property
    def state(self) -> dict[str, Any]:
        """A copy of the job's checkpoint: the one saved last, in this term or an earlier one."""
        copied: dict[str, Any] = json.loads(json.dumps(self._holding.lock.state))
        return copied

    def time_left(self) -> timedelta:
        """Return the time until Lambda ends this invocation, to decide whether to continue later.

        In a process that is no invocation it is `timedelta.max`.
        """
        return self._invocation.time_left()
