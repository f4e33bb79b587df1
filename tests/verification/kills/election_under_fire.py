"""One election on a real server, and what befalls its leaders."""

import random
import time
from dataclasses import dataclass
from typing import Final

from bird_strikes.producer import Producer
from tests.verification.event_log import Event
from tests.verification.kills.compacting_candidate import Work, program
from tests.verification.processes import Processes

_ATTACKED: Final = 0.85  # share of the leaders
_STOPPED: Final = 0.35  # share of the attacks
_ANYBODY: Final = 0.1
_LATEST_S: Final = 0.4
_OBJECTS: Final = (4, 8)  # sent for each leader
_OVER: Final = frozenset({"completed", "resigned", "is over", "loses", "won", "crashed"})


@dataclass
class Stopped:
    """A leader that was stopped; it goes on at `until`, which its successor's claim decides."""

    who: str
    term: int
    until: float | None = None
    goes_on: bool = False


class Arena:
    """Candidates of one election. `kills` and `stops` are those of leaders, so far."""

    def __init__(
        self,
        name: str,
        work: Work,
        processes: Processes,
        producer: Producer,
        *,
        candidates: int,
        seed: int,
    ) -> None:
        """Start the candidates."""
        self.name = name
        self.work = work
        self.producer = producer
        self._processes = processes
        self._chance = random.Random(seed)  # noqa: S311 - repeatable is what it must be
        self._leader: tuple[str, int] | None = None
        self._attack_at: float | None = None
        self.stopped: Stopped | None = None
        self._hungry = False
        self.kills = 0
        self.stops = 0
        for _ in range(candidates):
            processes.start(program(work), name)

    def hear(self, event: Event) -> None:
        """Take in what a candidate has noted."""
        match event["what"]:
            case "won":
                self._leader = (event["who"], event["term"])
                self._hungry = True
                attacked = self._chance.random() < _ATTACKED
                delay = self._chance.uniform(0, _LATEST_S)
                self._attack_at = time.monotonic() + delay if attacked else None
            case "ends" if self._leader == (event["who"], event["term"]):
                self._leader = self._attack_at = None
            case "claimed" if self.stopped is not None and self.stopped.until is None:
                if event["term"] > self.stopped.term:
                    self.stopped.until = time.monotonic() + self._chance.uniform(0, 0.6)
        if (
            self.stopped is not None
            and self.stopped.goes_on
            and event["who"] == self.stopped.who
            and event["what"] in _OVER
        ):
            self.stopped = None

    def attack(self, *, only_stop: bool) -> None:
        """Do what is due; a leader is killed, or stopped past its lease."""
        if self._leader is None or self._attack_at is None or time.monotonic() < self._attack_at:
            return
        who, term = self._leader
        self._leader = self._attack_at = None
        if who not in self._processes.alive:  # its note was read late
            return
        stop = self._chance.random() < _STOPPED or only_stop
        if self._chance.random() < _ANYBODY and not only_stop:
            others = [one for one in self._members() if one != who]
            self._kill(self._chance.choice(others) if others else who)
        elif self.stopped is None and stop:
            self._processes.pause(who)
            self.stopped = Stopped(who, term)
            self.stops += 1
        elif not only_stop and (self.stopped is None or who != self.stopped.who):
            self._kill(who)

    def let_go_on(self) -> None:
        """Let a stopped leader go on once its successor has claimed what it wrote to."""
        stopped = self.stopped
        if stopped is None or stopped.goes_on or stopped.until is None:
            return
        if time.monotonic() >= stopped.until:
            stopped.goes_on = True
            self._processes.resume(stopped.who, stopped.term)

    def feed(self) -> None:
        """Send the next objects, if there has been a new leader since the last time."""
        if self._hungry:
            self._hungry = False
            self.producer.send(self._chance.randint(*_OBJECTS))

    def _kill(self, who: str) -> None:
        self._processes.kill(who)
        self.kills += 1
        self._processes.start(program(self.work), self.name)

    def _members(self) -> list[str]:
        mine = [who for who in self._processes.alive if who.startswith(f"{self.name}-")]
        return [who for who in mine if self.stopped is None or who != self.stopped.who]
