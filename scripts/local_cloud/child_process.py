"""Processes that cannot outlive the one that started them, however it ends.

The starter holds the write end of a pipe that nobody else has. Its death closes that end, SIGKILL
included, and the started process, which reads the other end, kills its own process group. A byte
on the pipe releases it instead: it then lives on by itself.

Our own Python programs call `exit_with_parent`. A foreign program (the CDK CLI) is run under this module:
`python -m local_cloud.child_process FD COMMAND …`.
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
    """A process in a group of its own, tied to this process by a pipe."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        output: IO[bytes] | int,
    ) -> None:
        """Start `command`, in which the argument `{parent_pipe}` becomes the pipe's number."""
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
        """The process group, which has the number of its first process."""
        return self.process.pid

    def kill(self) -> None:
        """End the whole group at once, and wait until its first process is gone."""
        kill_group(self.group)
        self.process.wait()
        self._close()

    def release(self) -> None:
        """Let the process live on when this one ends."""
        os.write(self._write_end, b"k")
        self._close()

    def _close(self) -> None:
        with suppress(OSError):
            os.close(self._write_end)
        self._write_end = -1


def kill_group(group: int) -> None:
    """Send SIGKILL to a process group; one that is gone already is fine."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def exit_with_parent(descriptor: int) -> None:
    """Kill this process's group as soon as the other end of the pipe is closed."""

    def wait_for_the_end() -> None:
        if os.read(descriptor, 1) == b"":
            os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=wait_for_the_end, name="parent pipe", daemon=True).start()


def under_parent(command: Sequence[str]) -> list[str]:
    """Wrap a foreign program, so that it can be given to `ChildProcess`."""
    return [sys.executable, "-m", "local_cloud.child_process", "{parent_pipe}", *command]


def package_path() -> str:
    """Return the folder that PYTHONPATH must name for `python -m local_cloud.…`."""
    return str(_PACKAGE_ROOT)


def _main() -> int:
    exit_with_parent(int(sys.argv[1]))
    os.environ.pop("PYTHONPATH", None)  # it was only for this module
    child = subprocess.Popen(sys.argv[2:])

    def pass_on(number: int, _frame: FrameType | None) -> None:
        child.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    return child.wait()


if __name__ == "__main__":
    raise SystemExit(_main())
