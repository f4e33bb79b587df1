"""Measures the libraries: rounds of wins and losses, takeovers after kills, and standbys."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Final, TypeVar

from s3leader_bench.peers.emulator import HOLDER, ROLES, Emulator
from s3leader_bench.peers.process import PeerProcess
from s3leader_bench.peers.registry import Peer
from s3leader_bench.prices import MONTH_S
from s3leader_bench.rounds import Sample, alternate

T = TypeVar("T")

LONG_S: Final = 300  # no lease ends while something else is measured
SHORT_S: Final = 2  # the lease of those that are killed
STANDBY_LEASE_S: Final = 30
STANDBY_TRIP_MS: Final = 5
# s3leader's lease is over after its allowance for clocks, too, and S3's times are whole seconds.
LATE_S: Final = 3 + 1.5


@dataclass(frozen=True, slots=True)
class Takeover:
    """What a candidate sent and waited for, when it came after the lease of a killed holder.

    It did not win if there is a `failure`: "refused", or the name of an exception.
    """

    requests: Mapping[str, float]
    seconds: float | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Standby:
    """Requests in a month, of a standby that waits and of the leader that it waits for.

    `standby` is None if the library failed to wait.
    """

    standby: Mapping[str, float] | None
    leader: Mapping[str, float]


class _Stopped(Exception):  # noqa: N818 - the error is that of another thread
    """Another library failed, or the run was interrupted."""


class Measuring:
    """All libraries on one emulator."""

    def __init__(self, emulator: Emulator, peers: Sequence[Peer], python: Path) -> None:
        self._emulator = emulator
        self._peers = peers
        self._python = python
        self._numbers = itertools.count()
        self._stop = Event()  # ends the pauses of all when one fails, and on Ctrl-C

    def rounds(
        self, case: str, trip_ms: float, rounds: int, advance: Callable[[], None]
    ) -> dict[str, list[Sample]]:
        """Measure "win" (and its end) or "loss" of each library, in alternating rounds."""
        repeat = 8 if trip_ms == 0 else 2
        with ExitStack() as stack:
            variants = {}
            for peer in self._peers:
                child = stack.enter_context(self._emulator.child(peer, self._python))
                names = [self._new_name(peer) for _ in range(repeat)]
                variants[peer.name] = partial(self._sample, peer, child, case, trip_ms, names)
            return alternate(variants, rounds, advance)

    def takeovers(self, kills: int) -> dict[str, list[Takeover]]:
        """Kill holders of each library, all libraries at the same time."""
        return self._of_all(lambda peer: [self._takeover(peer) for _ in range(kills)])

    def standbys(self, seconds: float) -> dict[str, Standby]:
        """Let a standby of each library wait so long, all at the same time."""
        self._emulator.front.set_round_trip(STANDBY_TRIP_MS)
        found = self._of_all(lambda peer: self._standby(peer, seconds))
        self._emulator.front.set_round_trip(0)
        return found

    def _of_all(self, measure: Callable[[Peer], T]) -> dict[str, T]:
        """Measure all at the same time; if one fails, or on Ctrl-C, the others soon end, too."""

        def guarded(peer: Peer) -> T:
            try:
                return measure(peer)
            except BaseException:
                self._stop.set()
                raise

        with ThreadPoolExecutor(len(self._peers)) as pool:
            futures = [pool.submit(guarded, peer) for peer in self._peers]
            try:
                wait(futures)
            finally:
                self._stop.set()
        failures = [error for future in futures if (error := future.exception()) is not None]
        for error in sorted(failures, key=lambda error: isinstance(error, _Stopped)):
            raise error
        self._stop.clear()
        return {
            peer.name: future.result() for peer, future in zip(self._peers, futures, strict=True)
        }

    def _sample(
        self, peer: Peer, child: PeerProcess, case: str, trip_ms: float, names: list[str]
    ) -> Sample:
        if case == "loss":  # the holder of the last round may have released or not
            names = [self._new_name(peer) for _ in names]
        self._emulator.front.set_round_trip(0)
        child.ask(f"prepare_{case}", names=names, lease=LONG_S)
        self._emulator.front.set_round_trip(trip_ms)
        self._emulator.counts(peer)
        took = child.ask("perform")
        requests = self._emulator.counts(peer)
        each = {kind: number / len(names) for kind, number in requests.items()}
        return Sample(took["wall"], took["cpu"], each)

    def _takeover(self, peer: Peer) -> Takeover:
        name = self._new_name(peer)
        with self._emulator.child(peer, self._python) as candidate:
            candidate.ask("gain_experience", name=name, lease=SHORT_S)
            with self._emulator.child(peer, self._python, HOLDER) as holder:
                holder.crash(name=name, lease=SHORT_S)
            self._pause(SHORT_S + LATE_S)
            self._emulator.counts(peer)
            found = candidate.ask("take_over")
            return Takeover(self._emulator.counts(peer), **found)

    def _standby(self, peer: Peer, seconds: float) -> Standby:
        lease = STANDBY_LEASE_S if peer.renews else LONG_S
        name = self._new_name(peer)
        with (
            self._emulator.child(peer, self._python) as standby,
            self._emulator.child(peer, self._python, HOLDER) as leader,
        ):
            leader.ask("hold", name=name, lease=lease)
            standby.ask("stand_by", name=name, lease=lease, seconds=2 * seconds + LONG_S)
            self._pause(2)  # its first attempt, and what only a first term sends
            for role in ROLES:
                self._emulator.counts(peer, role)
            self._pause(seconds)
            waited, led = (self._emulator.counts(peer, role) for role in ROLES)
            waits = standby.ask("still_stands_by")
        return Standby(_in_a_month(waited, seconds) if waits else None, _in_a_month(led, seconds))

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise _Stopped

    def _new_name(self, peer: Peer) -> str:
        return f"{peer.adapter.replace('_', '-')}-{next(self._numbers)}"


def _in_a_month(counts: Mapping[str, int], seconds: float) -> dict[str, float]:
    return {kind: number * MONTH_S / seconds for kind, number in counts.items()}
