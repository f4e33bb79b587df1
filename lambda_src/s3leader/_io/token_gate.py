"""Decides which requests a server lets through, by their fencing tokens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from s3leader._core.config import check_name
from s3leader._core.fencing_header import (
    SAFE_METHODS,
    Problem,
    not_known,
    parse_headers,
    stale,
    token_required,
)
from s3leader.errors import InvalidArgument, StaleToken, StoreUnavailable

from .driver import monotonic_ms


class TokenMemory(Protocol):
    """Remembers the highest token of one election. `FencedObject` and `FenceRow` are such."""

    def claim(self, *, token: int) -> object:
        """Raise the memory to `token`, if that is higher; return only once it is kept.

        Raises `StaleToken` if the memory is higher, `StoreUnavailable` if it does not answer.
        """


@dataclass(frozen=True, slots=True)
class Admitted:
    """The request may pass, with this token, or without one."""

    token: int | None


@dataclass(frozen=True, slots=True)
class Undecided:
    """The memory has to be asked."""

    token: int


class TokenGate:
    """Lets through no token that is lower than one it has let through.

    The highest token that the memory is known to have is kept in the process: a lower one is
    refused without asking. An equal one passes without asking only within `cache` of the last time
    that it was asked for, because another process may have seen a higher one since.
    """

    def __init__(
        self,
        election: str,
        memory: TokenMemory,
        *,
        required: bool,
        unguarded: Collection[str],
        cache: timedelta | None,
        clock_ms: Callable[[], int] = monotonic_ms,
    ) -> None:
        check_name(election)
        if not callable(getattr(memory, "claim", None)):
            raise InvalidArgument(
                f"memory: expected a FencedObject, a FenceRow, a SqlMemory, a RowMemory or a"
                f" ProcessMemory, got {type(memory).__name__}"
            )
        if isinstance(unguarded, str) or {*unguarded} != {each.upper() for each in unguarded}:
            raise InvalidArgument(
                f"unguarded: expected HTTP methods in capitals, such as {sorted(SAFE_METHODS)}, got"
                f" {unguarded!r}"
            )
        if cache is not None and cache < timedelta(0):
            raise InvalidArgument(f"cache: expected a time of 0 or more, got {cache}")
        self.election = election
        self._memory = memory
        self._required = required
        self._unguarded = frozenset(unguarded)
        self._cache_ms = 0 if cache is None else cache // timedelta(milliseconds=1)
        self._clock_ms = clock_ms
        self._lock = threading.Lock()
        self._highest = 0
        self._asked_ms = 0  # when the memory was last asked for `_highest`, and agreed

    def decide(self, method: str, values: Sequence[str]) -> Admitted | Problem | Undecided:
        """Decide on a request with these headers `Fencing-Token`, as far as this process knows."""
        if method in self._unguarded:
            return Admitted(None)
        token = parse_headers(values, self.election)
        if isinstance(token, Problem):
            return token
        if token is None:
            return token_required(self.election) if self._required else Admitted(None)
        with self._lock:
            highest, asked_ms = self._highest, self._asked_ms
        if token < highest:
            return stale(self.election, token, highest)
        if token == highest and self._clock_ms() - asked_ms < self._cache_ms:
            return Admitted(token)
        return Undecided(token)

    def ask(self, token: int) -> Admitted | Problem:
        """Ask the memory about a token. It blocks."""
        asked_ms = self._clock_ms()  # before: a higher token may come as soon as it has answered
        try:
            self._memory.claim(token=token)
        except StaleToken as error:
            self._learn(error.written_token)
            return stale(self.election, token, error.written_token)
        except StoreUnavailable as error:
            return not_known(self.election, str(error))
        self._learn(token, asked_ms)
        return self.still_admitted(Admitted(token))  # a thread may pause before it gets here

    def still_admitted(self, admitted: Admitted) -> Admitted | Problem:
        """Return a decision again, or a refusal if a higher token was admitted since."""
        token, highest = admitted.token, self._highest
        if token is not None and token < highest:
            return stale(self.election, token, highest)
        return admitted

    def _learn(self, token: int, asked_ms: int | None = None) -> None:
        with self._lock:
            if token > self._highest:
                self._highest = token
                self._asked_ms = self._clock_ms() - self._cache_ms  # not asked for yet
            if token == self._highest and asked_ms is not None:
                self._asked_ms = max(self._asked_ms, asked_ms)
