"""Run a function in a fork of the test process, and return its result."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable

import pytest

# Python 3.12 warns of each fork in a process with threads, which these tests need.
FORKS = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
_PATIENCE_S = 60


def in_child(run: Callable[[], object]) -> str:
    """Return what `run` returns in a fork, as a text, or what it raises; fail if it hangs."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _report(run, writing)
    os.close(writing)
    try:
        if not select.select([reading], [], [], _PATIENCE_S)[0]:
            os.kill(child, signal.SIGKILL)
            pytest.fail(f"the forked child did not end within {_PATIENCE_S} s")
        with os.fdopen(os.dup(reading), "rb") as pipe:
            return pipe.read().decode()
    finally:
        os.close(reading)
        os.waitpid(child, 0)


def _report(run: Callable[[], object], writing: int) -> None:
    try:
        said = str(run())
    except BaseException as error:  # noqa: BLE001 - a child may end in any way
        said = f"{type(error).__name__}: {error}"
    os.write(writing, said.encode())
    os._exit(0)
