"""Any history: producers at any time, leaders that crash, pause or hang anywhere, in any order."""

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


class Fate(Enum):
    """What befalls a leader at one of its requests."""

    NONE = auto()
    CRASH_BEFORE = auto()
    CRASH_AFTER = auto()
    CRASH_UNDER_WAY = auto()
    ANSWER_LOST = auto()
    REQUEST_LOST = auto()
    ECHO = auto()
    PAUSED = auto()


@dataclass(frozen=True)
class Leader:
    """One term: `produced` objects appear before it, and its `nth` request is befallen.

    Meanwhile S3 refuses to delete each `held`-th input, none if that is 0.
    """

    fate: Fate
    nth: int
    produced: int
    lands: bool  # whether what is under way arrives before this term
    held: int


LEADERS = st.builds(
    Leader,
    fate=st.sampled_from(Fate),
    nth=st.integers(0, 40),
    produced=st.integers(0, 4),
    lands=st.booleans(),
    held=st.integers(0, 3),
)


class History:
    """Plays leaders one after the other; a paused one goes on when those after it are through."""

    def __init__(self) -> None:
        self.world = World(
            limits=Limits(batch_objects=3, readers=1, manifest_parts=3, undeleted_inputs=4)
        )
        self.under_way: list[Perform] = []
        self._produced = 0

    def play(self, leaders: list[Leader]) -> None:
        while leaders:
            leader = leaders.pop(0)
            if leader.lands:
                self.land()
            self._produce(leader.produced)
            self._lead(leader, leaders)

    def land(self) -> None:
        while self.under_way:
            with contextlib.suppress(*ENDS):
                self.under_way.pop()()

    def _produce(self, count: int) -> None:
        for _ in range(count):
            self._produced += 1
            # Neither the order of names nor that of ages tells anything about the other.
            name = f"{self._produced * 7919 % 1000:04}-{self._produced}"
            lines = [b'{"n": %d}' % self._produced, b"X"]
            self.world.produce(name, lines, packed=self._produced % 2 == 0)

    def _lead(self, leader: Leader, others: list[Leader]) -> None:
        if leader.fate is not Fate.NONE:
            At(self.world.s3, leader.nth, self._happen(leader.fate, others), counts=REQUESTS)
        self._hold(leader.held)
        with contextlib.suppress(*ENDS):
            self.world.lead()
        self.world.s3.hook = None

    def _hold(self, every: int) -> None:
        """From now on, until this is called again, let S3 refuse some deletions."""
        self.world.s3.undeletable = {
            key: "AccessDenied"
            for key in self.world.s3.list_keys("events/")
            if every and int(key.rpartition("-")[2]) % every == 0
        }

    def _happen(self, fate: Fate, others: list[Leader]) -> Any:
        def happen(name: str, perform: Perform) -> Any:
            match fate:
                case Fate.CRASH_UNDER_WAY:
                    self.under_way.append(perform)
                case Fate.CRASH_AFTER:
                    perform()
                case Fate.ANSWER_LOST:
                    return lose_answer(name, perform)
                case Fate.REQUEST_LOST:
                    return lose_request(name, perform)
                case Fate.ECHO:
                    return echo(name, perform)
                case Fate.PAUSED:
                    self.play(others)
                    return perform()
            raise Crashed(name)

        return happen


@settings(max_examples=150, deadline=None)
@given(st.lists(LEADERS, max_size=8))
def test_every_line_comes_out_once_in_any_history(leaders: list[Leader]) -> None:
    note(f"{leaders}")
    history = History()
    history.play(list(leaders))
    history.land()
    history.world.s3.undeletable = {}
    history.world.lead()
    history.world.lead()
    assert not history.world.faults()
