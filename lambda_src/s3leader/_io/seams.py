"""What a test replaces: the store, the clock, sleeping and randomness. Users never pass these.

`Election`, `FencedObject` and the decorator take all of them from one `Seams`, through private
constructors, so that the public constructors show only what users need.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from s3leader._core.requests import Store

from .driver import Driver, Stop, monotonic_ms
from .term_facts import election_address

if TYPE_CHECKING:
    from s3leader._core.config import Config
    from s3leader.observer import Observer

    from .notifier import Notifier


def new_nonce() -> str:
    """Return a value that was never drawn before."""
    return random_hex(16)


def random_hex(count: int) -> str:
    """Return `count` random bytes as hexadecimal digits.

    It is `secrets.token_hex`, without importing `secrets`, which loads OpenSSL.
    """
    return os.urandom(count).hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seams:
    """`clock_ms` is a monotonic clock in milliseconds and `sleep` takes seconds.

    `uniform(a, b)` draws a number from `a` to `b`; `nonce` never returns the same value twice.
    """

    store: Store
    clock_ms: Callable[[], int] = monotonic_ms
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform
    nonce: Callable[[], str] = new_nonce
    notifier: Notifier | None = None

    def driver(self, stop: Stop | None = None) -> Driver:
        """Return a driver over the store, whose waits `stop` cuts short."""
        return Driver(
            store=self.store,
            clock_ms=self.clock_ms,
            sleep=self.sleep,
            uniform=self.uniform,
            stop=stop,
            on_answer=None if self.notifier is None else self.notifier.answered,
        )

    def observed_by(self, observers: tuple[Observer | None, ...], config: Config) -> Seams:
        """Return the same seams, whose events each of `observers` receives that is not None."""
        present = tuple(observer for observer in observers if observer is not None)
        if not present:
            return self
        from .notifier import Notifier  # noqa: PLC0415 - only observers need it

        address = election_address(self.store, config.folder)
        notifier = Notifier(present, election=config.name, address=address, clock_ms=self.clock_ms)
        return replace(self, notifier=notifier)
