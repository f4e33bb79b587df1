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
    """The request may pass: its token is the latest."""

    token: int


@dataclass(frozen=True, slots=True)
class NotChecked:
    """The request may pass without a check: its method is exempt, or it may have no token."""


@dataclass(frozen=True, slots=True)
class NeedsMemory:
    """This process cannot decide: call `check_with_memory` with the token."""

    token: int


class TokenGate:
    """Lets through no token that is lower than one it has let through.

    The highest token that the memory is known to have is kept in the process: a lower one is
    refused without a request. A token equal to the highest passes without a request for `cache`
    after the memory confirmed it; then the memory is asked again, since another process may have
    seen a higher one.
    """

    def __init__(
        self,
        election: str,
        memory: TokenMemory,
        *,
        required: bool,
        exempt_methods: Collection[str],
        cache: timedelta | None,
        clock_ms: Callable[[], int] = monotonic_ms,
    ) -> None:
        check_name(election)
        _check_memory(memory, election)
        _check_exempt(exempt_methods)
        _check_cache(cache)
        self.election = election
        self._memory = memory
        self._required = required
        self._exempt_methods = frozenset(exempt_methods)
        self._cache_ms = 0 if cache is None else cache // timedelta(milliseconds=1)
        self._clock_ms = clock_ms
        self._lock = threading.Lock()
        self._highest = 0
        self._fresh_until_ms = 0  # until then `_highest` passes without a request

    def decide(
        self, method: str, header_values: Sequence[str]
    ) -> Admitted | NotChecked | Problem | NeedsMemory:
        """Decide on a request with these headers `Fencing-Token`, as far as this process knows."""
        if method in self._exempt_methods:
            return NotChecked()
        token = parse_headers(header_values, self.election)
        if isinstance(token, Problem):
            return token
        if token is None:
            return token_required(self.election) if self._required else NotChecked()
        with self._lock:
            highest, fresh_until_ms = self._highest, self._fresh_until_ms
        if token < highest:
            return stale(self.election, token, highest)
        if token == highest and self._clock_ms() < fresh_until_ms:
            return Admitted(token)
        return NeedsMemory(token)

    def check_with_memory(self, token: int) -> Admitted | Problem:
        """Let the memory confirm or refuse a token. It blocks."""
        asked_ms = self._clock_ms()  # before: a higher token may come as soon as it has answered
        try:
            self._memory.claim(token=token)
        except StaleToken as error:
            self._learn(error.written_token)
            return stale(self.election, token, error.written_token)
        except StoreUnavailable as error:
            return not_known(self.election, str(error))
        self._learn(token, fresh_until_ms=asked_ms + self._cache_ms)
        return self.still_admitted(Admitted(token))  # a thread may pause before it gets here

    def still_admitted(self, admitted: Admitted) -> Admitted | Problem:
        """Return a decision again, or a refusal if a higher token was admitted since."""
        token, highest = admitted.token, self._highest
        return stale(self.election, token, highest) if token < highest else admitted

    def _learn(self, token: int, *, fresh_until_ms: int = 0) -> None:
        """Note that the memory has `token`, and until when it need not be asked for it again."""
        with self._lock:
            if token > self._highest:
                self._highest, self._fresh_until_ms = token, fresh_until_ms
            elif token == self._highest:
                self._fresh_until_ms = max(self._fresh_until_ms, fresh_until_ms)


def _check_memory(memory: object, election: str) -> None:
    if isinstance(memory, type) or not callable(getattr(memory, "claim", None)):
        raise InvalidArgument(
            f"memory: expected a FencedObject, a FenceRow, a SqlMemory, a RowMemory or a"
            f" ProcessMemory, got {memory!r}; pass an object, such as"
            f" ProcessMemory()"
        )
    of_memory = getattr(memory, "election", election)
    if of_memory != election:
        raise InvalidArgument(
            f"election: expected that of the memory, {of_memory!r}, got {election!r}: tokens of"
            f" different elections cannot be compared; pass the same name to both"
        )


def _check_exempt(methods: object) -> None:
    found: list[object] = [*methods] if isinstance(methods, Collection) else [None]
    good = all(isinstance(each, str) and each == each.upper() for each in found)
    if isinstance(methods, str) or not good:
        raise InvalidArgument(
            f"exempt_methods: expected HTTP methods in capitals, such as {sorted(SAFE_METHODS)},"
            f" got {methods!r}"
        )


def _check_cache(cache: object) -> None:
    if cache is None or (isinstance(cache, timedelta) and cache >= timedelta(0)):
        return
    raise InvalidArgument(
        f"cache: expected None or a timedelta of 0 or more, such as timedelta(seconds=1), got"
        f" {cache!r}"
    )
