"""A gate asks its memory about each token, and refuses lower ones by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from s3leader._core.fencing_header import SAFE_METHODS, FencingToken, Problem
from s3leader._io.token_gate import NeedsMemory, NotChecked, TokenGate
from s3leader.errors import InvalidArgument, StaleToken, StoreUnavailable
from s3leader.fencing.http import ProcessMemory, SqlMemory
from s3leader.testing import FakeClock

SECOND = timedelta(seconds=1)


class Memory:
    """A memory of the whole server, which counts how often it is asked."""

    def __init__(self) -> None:
        self.highest = 0
        self.asked: list[int] = []
        self.before: Callable[[], object] = lambda: None

    def claim(self, *, token: int) -> None:
        self.asked.append(token)
        self.before()
        if token < self.highest:
            raise StaleToken(key="memory", token=token, written_token=self.highest)
        self.highest = token


class Process:
    """One process of the server."""

    def __init__(self, memory: Any, clock: FakeClock | None = None, **options: Any) -> None:
        defaults: dict[str, Any] = {"required": True, "exempt_methods": SAFE_METHODS, "cache": None}
        clock = clock or FakeClock()
        self.gate = TokenGate("e", memory, clock_ms=clock.read_ms, **defaults | options)

    def send(self, token: int | None, method: str = "POST") -> int | None:
        """Send a request; return its token if it is admitted, the status if it is refused."""
        values = [] if token is None else [FencingToken("e", token).format()]
        answer = self.gate.decide(method, values)
        if isinstance(answer, NeedsMemory):
            answer = self.gate.check_with_memory(answer.token)
        if isinstance(answer, NotChecked):
            return None
        return -answer.status.value if isinstance(answer, Problem) else answer.token


def test_lower_tokens_are_refused_and_equal_and_higher_ones_pass() -> None:
    process = Process(Memory())
    assert [process.send(token) for token in (3, 3, 5, 3, 5, 7, 6)] == [3, 3, 5, -409, 5, 7, -409]


def test_a_lower_token_is_refused_without_asking() -> None:
    memory = Memory()
    process = Process(memory)
    process.send(5)
    process.send(3)
    assert memory.asked == [5]


def test_a_lower_token_that_the_memory_took_before_a_higher_one_is_not_let_through_after_it() -> (
    None
):
    """Its thread pauses between the memory's answer and its own, and a higher one passes."""
    memory = Memory()
    process = Process(memory)

    def answer_late(*, token: int) -> None:
        Memory.claim(memory, token=token)
        if token == 5:
            assert process.send(6) == 6

    memory.claim = answer_late  # type: ignore[method-assign]
    assert process.send(5) == -409


def test_what_another_process_has_seen_is_asked_for_also_if_the_token_is_known_here() -> None:
    memory = Memory()
    first, second = Process(memory), Process(memory)
    assert first.send(3) == 3
    assert second.send(5) == 5
    assert first.send(3) == -409
    assert first.send(4) == -409
    assert memory.asked == [3, 5, 3]


def test_a_cached_token_passes_without_asking_for_its_time_and_no_longer() -> None:
    memory, clock = Memory(), FakeClock()
    process = Process(memory, clock, cache=SECOND)
    for seconds in (0, 0.5, 0.499):
        clock.sleep(seconds)
        assert process.send(3) == 3
    assert memory.asked == [3]
    clock.sleep(0.001)
    memory.highest = 5
    assert process.send(3) == -409


def test_a_token_that_the_memory_has_confirmed_again_passes_for_its_time_again() -> None:
    memory, clock = Memory(), FakeClock()
    process = Process(memory, clock, cache=SECOND)
    for seconds in (0, 1, 0.999):
        clock.sleep(seconds)
        assert process.send(3) == 3
    assert memory.asked == [3, 3]


def test_a_late_answer_to_a_lower_token_does_not_prolong_the_time_of_a_higher_one() -> None:
    memory, clock = Memory(), FakeClock()
    process = Process(memory, clock, cache=SECOND)
    assert process.send(5) == 5
    process.gate._learn(3, fresh_until_ms=clock.read_ms() + 60_000)
    clock.sleep(1)
    memory.highest = 7
    assert process.send(5) == -409


def test_the_time_of_a_cached_token_begins_before_the_memory_is_asked() -> None:
    memory, clock = Memory(), FakeClock()
    process = Process(memory, clock, cache=SECOND)
    memory.before = lambda: clock.sleep(1)
    process.send(3)
    memory.highest = 5
    assert process.send(3) == -409


def test_a_token_that_is_known_from_a_refusal_is_asked_for_all_the_same() -> None:
    memory = Memory()
    memory.highest = 5
    process = Process(memory, cache=SECOND)
    assert process.send(3) == -409
    memory.highest = 7
    assert process.send(5) == -409


def test_a_token_that_is_known_from_a_refusal_is_asked_for_while_a_lower_one_is_cached() -> None:
    memory = Memory()
    process = Process(memory, cache=SECOND)
    assert process.send(3) == 3
    memory.highest = 5
    assert process.send(4) == -409
    memory.highest = 7
    assert process.send(5) == -409


def test_the_first_token_is_asked_for_also_on_a_machine_that_has_just_started() -> None:
    memory = Memory()
    memory.highest = 2
    process = Process(memory, FakeClock(datetime(1970, 1, 1, tzinfo=UTC)), cache=SECOND)
    assert process.send(1) == -409


def test_a_token_that_is_known_from_a_refusal_is_asked_for_on_such_a_machine_too() -> None:
    memory = Memory()
    memory.highest = 5
    process = Process(memory, FakeClock(datetime(1970, 1, 1, tzinfo=UTC)), cache=SECOND)
    assert process.send(3) == -409
    memory.highest = 7
    assert process.send(5) == -409


def test_an_answer_to_an_earlier_question_does_not_shorten_the_time_of_a_cached_token() -> None:
    memory, clock = Memory(), FakeClock()
    process = Process(memory, clock, cache=SECOND)

    def meanwhile() -> None:
        memory.before = lambda: None
        clock.sleep(0.9)
        assert process.send(3) == 3

    memory.before = meanwhile
    assert process.send(3) == 3
    clock.sleep(0.6)
    assert (process.send(3), memory.asked) == (3, [3, 3])


def test_a_cache_of_no_time_asks_for_each_token() -> None:
    memory = Memory()
    process = Process(memory, cache=timedelta(0))
    assert [process.send(3), process.send(3), memory.asked] == [3, 3, [3, 3]]


def test_a_higher_token_is_asked_for_while_another_is_cached() -> None:
    memory = Memory()
    process = Process(memory, cache=SECOND)
    assert [process.send(token) for token in (3, 5, 3, 5)] == [3, 5, -409, 5]
    assert memory.asked == [3, 5]


def test_a_memory_that_does_not_answer_lets_nothing_pass_and_teaches_nothing() -> None:
    memory = Memory()
    process = Process(memory)

    def fail() -> None:
        raise StoreUnavailable("no answer")

    memory.before = fail
    assert process.send(5) == -503
    memory.before = lambda: None
    assert process.send(3) == 3


def test_another_error_of_the_memory_is_the_caller_s() -> None:
    memory = Memory()
    memory.before = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        Process(memory).send(3)


def test_a_guarded_request_needs_a_token_unless_it_is_optional() -> None:
    assert Process(Memory()).send(None) == -428
    assert Process(Memory(), required=False).send(None) is None


@pytest.mark.parametrize("method", sorted(SAFE_METHODS))
def test_safe_methods_pass_without_a_check(method: str) -> None:
    memory = Memory()
    process = Process(memory)
    assert process.gate.decide(method, ["malformed"]) == NotChecked()
    assert memory.asked == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "QUERY", "get"])
def test_all_other_methods_are_guarded(method: str) -> None:
    assert Process(Memory()).send(None, method) == -428


def test_all_methods_are_guarded_if_none_is_excepted() -> None:
    assert Process(Memory(), exempt_methods=()).send(None, "GET") == -428


OTHERS = SqlMemory(print, "another")  # the memory of another election
BAD: list[dict[str, Any]] = [
    {"election": "a//b"},
    {"memory": object()},
    {"exempt_methods": "GET"},
    {"exempt_methods": ["get"]},
    {"exempt_methods": [1]},
    {"exempt_methods": None},
    {"cache": -SECOND},
    {"cache": 1},
    {"memory": ProcessMemory},
    {"memory": OTHERS},
]


@pytest.mark.parametrize("wrong", BAD, ids=lambda wrong: next(iter(wrong)))
def test_a_bad_option_is_refused_when_the_gate_is_made(wrong: dict[str, Any]) -> None:
    good = {
        "election": "e",
        "memory": Memory(),
        "required": True,
        "exempt_methods": (),
        "cache": None,
    }
    (name,) = wrong
    named = "election" if wrong[name] is OTHERS else name
    with pytest.raises(InvalidArgument, match=named):
        TokenGate(**{**good, **wrong})


def test_a_memory_of_the_same_election_is_taken() -> None:
    Process(SqlMemory(print, "e"))
