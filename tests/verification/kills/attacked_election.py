"""One election on a real S3 server, and the attacks on its leaders."""

import os
import random
import time
from dataclasses import dataclass
from typing import Final

from bird_strikes.producer import Producer
from tests.verification.event_log import EventLog
from tests.verification.history import Event
from tests.verification.kills.async_candidate import AsyncCompactingCandidate
from tests.verification.kills.compacting_candidate import CandidateSetup, CompactingCandidate
from tests.verification.processes import Processes

_ATTACKED: Final = 0.85  # share of the leaders that are attacked
_STOPPED: Final = 0.35  # share of the attacks that stop a leader
_OTHERS: Final = 0.1  # share of the attacks that kill a process which does not lead
_LATEST_S: Final = 0.4  # after the win
_OBJECTS: Final = (4, 8)  # sent for each leader
_ENDED: Final = frozenset({"completed", "resigned", "is over", "loses", "won", "crashed"})


@dataclass
class StoppedLeader:
    """A stopped leader. It is resumed at `resume_at`, which its successor's claim sets."""

    who: str
    term: int
    resume_at: float | None = None
    resumed: bool = False


class AttackedElection:
    """The candidates of one election. `kills` and `stops` count the attacks so far."""

    def __init__(
        self,
        setup: CandidateSetup,
        processes: Processes,
        producer: Producer,
        *,
        candidates: int,
        chance: random.Random,
    ) -> None:
        """Start the candidates."""
        self.name = setup.name
        self._setup = setup
        self.producer = producer
        self._processes = processes
        self._chance = chance
        self._leader: tuple[str, int] | None = None
        self._attack_at: float | None = None
        self.stopped: StoppedLeader | None = None
        self._wants_objects = False
        self._started = 0
        self.kills = 0
        self.stops = 0
        for _ in range(candidates):
            self.start_candidate()

    def start_candidate(self, *, until_empty: bool = False) -> None:
        """Start a process that leads until it is asked to stop, or no inputs are left. Every second
        one runs under asyncio, and every third one sends by boto3's client.
        """
        self._started += 1
        kind = AsyncCompactingCandidate if self._started % 2 else CompactingCandidate
        use_boto3 = self._started % 3 == 1

        def run(log: EventLog, chance: random.Random) -> None:
            if use_boto3:
                os.environ["AWS_AUTH_SCHEME_PREFERENCE"] = "sigv4"  # which is left to boto3
            kind(self._setup, log, chance).run(until_empty=until_empty)

        self._processes.start(run, self.name)

    def observe(self, event: Event) -> None:
        """Take note of a candidate's event."""
        match event["what"]:
            case "won":
                self._leader = (event["who"], event["term"])
                self._wants_objects = True
                attacked = self._chance.random() < _ATTACKED
                delay = self._chance.uniform(0, _LATEST_S)
                self._attack_at = time.monotonic() + delay if attacked else None
            case "ends" if self._leader == (event["who"], event["term"]):
                self._leader = self._attack_at = None
            case "claimed" if self.stopped is not None and self.stopped.resume_at is None:
                if event["term"] > self.stopped.term:
                    self.stopped.resume_at = time.monotonic() + self._chance.uniform(0, 0.6)
        if (
            self.stopped is not None
            and self.stopped.resumed
            and event["who"] == self.stopped.who
            and event["what"] in _ENDED
        ):
            self.stopped = None

    def attack(self, *, only_stop: bool) -> None:
        """Kill or stop the leader if its attack is due. `only_stop`: there were enough kills."""
        if self._leader is None or self._attack_at is None or time.monotonic() < self._attack_at:
            return
        who, term = self._leader
        self._leader = self._attack_at = None
        if who not in self._processes.alive:  # its event was read late
            return
        stop = self._chance.random() < _STOPPED or only_stop
        if self._chance.random() < _OTHERS and not only_stop:
            others = [one for one in self._running() if one != who]
            self._kill(self._chance.choice(others) if others else who)
        elif self.stopped is None and stop:
            self._processes.pause(who)
            self.stopped = StoppedLeader(who, term)
            self.stops += 1
        elif not only_stop and (self.stopped is None or who != self.stopped.who):
            self._kill(who)

    def resume_stopped(self) -> None:
        """Resume a stopped leader some time after its successor has claimed the manifest."""
        stopped = self.stopped
        if stopped is None or stopped.resumed or stopped.resume_at is None:
            return
        if time.monotonic() >= stopped.resume_at:
            stopped.resumed = True
            self._processes.resume(stopped.who, stopped.term)

    def send_objects(self) -> None:
        """Send the next objects, if there has been a new leader since the last time."""
        if self._wants_objects:
            self._wants_objects = False
            self.producer.send(self._chance.randint(*_OBJECTS))

    def _kill(self, who: str) -> None:
        self._processes.kill(who)
        self.kills += 1
        self.start_candidate()

    def _running(self) -> list[str]:
        mine = [who for who in self._processes.alive if who.startswith(f"{self.name}-")]
        return [who for who in mine if self.stopped is None or who != self.stopped.who]
