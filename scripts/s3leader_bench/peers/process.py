"""A child process of a library, as the benchmark controls it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self


class PeerProcess:
    """A child for as long as a `with` block runs. `library` stands in its errors."""

    def __init__(
        self, library: str, command: Sequence[str], env: Mapping[str, str], log: Path
    ) -> None:
        self._library = library
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                command,
                env=dict(env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, do: str, **arguments: object) -> Any:  # noqa: ANN401 - JSON
        """Perform a command; return its result."""
        answer = self._exchange(do, arguments)
        if not answer:
            raise RuntimeError(f"{self._library} ended during {do}:\n{self._last_words()}")
        found = json.loads(answer)
        if "error" in found:
            raise RuntimeError(f"{self._library} failed to {do}:\n{found['error']}")
        return found["result"]

    def crash(self, **arguments: object) -> None:
        """Let it lead and die in the middle of its term."""
        if self._exchange("crash", arguments):
            raise RuntimeError(f"expected {self._library} to lead and die, it did not")
        self._process.wait()

    def _exchange(self, do: str, arguments: Mapping[str, object]) -> str:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None  # noqa: S101 - a pipe was asked for
        assert stdout is not None  # noqa: S101
        try:
            stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            stdin.flush()
        except BrokenPipeError:
            return ""
        return stdout.readline()

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]
