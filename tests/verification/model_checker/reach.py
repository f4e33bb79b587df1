"""Shows that the scenarios reach every statement of the protocol, and both sides of every branch.

A statement is reached if a line of it was executed; an `if`, `while` or `for` must also have been
left both ways. Conditional expressions and the parts of `and` and `or` count as part of their
statement.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Final, TypeAlias

from s3leader._core import (
    conditional_write,
    create_lock,
    holding,
    ledger,
    protocol,
    store_proof,
    sweep,
    waiting,
)

from .explore import explore
from .machine import Machine
from .scenarios import SCENARIOS

Trace: TypeAlias = "Callable[[FrameType, str, Any], Trace | None]"
Arcs: TypeAlias = set[tuple[int, int]]  # which line follows which
LEFT: Final = -1  # where a function is left
MODULES: Final = (
    conditional_write,
    create_lock,
    holding,
    ledger,
    protocol,
    store_proof,
    sweep,
    waiting,
)
REACHING: Final = (
    *(
        "later",
        "asleep",
        "saw-leader",
        "echo-first",
        "exhausted",
        "voids",
        "near",
        "seized",
        "paged",
    ),
    *("hint-ahead", "hint-behind", "hint-corrupt", "hint-denied", "no-tags", "original", "outage"),
    *(
        "no-create",
        "no-conditions",
        "operator",
        "refuses",
        "continued-waiting",
        "tick-ahead",
        "repeated",
    ),
)
UNREACHED: Final = {
    # A store that breaks its contract; `tests/fast/s3leader/_core/protocol` plays one.
    "seal_other: raise TypeError(": "a mistake of the caller",
    "_highest_after: raise _repeats(": "a list that repeats its continuation token",
    "_repeats: return StoreUnavailable(": "the same",
    'prove_store: yield from _seal_unproved(config, holding, "void: a probe': "a refused probe",
    "prove_store: raise": "the same",
    "_listed: raise TypeError(": "a store that answers a List with something else",
    "find_head: raise StoreUnavailable(": "a store that lists locks which it does not have",
    "find_head: never otherwise: for _ in range(READ_TRIES):": "the same",
    "nonce_in_body: return None": "a body that is no JSON is put in place of a lock that is held",
    # Days must pass with locks deleted: `days` and `probed-late` reach these.
    "write_until_known: return WriteConflict(reply=reply)": "a sealed lock, deleted later",
    # A candidate that is asked to stop ends here and sends nothing more; tested in `tests/fast`.
    '_wait_for_leader: return Lost(why="stopped"': "a campaign that is asked to stop",
    '_after_conflict: return Lost(why="stopped"': "the same",
    # Reads, writes nothing, and no rule rests on it; tested in `tests/fast`.
    "history: ": "an observer's",
    "extent: ": "an observer's",
    "_existing: ": "an observer's",
}


class Tracer:
    """Records the arcs of the generators that every `Machine` runs."""

    def __init__(self) -> None:
        self.arcs: dict[str, Arcs] = {str(module.__file__): set() for module in MODULES}
        self._last: dict[FrameType, int] = {}
        visit = Machine._visit

        def visit_traced(machine: Machine, index: int, history: tuple[Any, ...]) -> int:
            sys.settrace(self._called)
            try:
                return visit(machine, index, history)
            finally:
                sys.settrace(None)
                self._last.clear()

        Machine._visit = visit_traced  # type: ignore[assignment,method-assign]

    def _called(self, frame: FrameType, event: str, _: Any) -> Trace | None:
        if frame.f_code.co_filename not in self.arcs:
            return None
        self._last.setdefault(frame, frame.f_lineno)
        return self._stepped

    def _stepped(self, frame: FrameType, event: str, _: Any) -> Trace | None:
        if event in {"line", "return"}:
            line = LEFT if event == "return" else frame.f_lineno
            self.arcs[frame.f_code.co_filename].add((self._last.get(frame, line), line))
            if event == "line":  # a generator also returns when it yields; then it goes on
                self._last[frame] = line
        return self._stepped


def unreached(source: str, arcs: Arcs) -> Iterator[str]:
    """Yield what was not reached, as `function: statement`."""
    lines, entered = source.splitlines(), {line for _, line in arcs}
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        for statement in ast.walk(function):
            if not isinstance(statement, ast.stmt) or _is_no_step(statement):
                continue
            what = lines[statement.lineno - 1].strip()
            if not isinstance(statement, ast.If | ast.For | ast.While):
                last = statement.end_lineno or statement.lineno
                if entered.isdisjoint(range(statement.lineno, last + 1)):
                    yield f"{function.name}: {what}"
                continue
            body = statement.body[0].lineno
            head = range(statement.lineno, body)
            endless = isinstance(statement, ast.While) and isinstance(statement.test, ast.Constant)
            otherwise = any(one in head and after not in {*head, body} for one, after in arcs)
            if entered.isdisjoint(head):
                yield f"{function.name}: {what}"
            elif not endless and not otherwise:
                yield f"{function.name}: never otherwise: {what}"


def _is_no_step(statement: ast.stmt) -> bool:
    """Whether nothing is executed at its own line: docstrings, declarations, `try`, `with`."""
    if isinstance(statement, ast.Expr | ast.AnnAssign):
        return statement.value is None or isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.FunctionDef | ast.Try | ast.With)


def main() -> int:
    """Explore; exit with 1 if anything but `UNREACHED` is not reached, or if that is."""
    tracer = Tracer()
    for name in REACHING:
        explore(SCENARIOS[name], at_most=8_000, liveness=0)
    found: list[str] = []
    for file, arcs in tracer.arcs.items():
        found += unreached(Path(file).read_text(), arcs)
    wrong = [f"not reached: {line}" for line in found if not line.startswith(tuple(UNREACHED))]
    wrong += [
        f"reached: {known}" for known in UNREACHED if not any(u.startswith(known) for u in found)
    ]
    print("\n".join(wrong) or "every statement and both sides of every branch are reached")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
