"""A command under a guard, as the wrapper sees it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .processes import adopt_orphans, clock_ms, living_children, send

# Isolated (-I, -S): the command's environment and packages do not change the guard.
_GUARD = """\
import sys
sys.path.append(sys.argv.pop(1))
from s3leader_cli.run.guard import main
main()
"""
_SLOWNESS_MS = 3000  # after a stop's grace, until the guard counts as stuck


class NotStarted(Exception):  # noqa: N818 - as s3leader's own errors
    """The command cannot be executed; `errno` says why."""

    def __init__(self, errno: int) -> None:
        super().__init__(os.strerror(errno))
        self.errno = errno


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When the guard acts, in milliseconds.

    SIGKILL is sent `grace_ms` after SIGTERM, and at the latest `margin_ms` before the deadline. For
    a lease that is not renewed, SIGTERM is sent `notice_ms` before that.
    """

    grace_ms: int
    notice_ms: int
    margin_ms: int

    @classmethod
    def of_lease(cls, lease_ms: int, grace_ms: int) -> Limits:
        """Return limits that leave two renewals, which are sent each third of the lease, time."""
        return cls(
            grace_ms=grace_ms,
            notice_ms=min(grace_ms, lease_ms // 3),
            margin_ms=min(1000, lease_ms // 10),
        )


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended: its exit code, or minus the number of the signal that ended it.

    `cause` is why it was stopped (`asked`, `deadline`); None if it ended by itself. `killed` is
    whether that took SIGKILL. `guarded` is false if the guard was killed, and the command with it.
    """

    status: int
    cause: str | None
    killed: bool = False
    guarded: bool = True

    @property
    def exit_code(self) -> int:
        """The exit code, as shells have it."""
        return self.status if self.status >= 0 else 128 - self.status


class GuardedCommand:
    """Starts a guard, which starts the command. Call `wait` next, from the same thread.

    The guard removes the checkpoint's `remove` (file, folder) if the wrapper is killed.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        deadline_ms: int,
        limits: Limits,
        remove: tuple[Path, Path],
    ) -> None:
        self._limits = limits
        self._deadline_ms = deadline_ms
        self._must_end_by_ms: int | None = None
        self._leader: int | None = None
        self._unread = b""
        self._adopts = adopt_orphans()
        control, self._control = os.pipe()
        self._reports, reports = os.pipe()
        os.set_blocking(self._control, False)
        settings = {
            "control": control,
            "reports": reports,
            "deadline_ms": deadline_ms,
            "grace_ms": limits.grace_ms,
            "notice_ms": limits.notice_ms,
            "margin_ms": limits.margin_ms,
            "remove": [str(path) for path in remove],
        }
        root = str(Path(__file__).resolve().parents[2])
        python = [sys.executable, "-I", "-S", "-c", _GUARD, root, json.dumps(settings)]
        try:
            self._guard = subprocess.Popen(
                [*python, *command], env=dict(environment), pass_fds=(control, reports)
            )
        finally:
            os.close(control)
            os.close(reports)

    def extend(self, deadline_ms: int) -> None:
        """Pass on the deadline of a renewed lease."""
        self._deadline_ms = deadline_ms
        self._send(deadline_ms=deadline_ms)

    def stop(self) -> None:
        """Let the guard end the command. Safe in a signal handler."""
        if self._must_end_by_ms is None:
            self._must_end_by_ms = clock_ms() + self._limits.grace_ms + _SLOWNESS_MS
        self._send(stop=True)

    def wait(self, on_report: Callable[[dict[str, Any]], None]) -> Ended:
        """Wait for the end of the command and of all that it started; raise `NotStarted`.

        `on_report` gets the guard's other reports.
        """
        try:
            while True:
                for report in self._next_reports():
                    if "ended" in report:
                        self._guard.wait()
                        return Ended(
                            status=report["ended"],
                            cause=None if report["cause"] == "command ended" else report["cause"],
                            killed=report["killed"],
                        )
                    if "not_started" in report:
                        self._guard.wait()
                        raise NotStarted(report["not_started"])
                    self._leader = report.get("started", self._leader)
                    on_report(report)
        except EOFError:
            self._guard.wait()
            self._kill_remaining()
            return Ended(status=-signal.SIGKILL, cause=self._cause(), killed=True, guarded=False)
        finally:
            os.close(self._reports)

    def close(self) -> None:
        """Close the pipe to the guard, which has ended."""
        os.close(self._control)

    def _next_reports(self) -> list[dict[str, Any]]:
        """Return what the guard reports within a second; kill a guard that is stuck.

        The command ends with it, where the system offers that; the rest is `_kill_remaining`.
        """
        ready, _, _ = select.select([self._reports], [], [], self._patience_ms() / 1000)
        if not ready:
            if self._is_overdue():
                self._guard.kill()
                if self._leader is not None:
                    send(self._leader, signal.SIGKILL, group=True)
            return []
        part = os.read(self._reports, 65536)
        if not part:
            raise EOFError
        *lines, self._unread = (self._unread + part).split(b"\n")
        return [json.loads(line) for line in lines]

    def _patience_ms(self) -> int:
        return max(10, min(1000, self._backup_at_ms() - clock_ms()))

    def _is_overdue(self) -> bool:
        by_ms = self._backup_at_ms()
        if self._must_end_by_ms is not None:
            by_ms = min(by_ms, self._must_end_by_ms)
        return clock_ms() >= by_ms

    def _backup_at_ms(self) -> int:
        """Return when the command must have ended by the guard's doing."""
        return self._deadline_ms - self._limits.margin_ms // 2

    def _cause(self) -> str | None:
        """Return why the command of a guard that was killed would have been stopped."""
        if self._must_end_by_ms is not None:
            return "asked"
        return "deadline" if self._is_overdue() else None

    def _kill_remaining(self) -> None:
        """Kill what a guard that was killed has left, where the system shows it."""
        if self._leader is not None:
            send(self._leader, signal.SIGKILL, group=True)
        while self._adopts and (left := living_children()):
            for pid in left:
                send(pid, signal.SIGKILL)
            time.sleep(0.02)

    def _send(self, **message: object) -> None:
        with suppress(OSError):  # the guard has ended, or is stuck: `wait` notices
            os.write(self._control, json.dumps(message).encode() + b"\n")
