"""What the operating system offers against processes that outlive the one they work for.

Only the standard library: the guard imports this module without any other package. Linux can hand
all orphans among a process's descendants to that process (a subreaper), and send a process a signal
when its parent ends. Other systems have neither, and there only the process group is known.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

_SET_SIGNAL_AT_PARENTS_END, _SET_SUBREAPER = 1, 36  # linux/prctl.h


def clock_ms() -> int:
    """Return the milliseconds of a monotonic clock that all processes of the machine share.

    It also runs while the machine is suspended, where the system has such a clock.
    """
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(clock) // 1_000_000


def adopt_orphans() -> bool:
    """Let orphaned descendants become children of this process; return whether that is possible."""
    return os.path.exists("/proc/self/stat") and _prctl(_SET_SUBREAPER, 1)  # noqa: PTH110 - no imports


def end_with_parent(parent: int) -> None:
    """Let SIGKILL end this process when its parent does; end it now if the parent is gone."""
    _prctl(_SET_SIGNAL_AT_PARENTS_END, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(128 + signal.SIGKILL)


def living_children(*, but: int | None = None) -> list[int]:
    """Reap children that have ended, and return the others; `but` is neither reaped nor returned.

    If this is empty, no process is left below the children: a process that has ended has handed its
    own children over before it can be reaped, so they are found by listing again.
    """
    while True:
        listed = [pid for pid in children() if pid != but]
        living = [pid for pid in listed if not reap(pid)]
        if len(living) == len(listed):
            return living


def children() -> list[int]:
    """Return the children of this process, in Linux's /proc."""
    me, found = os.getpid(), []
    for name in os.listdir("/proc"):  # noqa: PTH208 - no imports
        if name.isdigit():
            with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 - the same
                # pid (any name) state parent …
                if int(file.read().rpartition(b")")[2].split()[1]) == me:
                    found.append(int(name))
    return found


def reap(pid: int) -> bool:
    """Reap a child; return whether it had ended."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def send(pid: int, number: signal.Signals, *, group: bool = False) -> None:
    """Send a signal to a process or a group, if it exists and takes signals from this user."""
    with suppress(ProcessLookupError, PermissionError):
        (os.killpg if group else os.kill)(pid, number)


def _prctl(option: int, value: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        import ctypes  # noqa: PLC0415 - other systems do not need it
    except ImportError:  # a Python that was built without it
        return False
    return bool(ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0)
