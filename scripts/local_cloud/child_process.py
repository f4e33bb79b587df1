"""Child processes that cannot outlive the process that started them, however it ends.

The parent holds the write end of a pipe that no other process has. When the parent dies, also by
SIGKILL, that end is closed. The child reads the other end, and then kills its own process group.
A byte on the pipe releases the child instead: it runs on when the parent ends.

The project's own programs call `exit_with_parent`. Other programs (the CDK CLI) are run by this
module: `python -m local_cloud.child_process FD COMMAND …`.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO

_PACKAGE_ROOT = Path(__file__).resolve().parent.parent


class ChildProcess:
    """A process in a group of its own, which ends when this process ends."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        output: IO[bytes] | int,
    ) -> None:
        """Start `command`, with `{parent_pipe}` replaced by the pipe's file descriptor."""
        read_end, self._write_end = os.pipe()
        try:
            self.process = subprocess.Popen(
                [part.replace("{parent_pipe}", str(read_end)) for part in command],
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(read_end,),
                start_new_session=True,
            )
        except BaseException:
            os.close(self._write_end)
            raise
        finally:
            os.close(read_end)

    @property
    def group(self) -> int:
        """The process group, whose id is that of its first process."""
        return self.process.pid

    def kill(self) -> None:
        """Kill the group, and wait until its first process has ended."""
        kill_group(self.group)
        self.process.wait()
        self._close()

    def release(self) -> None:
        """Let the process run on when this one ends."""
        os.write(self._write_end, b"k")
        self._close()

    def _close(self) -> None:
        with suppress(OSError):
            os.close(self._write_end)
        self._write_end = -1


def kill_group(group: int) -> None:
    """Send SIGKILL to a process group, unless it has ended."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def exit_with_parent(descriptor: int) -> None:
    """Kill this process's group as soon as the other end of the pipe is closed."""

    def wait_for_the_end() -> None:
        if os.read(descriptor, 1) == b"":
            os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=wait_for_the_end, name="parent pipe", daemon=True).start()


def under_parent(command: Sequence[str]) -> list[str]:
    """Return the command that runs a program which does not call `exit_with_parent`."""
    return [sys.executable, "-m", "local_cloud.child_process", "{parent_pipe}", *command]


def package_path() -> str:
    """Return the folder that PYTHONPATH must name for `python -m local_cloud.…`."""
    return str(_PACKAGE_ROOT)


def _main() -> int:
    exit_with_parent(int(sys.argv[1]))
    os.environ.pop("PYTHONPATH", None)  # only this module needs it
    child = subprocess.Popen(sys.argv[2:])

    def pass_on(number: int, _frame: FrameType | None) -> None:
        child.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    return child.wait()


if __name__ == "__main__":
    raise SystemExit(_main())
