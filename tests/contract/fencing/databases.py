"""PostgreSQL and MariaDB on loopback, from the programs of this machine, in a folder of their own.

They do not run as root, so root starts them as `nobody`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pymysql
import pytest

from local_cloud.child_process import ChildProcess, package_path, under_parent
from tests.contract.servers import PATIENCE_S, free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_NOBODY = 65534
_AS_NOBODY = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
# A crash loses what they hold, and nobody minds.
_POSTGRESQL = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB"]
_MARIADB = ["--innodb-log-file-size=4M", "--innodb-buffer-pool-size=8M"]
_MARIADB += ["--innodb-flush-log-at-trx-commit=0"]


@contextmanager
def postgresql() -> Iterator[str]:
    """Run PostgreSQL; yield the address of its database."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    programs = ("initdb", "postgres", "pg_ctl")
    initdb, server, control = (_program(name, folders) for name in programs)
    with _folder() as folder:
        data = folder / "data"
        make = [initdb, "-D", str(data), "-A", "trust", "-U", "postgres", "--no-sync"]
        subprocess.run(
            [*_user(), *make, "--no-locale", "-E", "UTF8"],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (port,) = free_ports(1)
        command = [server, "-D", str(data), "-p", str(port), "-k", str(folder)]
        command += ["-c", "listen_addresses=127.0.0.1"]
        for setting in _POSTGRESQL:
            command += ["-c", setting]
        address = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        with _running(command, folder, lambda: psycopg.connect(address)):
            try:
                yield address
            finally:  # not by SIGKILL: that leaves a segment of shared memory behind
                stop = [control, "stop", "-D", str(data), "-m", "immediate"]
                subprocess.run([*_user(), *stop], cwd=folder, check=True, capture_output=True)


@contextmanager
def mariadb() -> Iterator[int]:
    """Run MariaDB, without accounts; yield its port. It has a database `fenced`."""
    server = _program("mariadbd", [Path("/usr/sbin")])
    with _folder() as folder:
        (port,) = free_ports(1)
        command = [server, "--no-defaults", f"--datadir={folder}/data", "--skip-grant-tables"]
        command += ["--bind-address=127.0.0.1", f"--port={port}", f"--socket={folder}/socket"]
        command += [f"--pid-file={folder}/pid", f"--tmpdir={folder}", *_MARIADB]
        (folder / "data").mkdir()
        _give(folder / "data")

        def connect() -> Any:
            return pymysql.connect(host="127.0.0.1", port=port, user="root")

        with _running(command, folder, connect):
            with connect() as connection, connection.cursor() as cursor:
                cursor.execute("CREATE DATABASE fenced")
            yield port


def _program(name: str, folders: Sequence[Path]) -> str:
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")])
    found = shutil.which(name, path=path)
    if found is None:
        pytest.skip(f"{name} is not on this machine")
    return found


def _user() -> list[str]:
    return _AS_NOBODY if os.geteuid() == 0 else []


def _give(folder: Path) -> None:
    if os.geteuid() == 0:
        os.chown(folder, _NOBODY, _NOBODY)


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that `nobody` can reach, which pytest's are not."""
    folder = Path(tempfile.mkdtemp(prefix="s3leader-", dir="/tmp"))
    try:
        _give(folder)
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _running(command: Sequence[str], folder: Path, connect: Callable[[], Any]) -> Iterator[None]:
    log = folder / "log.txt"
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": package_path()}
    with log.open("wb") as output:
        child = ChildProcess(under_parent([*_user(), *command]), env=env, cwd=folder, output=output)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                connect().close()
            except (psycopg.OperationalError, pymysql.OperationalError):
                if time.monotonic() > deadline or child.process.poll() is not None:
                    raise RuntimeError(log.read_text(errors="replace")[-2000:]) from None
                time.sleep(0.05)
            else:
                break
        yield
    finally:
        child.kill()
