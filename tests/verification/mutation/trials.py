"""Runs the tests that reach a mutant, for each mutant in a process of its own.

The tests are collected once. A mutant of a function's body is a fork of that process in which the
function has other code (`__code__`), so nothing is imported or collected again. Whatever is
evaluated on import needs a fresh interpreter, with a changed copy of the package first on its path.

A first run under a tracer finds which lines each test reaches and how long it takes. A mutant gets
the tests that reach its lines, cheapest and most successful first, and is killed by the first that
fails, or that takes several times the processor time that it took before.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, Final, NoReturn

import pytest

from tests.verification.mutation.mutants import Mutant

_SLOWER: Final = 5  # than in the first run, and a mutant is taken for one that never ends
_GRACE_S: Final = 1
_STALLED_S: Final = 600  # without any use of the processor: a deadlock
_MEMORY: Final = 4 * 2**30
_KILLED, _SURVIVED = 1, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The top-level package at `root / folder`, whose subpackage `within` is changed.

    `within` is empty for the top-level package itself. `path` are the roots of imports beside it.
    """

    root: Path
    folder: str
    within: str
    path: tuple[str, ...]

    @property
    def package(self) -> str:
        """The dotted name of the package that is changed."""
        return ".".join(filter(None, (Path(self.folder).name, self.within)))

    def file(self, module: str) -> Path:
        """Return the file of a module."""
        return self.root / self.folder / self.within / f"{module}.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What one test reaches, and the processor time that it takes."""

    seconds: float
    lines: dict[str, set[int]]  # by module


class Trials:
    """A pytest plugin that, instead of running the tests, tries every mutant with them."""

    def __init__(self, target: Target, mutants: list[Mutant], *, processes: int) -> None:
        """Try `mutants`, so many at a time."""
        self._target, self._mutants, self._processes = target, mutants, processes
        self._kills: Counter[str] = Counter()
        self._running: dict[int, tuple[Mutant, Path]] = {}
        self.survivors: list[Mutant] = []
        self.failed: list[str] = []  # without any change
        self.unreached: set[int] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Take the place of pytest's own loop."""
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            reach = self._first_run(session.items, folder / "reach.json")
            for number, mutant in enumerate(self._mutants if not self.failed else []):
                chosen = self._chosen(mutant, reach)
                items = [item for item in session.items if item.nodeid in chosen]
                items.sort(key=lambda item: chosen[item.nodeid])
                while len(self._running) >= self._processes:
                    self._reap()
                self._start(mutant, items, reach, folder / str(number))
            while self._running:
                self._reap()
        return True

    def _first_run(self, items: list[pytest.Item], result: Path) -> dict[str, Reach]:
        modules = {mutant.module for mutant in self._mutants}
        files = {
            str(importlib.import_module(f"{self._target.package}.{name}").__file__): name
            for name in modules
        }
        if (pid := os.fork()) == 0:
            _quiet(_first_run, items, files, result)
        os.waitpid(pid, 0)
        told: dict[str, Any] = {"failed": ["all of them"]}
        if result.exists():
            told = json.loads(result.read_text())
        self.failed = told["failed"]
        return {
            test: Reach(seconds=seconds, lines={name: set(there) for name, there in lines.items()})
            for test, (seconds, lines) in told.get("reach", {}).items()
        }

    def _chosen(self, mutant: Mutant, reach: dict[str, Reach]) -> dict[str, float]:
        """Return the tests that reach a mutant, with how late each should come."""
        lines = set(range(mutant.first, mutant.last + 1)) if mutant.function else None
        return {
            test: one.seconds / (1 + self._kills[test])
            for test, one in reach.items()
            if (there := one.lines.get(mutant.module)) and (lines is None or there & lines)
        }

    def _start(
        self, mutant: Mutant, items: list[pytest.Item], reach: dict[str, Reach], result: Path
    ) -> None:
        if not items:
            self.survivors.append(mutant)
            self.unreached.add(id(mutant))
            return
        seconds = {item.nodeid: reach[item.nodeid].seconds for item in items}
        if (pid := os.fork()) == 0:
            if _put(self._target, mutant):
                _quiet(_try, items, seconds, result)
            _quiet(_try_afresh, self._target, mutant, items, sum(seconds.values()), result)
        self._running[pid] = (mutant, result)

    def _reap(self) -> None:
        pid, status = os.wait()
        mutant, result = self._running.pop(pid)
        if os.waitstatus_to_exitcode(status) == _SURVIVED:
            self.survivors.append(mutant)
            print(f"  {mutant.module}.py:{mutant.first} survives", flush=True)
        elif result.is_file():
            self._kills[result.read_text()] += 1


# --------------------------------------------------------------------------- in a forked process


def _quiet(action: Any, *arguments: Any) -> NoReturn:
    """Do something without a word, and never return into the code of the starting process."""
    status = 70
    try:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        with suppress(OSError, ValueError):  # macOS does not limit it
            resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        status = action(*arguments)
    finally:
        os._exit(status)


def _first_run(items: list[pytest.Item], files: dict[str, str], result: Path) -> int:
    reach: dict[str, tuple[float, dict[str, list[int]]]] = {}
    failed: list[str] = []
    for number, item in enumerate(items):
        tracer, began = _Tracer(files), time.process_time()
        with tracer:
            bad = _fails(item, items[number + 1] if number + 1 < len(items) else None)
        if bad:
            failed.append(item.nodeid)
        reach[item.nodeid] = (time.process_time() - began, tracer.told())
    result.write_text(json.dumps({"reach": reach, "failed": failed}))
    return 0


def _try(items: list[pytest.Item], seconds: dict[str, float], result: Path) -> int:
    for item, following in zip(items, [*items[1:], None], strict=True):
        result.write_text(item.nodeid)
        signal.setitimer(signal.ITIMER_PROF, _GRACE_S + _SLOWER * seconds[item.nodeid])
        signal.alarm(_STALLED_S)
        if _fails(item, following):
            return _KILLED
    return _SURVIVED


def _try_afresh(
    target: Target, mutant: Mutant, items: list[pytest.Item], seconds: float, folder: Path
) -> int:
    """Run the files of the tests in a new interpreter, with a changed copy of the package. The
    files that are named after the module come first: collecting all of them takes longest.
    """
    copy = folder / Path(target.folder).name
    shutil.copytree(target.root / target.folder, copy)
    (copy / target.within / f"{mutant.module}.py").write_text(mutant.source)
    limit = int(_SLOWER * (_GRACE_S + seconds)) + 60
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    path = " ".join([str(folder), *target.path])
    command = [sys.executable, "-m", "pytest", "-x", *OPTIONS, "-o", f"pythonpath={path}"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    files = list(dict.fromkeys(item.nodeid.partition("::")[0] for item in items))
    named = [file for file in files if mutant.module in Path(file).stem]
    others = [file for file in files if file not in named]
    for some in filter(None, (named, others)):
        done = subprocess.run(
            [*command, *some], cwd=target.root, env=env, check=False, timeout=_STALLED_S
        )
        if done.returncode:
            return _KILLED
    return _SURVIVED


OPTIONS: Final = (
    "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--import-mode=importlib",
    "--hypothesis-profile=ci",
)  # fmt: skip


def _fails(item: pytest.Item, following: pytest.Item | None) -> bool:
    """Run one test as pytest does."""
    from _pytest.runner import runtestprotocol  # noqa: PLC0415 - pytest has no public name for it

    reports = runtestprotocol(item, log=False, nextitem=following)
    return any(report.failed for report in reports)


def _put(target: Target, mutant: Mutant) -> bool:
    """Give the function its changed code; False if that is not enough."""
    if mutant.function is None:
        return False
    function: Any = importlib.import_module(f"{target.package}.{mutant.module}")
    for name in mutant.function.split("."):
        function = vars(function)[name]
        function = getattr(function, "fget", None) or function
        function = getattr(function, "__func__", function)
    function = getattr(function, "__wrapped__", function)
    whole = compile(mutant.source, str(target.file(mutant.module)), "exec", dont_inherit=True)
    code = _find(whole, mutant.function)
    if not isinstance(function, FunctionType) or code is None:
        return False
    if code.co_freevars != function.__code__.co_freevars:
        return False
    function.__code__ = code
    return True


def _find(code: CodeType, name: str) -> CodeType | None:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_qualname == name:
                return constant
            if (found := _find(constant, name)) is not None:
                return found
    return None


class _Tracer:
    """Notes which lines of some files are executed, in all threads that start within its block."""

    def __init__(self, files: dict[str, str]) -> None:
        self._reached: dict[str, tuple[str, set[int]]] = {
            file: (module, set()) for file, module in files.items()
        }

    def __enter__(self) -> None:
        threading.settrace(self._trace)
        sys.settrace(self._trace)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        threading.settrace(None)

    def _trace(self, frame: FrameType, event: str, _: object) -> Any:
        found = self._reached.get(frame.f_code.co_filename)
        if found is None:
            return None
        found[1].add(frame.f_lineno)
        return self._trace

    def told(self) -> dict[str, list[int]]:
        return {module: sorted(lines) for module, lines in self._reached.values() if lines}
