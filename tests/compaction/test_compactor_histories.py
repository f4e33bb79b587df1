"""Random histories: producers at any time, and leaders that crash or pause at any request."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st

from compaction import Limits
from tests.compaction.fake_s3 import REQUESTS, Perform
from tests.compaction.world import (
    ENDS,
    Crashed,
    World,
    crash_after,
    crash_before,
    echo,
    lose_answer,
    lose_request,
)


def no_fault(name: str, perform: Perform) -> Any:
    return perform()


@dataclass(frozen=True)
class Leader:
    """One term: `produced` objects arrive before it, and its `nth` request meets the fault.

    S3 refuses to delete each `held`-th input during the term, none if that is 0.
    """

    fault: str | Callable[[str, Perform], Any]
    nth: int
    produced: int
    late_arrive: bool  # whether requests in flight arrive before this term
    held: int


FAULTS = [no_fault, crash_before, crash_after, lose_answer, lose_request, echo]
LEADERS = st.builds(
    Leader,
    fault=st.sampled_from([*FAULTS, "crash in flight", "pause"]),
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
            self.world.s3.undeletable = {
                key: "AccessDenied"
                for key in self.world.s3.list_keys("events/")
                if leader.held and int(key.rpartition("-")[2]) % leader.held == 0
            }
            self.world.lead_with(self._hook(leader.fault, leaders), leader.nth, counts=REQUESTS)

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

    def _hook(self, fault: str | Callable[[str, Perform], Any], others: list[Leader]) -> Any:
        def crash_in_flight(name: str, perform: Perform) -> Any:
            self.in_flight.append(perform)
            raise Crashed(name)

        def pause(name: str, perform: Perform) -> Any:
            self.play(others)
            return perform()

        if isinstance(fault, str):
            return pause if fault == "pause" else crash_in_flight
        return fault


@settings(max_examples=150, deadline=None)
@given(st.lists(LEADERS, max_size=8))
def test_every_line_comes_out_once_in_any_history(leaders: list[Leader]) -> None:
    note(f"{leaders}")
    history = History()
    history.play(list(leaders))
    history.deliver()
    history.world.s3.undeletable = {}
    assert not history.world.recover()
