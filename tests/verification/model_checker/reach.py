"""Which statements and outcomes of the shipped generators the scenarios reach.

A statement is reached if a line of it was executed; an `if`, `while` or `for` must also have been
left both ways. Conditional expressions and the parts of `and` and `or` count as part of their
statement.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, TypeAlias

from .machine import Machine

Trace: TypeAlias = "Callable[[FrameType, str, Any], Trace | None]"
Statement: TypeAlias = ast.If | ast.For | ast.While
LEFT = -1  # where a function is left


class Reach:
    """Watches the lines of some modules, and which line follows which."""

    def __init__(self, *modules: ModuleType) -> None:
        self._sources = {str(module.__file__): module.__name__ for module in modules}
        self._arcs: dict[str, set[tuple[int, int]]] = {file: set() for file in self._sources}
        self._last: dict[FrameType, int] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the generators that every `Machine` runs."""
        visit = Machine._visit

        def visit_watched(machine: Machine, index: int, history: tuple[Any, ...]) -> int:
            sys.settrace(self._called)
            try:
                return visit(machine, index, history)
            finally:
                sys.settrace(None)
                self._last.clear()

        Machine._visit = visit_watched  # type: ignore[assignment,method-assign]
        try:
            yield
        finally:
            Machine._visit = visit  # type: ignore[method-assign]

    def unreached(self) -> list[str]:
        """Return what was not reached, as `function: statement`."""
        return [
            f"{function}: {describe}"
            for file in self._sources
            for function, describe in _unreached(Path(file).read_text(), self._arcs[file])
        ]

    def _called(self, frame: FrameType, event: str, _: Any) -> Trace | None:
        if frame.f_code.co_filename not in self._sources:
            return None
        self._last.setdefault(frame, frame.f_lineno)
        return self._stepped

    def _stepped(self, frame: FrameType, event: str, _: Any) -> Trace | None:
        line = LEFT if event == "return" else frame.f_lineno
        if event == "line":
            self._arcs[frame.f_code.co_filename].add((self._last.get(frame, line), line))
            self._last[frame] = line
        elif event == "return":  # a generator also returns when it yields; then it goes on
            self._arcs[frame.f_code.co_filename].add((self._last.get(frame, line), line))
        return self._stepped


def _unreached(source: str, arcs: set[tuple[int, int]]) -> Iterator[tuple[str, str]]:
    lines = source.splitlines()
    entered = {line for _, line in arcs}
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        for statement in ast.walk(function):
            if not isinstance(statement, ast.stmt) or _is_docstring(statement):
                continue
            if isinstance(statement, ast.FunctionDef | ast.Try | ast.With):
                continue
            if isinstance(statement, ast.AnnAssign) and statement.value is None:
                continue
            describe = lines[statement.lineno - 1].strip()
            head = _head(statement)
            if not entered & set(head):
                yield function.name, describe
            elif isinstance(statement, Statement) and not _left_both_ways(statement, head, arcs):
                yield function.name, f"never otherwise: {describe}"


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _head(statement: ast.stmt) -> range:
    """Return the lines of a statement without those of its body."""
    if isinstance(statement, Statement):
        return range(statement.lineno, statement.body[0].lineno)
    return range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)


def _left_both_ways(statement: Statement, head: range, arcs: set[tuple[int, int]]) -> bool:
    if isinstance(statement, ast.While) and isinstance(statement.test, ast.Constant):
        return True
    inside = {*head, statement.body[0].lineno}
    return any(before in head and after not in inside for before, after in arcs)
