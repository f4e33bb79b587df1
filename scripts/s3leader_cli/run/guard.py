"""The guard: starts the command, and ends it before the lease does.

It is a process of its own, so that the command is also stopped if the wrapper (`s3leader run`) is
killed or stopped, or waits for an answer of S3. It knows the deadline by the monotonic clock that
both processes share. The wrapper sends lines of JSON, and the pipe's end means that it has ended:

    {"deadline_ms": …}  the lease was renewed
    {"stop": true}      end the command

The guard answers {"started": pid} or {"not_started": errno}, then {"stopping": cause} if it sends
SIGTERM, and last {"ended": status, "cause": …, "killed": …}.
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import Any

from .processes import adopt_orphans, clock_ms, end_with_parent, living_children, reap, send

# poll() counts no time while the machine is suspended, but leases end then.
_LONGEST_WAIT_MS = 500
_TAKEN = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Guard:
    """Guards one command."""

    def __init__(self, settings: dict[str, Any], command: list[str]) -> None:
        """Take over the pipes; `settings` are those that `GuardedCommand` writes."""
        self._command = command
        self._control, self._reports = settings["control"], settings["reports"]
        self._deadline_ms: int = settings["deadline_ms"]
        self._grace_ms: int = settings["grace_ms"]
        self._notice_ms: int = settings["notice_ms"]
        self._margin_ms: int = settings["margin_ms"]
        self._remove = settings["remove"]
        self._unread = b""
        self._orphaned = self._stop_asked = self._killed = False
        self._leader = 0  # the command: the first process of its group
        self._status: int | None = None
        self._cause: str | None = None
        self._stopped_ms = 0
        self._terminated: set[int] = set()
        self._adopts = adopt_orphans()

    def run(self) -> None:
        """Run the command to its end."""
        self._detach()
        self._read_control()
        if self._orphaned or self._stop_asked or clock_ms() >= self._deadline_ms - self._margin_ms:
            self._report(ended=-signal.SIGTERM, cause="not started", killed=False)
        elif self._start():
            while not self._is_over():
                self._enforce()
                self._wait()
            self._report(ended=self._status, cause=self._cause, killed=self._killed)
        if self._orphaned:
            self._clean_up()

    def _detach(self) -> None:
        """Leave the terminal's control and handle signals, so that only the wrapper ends this.

        The handlers do nothing. Unlike SIG_IGN, the command does not inherit them.
        """
        os.setsid()
        for descriptor in (self._control, self._reports):
            os.set_inheritable(descriptor, False)
        os.set_blocking(self._control, False)
        self._woken, wakes = os.pipe()
        for descriptor in (self._woken, wakes):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _do_nothing)
        for number in _TAKEN:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, _do_nothing)

    # ------------------------------------------------------------------------- the command

    def _start(self) -> bool:
        """Start the command in a group of its own; return whether that is possible."""
        guard = os.getpid()
        failure, fails = os.pipe()
        self._leader = os.fork()
        if self._leader == 0:
            _become(self._command, guard, fails)
        os.close(fails)
        reason = os.read(failure, 16)  # nothing: exec has closed the pipe
        os.close(failure)
        if reason:
            reap(self._leader)
            self._report(not_started=int(reason))
            return False
        self._report(started=self._leader)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):  # so that its pipes are closed when the command closes them
            os.dup2(nowhere, stream)
        return True

    def _is_over(self) -> bool:
        """Whether the command and what it started have ended.

        The command is reaped last: until then, its process group cannot be another's.
        """
        if self._status is None:
            self._look_at_leader()
        others = self._others()
        if self._status is None or others:
            return False
        if self._adopts:
            reap(self._leader)
        return True

    def _look_at_leader(self) -> None:
        if not self._adopts:
            pid, status = os.waitpid(self._leader, os.WNOHANG)
            self._status = os.waitstatus_to_exitcode(status) if pid else None
            return
        ended = os.waitid(os.P_PID, self._leader, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is not None:
            exited = ended.si_code == os.CLD_EXITED
            self._status = ended.si_status if exited else -ended.si_status

    def _others(self) -> list[int]:
        """Return the other processes that can be signalled: children, or where the system adopts
        none, the group while it has members.
        """
        if self._adopts:
            return living_children(but=self._leader)
        if self._status is None:
            return []
        try:
            os.killpg(self._leader, 0)
        except OSError:
            return []
        return [-self._leader]

    # ---------------------------------------------------------------------------- its end

    def _enforce(self) -> None:
        now_ms = clock_ms()
        if self._cause is None:
            self._cause = self._cause_to_stop(now_ms)
            if self._cause is not None:
                self._stopped_ms = now_ms
                self._report(stopping=self._cause)
                send(self._leader, signal.SIGTERM, group=True)
        if self._cause is None:
            return
        kills = now_ms >= self._kill_at_ms()
        if kills:
            self._killed = True
            send(self._leader, signal.SIGKILL, group=True)
        for pid in self._others():
            if pid > 0 and (kills or pid not in self._terminated):
                self._terminated.add(pid)
                send(pid, signal.SIGKILL if kills else signal.SIGTERM)

    def _cause_to_stop(self, now_ms: int) -> str | None:
        if self._status is not None:
            return "command ended"  # what it has left in the background must end too
        if self._orphaned:
            return "wrapper ended"
        if self._stop_asked:
            return "asked"
        return "deadline" if now_ms >= self._notice_at_ms() else None

    def _notice_at_ms(self) -> int:
        return self._deadline_ms - self._margin_ms - self._notice_ms

    def _kill_at_ms(self) -> int:
        return min(self._stopped_ms + self._grace_ms, self._deadline_ms - self._margin_ms)

    # --------------------------------------------------------------------------- messages

    def _wait(self) -> None:
        """Wait for a message, the end of a child, or the time to act."""
        at_ms = self._notice_at_ms() if self._cause is None else self._kill_at_ms()
        left_ms = at_ms - clock_ms()
        if left_ms <= 0:
            left_ms = 50 if self._killed else 1  # SIGKILL was sent: it works when it can
        watched = [self._woken] if self._orphaned else [self._woken, self._control]
        select.select(watched, [], [], min(left_ms, _LONGEST_WAIT_MS) / 1000)
        with suppress(BlockingIOError):
            while os.read(self._woken, 512):
                pass
        self._read_control()

    def _read_control(self) -> None:
        with suppress(BlockingIOError):
            while not self._orphaned:
                part = os.read(self._control, 65536)
                self._orphaned = not part
                self._unread += part
        *lines, self._unread = self._unread.split(b"\n")
        for line in lines:
            message = json.loads(line)
            self._deadline_ms = message.get("deadline_ms", self._deadline_ms)
            self._stop_asked = self._stop_asked or "stop" in message

    def _report(self, **facts: object) -> None:
        with suppress(OSError):  # the wrapper has ended
            os.write(self._reports, json.dumps(facts).encode() + b"\n")

    def _clean_up(self) -> None:
        """Remove the checkpoint's file, as the wrapper cannot."""
        file, folder = self._remove
        with suppress(OSError):
            os.unlink(file)  # noqa: PTH108 - no imports
        with suppress(OSError):
            os.rmdir(folder)  # noqa: PTH106 - no imports


def _become(command: list[str], guard: int, fails: int) -> None:
    """Execute the command in this process, a fork of the guard."""
    try:
        os.setsid()
        end_with_parent(guard)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them
            signal.signal(number, signal.SIG_DFL)
        os.execvp(command[0], command)  # noqa: S606 - that is what the user asked for
    except OSError as error:
        os.write(fails, str(error.errno or errno.ENOEXEC).encode())
    finally:
        os._exit(127)


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    """Handle a signal whose default would end the guard."""


def main() -> None:
    """Be the guard: the arguments are the settings as JSON, and the command."""
    Guard(json.loads(sys.argv[1]), sys.argv[2:]).run()
