"""No test depends on how fast the machine is."""

import ast
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

TESTS = Path(__file__).parents[1]
# Where what is tested runs in real time: servers, and processes beside them.
REAL_TIME = {"contract", "local_cloud", "verification"}


def test_examples_that_take_a_thousand_times_as_long_are_no_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    began, real = time.perf_counter(), time.perf_counter
    monkeypatch.setattr(time, "perf_counter", lambda: began + 1000 * (real() - began))

    @given(st.lists(st.text(min_size=5), min_size=5))
    def any_property(texts: list[str]) -> None:
        assert texts

    any_property()


def test_only_tests_of_servers_sleep() -> None:
    sleeping = {
        path.relative_to(TESTS).as_posix()
        for path in TESTS.rglob("*.py")
        if path.relative_to(TESTS).parts[0] not in REAL_TIME
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "time.sleep"
    }
    assert sleeping == set()
