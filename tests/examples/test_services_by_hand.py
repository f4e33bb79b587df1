"""The commands of `docs/recipes.md` with which a person tries a recipe by hand run as written."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.servers import free_ports
from tests.examples.test_services import PAGE, SERVICES, SOON_S

_, _, REST = PAGE.partition("## Try one by hand\n")
BLOCK = re.findall(r"```sh\n(.*?)```", REST, re.DOTALL)[0]
PRINTED = re.compile(r"polls with fencing token (\d+)")  # what a comment promises


class Shell:
    """A shell that a person types into, with the programs of this environment."""

    def __init__(self, folder: Path) -> None:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        clean = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
        self._process = subprocess.Popen(
            ["bash"], cwd=folder, env={**clean, "PATH": path, "HOME": str(folder)}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        self._watchdog = threading.Timer(3 * SOON_S, self.kill)
        self._watchdog.start()

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)

    def type(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def read_until(self, text: str) -> list[str]:
        assert self._process.stdout is not None
        lines = []
        for line in self._process.stdout:
            lines.append(line.rstrip("\n"))
            if text in line:
                return lines
        raise AssertionError("\n".join(lines))

    def close(self) -> None:
        self._watchdog.cancel()
        self.kill()
        self._process.communicate()


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    shutil.copy(SERVICES / "asyncio_service.py", tmp_path)
    shell = Shell(tmp_path)
    yield shell
    shell.close()


def test_the_commands_of_the_page_show_a_leader_and_its_successor(shell: Shell) -> None:
    port = str(free_ports(1)[0])
    install, *lines = BLOCK.replace("4566", port).splitlines()
    assert install.startswith("pip install ministack 's3leader")  # is in this environment
    for line in lines:
        shell.type(line)
        if promised := PRINTED.search(line):
            shell.read_until(f"polling with fencing token {promised[1]}")
        if line.startswith("s3leader history"):
            shell.type("echo shown")
            shown = "\n".join(shell.read_until("shown"))
            assert re.search(r"^ *2 .*\n(?:.*\n)* *1 .*completed", shown, re.MULTILINE), shown
    shell.type("wait; echo ended")
    shell.read_until("ended")
