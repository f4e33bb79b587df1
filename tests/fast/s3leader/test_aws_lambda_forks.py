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
        answer, written = json.loads(pipe.read())
    return answer, written


def exits(_: Term) -> None:
    sys.exit(0)


def returns(_: Term) -> str:
    return "the fork's"


def fails(_: Term) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("leave", "error"),
    [(exits, "SystemExit: "), (returns, "LeadershipLost: "), (fails, "ZeroDivisionError: ")],
)
def test_only_the_process_that_won_reports_its_term_and_a_forks_error_is_raised(
    leave: Callable[[Term], object], error: str
) -> None:
    world = World()
    answer, written = fork_leaving(leave, world)
    assert (answer[: len(error)], written) == (error, "")
    (only,) = world.blobs()
    counted = {name: only.values.get(name) for name in ("Won", "Completed", "Failed")}
    assert counted == {"Won": 1, "Completed": 1, "Failed": None}


def test_a_fork_of_a_resigned_term_does_not_report_it() -> None:
    answer, written = fork_leaving(returns, World(), before=lambda term: term.resign("failed"))
    assert (answer.split(":")[0], written) == ("LeadershipLost", "")
