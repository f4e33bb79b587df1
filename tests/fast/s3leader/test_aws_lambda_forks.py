"""A handler that forks: what the fork reports when it leaves the handler, and what its parent."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stdout

import pytest

from s3leader import Term
from tests.fast.s3leader._lambda.invocations import TICK, Context, World
from tests.fast.s3leader.forks import FORKS

pytestmark = FORKS


def fork_leaving(
    leave: Callable[[Term], object],
    world: World,
    *,
    before: Callable[[Term], object] = lambda _: None,
) -> tuple[str, str]:
    """Invoke a handler that does `before`, then forks, and whose fork does `leave`.

    Returns the result or the error of the fork's invocation, and the fork's output.
    """
    reading, writing = os.pipe()
    parent = os.getpid()

    def work(term: Term) -> object:
        before(term)
        child = os.fork()
        if child == 0:
            sys.stdout = world.output = io.StringIO()
            return leave(term)
        os.waitpid(child, 0)
        return "the parent's"

    try:
        with redirect_stdout(world.output):
            said = json.dumps(world.job(work)({"tick": TICK}, Context()))
    except BaseException as error:
        if os.getpid() == parent:
            raise
        said = f"{type(error).__name__}: {error}"
    if os.getpid() != parent:
        os.write(writing, json.dumps([said, world.output.getvalue()]).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        of_child: list[str] = json.loads(pipe.read())
    answer, written = of_child
    return answer, written


def exits(_: Term) -> None:
    sys.exit(0)


def returns(_: Term) -> str:
    return "the fork's"


def fails(_: Term) -> None:
    raise ZeroDivisionError


def defers(_: Term) -> object:
    return iter("the fork's")


@pytest.mark.parametrize("leave", [exits, returns, fails, defers])
def test_a_fork_that_leaves_the_handler_reports_nothing(leave: Callable[[Term], object]) -> None:
    _, written = fork_leaving(leave, World())
    assert written == ""


@pytest.mark.parametrize("leave", [exits, returns, fails, defers])
def test_the_process_that_won_reports_its_term_once(
    leave: Callable[[Term], object],
) -> None:
    world = World()
    fork_leaving(leave, world)
    (only,) = world.blobs()
    assert {name: only.values.get(name) for name in ("Won", "Completed", "Failed")} == {
        "Won": 1,
        "Completed": 1,
        "Failed": None,
    }


def test_a_fork_that_returns_does_not_report_a_completed_tick() -> None:
    answer, _ = fork_leaving(returns, World())
    assert answer.startswith("LeadershipLost: ")
    assert "fork" in answer


def test_a_fork_of_a_resigned_term_does_not_report_it() -> None:
    world = World()
    answer, written = fork_leaving(returns, world, before=lambda term: term.resign("failed"))
    assert (answer.split(":")[0], written) == ("LeadershipLost", "")


@pytest.mark.parametrize(("leave", "error"), [(exits, "SystemExit"), (fails, "ZeroDivisionError")])
def test_an_exception_of_a_fork_is_not_replaced(
    leave: Callable[[Term], object], error: str
) -> None:
    answer, _ = fork_leaving(leave, World())
    assert answer.split(":")[0] == error
