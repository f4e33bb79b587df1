"""Random histories: producers at any time, and leaders that crash or pause at any request."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st

from compaction import Limits
from tests.fast.compaction.fake_s3 import REQUESTS, Perform
from tests.fast.compaction.world import ENDS, At, Crashed, World, echo, lose_answer, lose_request


class Fault(Enum):
    """The fault that a leader meets at one of its requests."""

    NONE = auto()
    CRASH_BEFORE = auto()
    CRASH_AFTER = auto()
    CRASH_IN_FLIGHT = auto()
    ANSWER_LOST = auto()
    REQUEST_LOST = auto()
    ECHO = auto()
    PAUSED = auto()


@dataclass(frozen=True)
class Leader:
    """One term: `produced` objects arrive before it, and its `nth` request meets the fault.

    S3 refuses to delete each `held`-th input during the term, none if that is 0.
    """

    fault: Fault
    nth: int
    produced: int
    late_arrive: bool  # whether requests in flight arrive before this term
    held: int


LEADERS = st.builds(
    Leader,
    fault=st.sampled_from(Fault),
    nth=st.integers(0, 40),
    produced=st.integers(0, 4),
    late_arrive=st.booleans(),
    held=st.integers(0, 3),
)


class History:
    """Leads terms one after the other; a paused leader continues after all later ones."""

    def __init__(self) -> None:
        self.world = World(
            limits=Limits(batch_objects=3, readers=1, manifest_parts=3, undeleted_inputs=4)
        )
        self.in_flight: list[Perform] = []
        self._produced = 0

    def play(self, leaders: list[Leader]) -> None:
        while leaders:
            leader = leaders.pop(0)
            if leader.late_arrive:
                self.deliver()
            self._produce(leader.produced)
            self._lead(leader, leaders)

    def deliver(self) -> None:
        while self.in_flight:
            with contextlib.suppress(*ENDS):
                self.in_flight.pop()()

    def _produce(self, count: int) -> None:
        for _ in range(count):
            self._produced += 1
            # The order of keys is unrelated to the order of time.
            name = f"{self._produced * 7919 % 1000:04}-{self._produced}"
            lines = [b'{"n": %d}' % self._produced, b"X"]
            self.world.produce(name, lines, packed=self._produced % 2 == 0)

    def _lead(self, leader: Leader, others: list[Leader]) -> None:
        if leader.fault is not Fault.NONE:
            At(self.world.s3, leader.nth, self._hook(leader.fault, others), counts=REQUESTS)
        self._hold(leader.held)
        with contextlib.suppress(*ENDS):
            self.world.lead()
        self.world.s3.hook = None

    def _hold(self, every: int) -> None:
        """Let S3 refuse some deletions until the next call."""
        self.world.s3.undeletable = {
            key: "AccessDenied"
            for key in self.world.s3.list_keys("events/")
            if every and int(key.rpartition("-")[2]) % every == 0
        }

    def _hook(self, fault: Fault, others: list[Leader]) -> Any:
        def hook(name: str, perform: Perform) -> Any:
            match fault:
                case Fault.CRASH_IN_FLIGHT:
                    self.in_flight.append(perform)
                case Fault.CRASH_AFTER:
                    perform()
                case Fault.ANSWER_LOST:
                    return lose_answer(name, perform)
                case Fault.REQUEST_LOST:
                    return lose_request(name, perform)
                case Fault.ECHO:
                    return echo(name, perform)
                case Fault.PAUSED:
                    self.play(others)
                    return perform()
            raise Crashed(name)

        return hook


@settings(max_examples=150, deadline=None)
@given(st.lists(LEADERS, max_size=8))
def test_every_line_comes_out_once_in_any_history(leaders: list[Leader]) -> None:
    note(f"{leaders}")
    history = History()
    history.play(list(leaders))
    history.deliver()
    history.world.s3.undeletable = {}
    history.world.lead()
    history.world.lead()
    assert not history.world.faults()
