"""`s3leader run` as a process on a bucket in its memory; the last lock is written to a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = """
import json, os, pathlib, sys
from s3leader import testing
from s3leader._io.memory_store import Fault, MemoryStore
from s3leader_cli.__main__ import main

store = MemoryStore()

def elect(options):
    election = testing.election(
        options.election, store=store, lease=options.lease, max_attempts=options.max_attempts,
        long_ledger=options.long_ledger,
    )
    exec(os.environ.get("BEFORE", ""), globals() | {"election": election})
    return election

code = main(elect=elect)
lock = testing.election("nightly", store=store).observe()
pathlib.Path(os.environ["LOCK"]).write_text("null" if lock is None else lock.encode().decode())
sys.exit(code)
"""


class Wrapper:
    """Runs the wrapper's command line in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = folder / "program.py"
        self.program.write_text(PROGRAM)
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.environment = kept | {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "S3LEADER_BUCKET": "locks",
            "LOCK": str(folder / "lock.json"),
            "TMPDIR": str(folder),
        }

    def command(self, *words: str) -> list[str]:
        return [sys.executable, str(self.program), "run", "nightly", *words]

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words), check=False, text=True, capture_output=True,
            env=self.environment | more,
        )  # fmt: skip

    def start(self, *words: str, **more: str) -> subprocess.Popen[str]:
        """Start it with pipes, to be used as a context manager."""
        return subprocess.Popen(
            self.command(*words), text=True, env=self.environment | more,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def lock(self) -> dict[str, Any]:
        """Return the body of the last lock, as the wrapper has left it."""
        body: dict[str, Any] = json.loads((self.folder / "lock.json").read_text())
        return body

    def has_lock(self) -> bool:
        """Whether a term was started; a usage error ends the test program before it is noted."""
        path = self.folder / "lock.json"
        return path.exists() and path.read_text() != "null"

    def ended(self) -> tuple[str | None, str | None]:
        """Return the outcome of the last term, and its reason."""
        lock = self.lock()
        return lock["outcome"], lock["reason"]


def line(process: subprocess.Popen[str]) -> str:
    """Return the next line of the command's output."""
    assert process.stdout is not None
    return process.stdout.readline()
