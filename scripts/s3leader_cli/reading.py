"""Reads long ledgers: newest first, several requests at once, only as far as somebody asks.

Fifty thousand terms are fifty thousand reads. `read_terms` yields the newest at once, and the
reader stops it when it has seen enough.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from s3leader import Election, Lock

AT_ONCE = 16  # requests
_FIRST, _LARGEST = 5, 50  # terms that one thread reads in a row
_SHOWN_EVERY = 100  # terms between two updates of a progress line


def read_terms(
    election: Election, terms: range | None = None, *, wanted: int | None = None
) -> Generator[Lock, None, None]:
    """Yield the locks of `terms`, by default of the whole ledger, from the newest to the oldest.

    If the reader wants only so many, `wanted` keeps more than these from being read ahead. A gap
    that deleted locks leave is passed over. Requests: one GET a term, one LIST for each 50 terms.
    """
    windows = _windows(election.terms() if terms is None else terms)
    pool = ThreadPoolExecutor(AT_ONCE)
    ahead: deque[tuple[int, Future[list[Lock]]]] = deque()
    yielded = 0
    try:
        while True:
            while len(ahead) < AT_ONCE and _wants_more(wanted, yielded, [n for n, _ in ahead]):
                window = next(windows, None)
                if window is None:
                    break
                number = len(window)
                read = pool.submit(election.history, limit=number, before=window.stop)
                ahead.append((number, read))
            if not ahead:
                return
            for lock in ahead.popleft()[1].result():
                yielded += 1
                yield lock
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _wants_more(wanted: int | None, yielded: int, ahead: list[int]) -> bool:
    """Whether to read another window ahead; one at least, as the reader has not stopped."""
    return wanted is None or not ahead or yielded + sum(ahead) < wanted


def _windows(terms: range) -> Iterator[range]:
    """Split the terms into windows, the newest first. The first are small, to answer soon."""
    stop, size, number = terms.stop, _FIRST, 0
    while stop > terms.start:
        start = max(terms.start, stop - size)
        yield range(start, stop)
        stop, number = start, number + 1
        size = _FIRST if number < AT_ONCE else min(2 * size, _LARGEST)


@contextmanager
def progress(doing: str, every: int = _SHOWN_EVERY) -> Iterator[Callable[[int], None]]:
    """Show a line on standard error while something is counted, if a person is looking at it."""
    shown = False

    def show(count: int) -> None:
        nonlocal shown
        if sys.stderr is not None and sys.stderr.isatty() and count % every == 0:
            shown = True
            print(f"\r\x1b[2K{doing}: {count:,} …", end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        if shown:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
