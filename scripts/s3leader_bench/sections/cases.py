"""The cases of an election: each prepares its state, and returns the one action to measure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from s3leader import Election, NotElected, Term
from s3leader._io.lock_store import lock_store
from s3leader._io.seams import Seams
from s3leader_bench.bench import LEASE, PREFIX, Bench
from s3leader_bench.rounds import Action, Prepare
from s3leader_bench.stub.process import BUCKET


def won(result: Term | NotElected) -> Term:
    """Return the term of a campaign that has to be won."""
    if not isinstance(result, Term):
        raise RuntimeError(f"expected to win, got {result}")  # noqa: TRY004 - not a wrong type
    return result


def lost(result: Term | NotElected) -> NotElected:
    """Return the result of a campaign that has to be lost."""
    if isinstance(result, Term):
        raise RuntimeError(f"expected to lose, got {result}")  # noqa: TRY004
    return result


class Cases:
    """The cases on a ledger of so many earlier terms."""

    def __init__(self, bench: Bench, earlier_terms: int) -> None:
        self._bench = bench
        self._terms = earlier_terms

    def all(self) -> dict[str, Prepare]:
        """Return the cases by name."""
        return {
            "win, warm": self.win_warm,
            "win, cold": self.win_cold,
            "lose, warm": self.lose_warm,
            "lose, cold": self.lose_cold,
            "take over, cold": self.take_over,
            "resign": self.resign,
            "renew": self.renew,
            "standby for a minute": self.standby,
        }

    def hint_first(self) -> dict[str, Prepare]:
        """Return the cases of cold candidates that expect a long ledger, by name."""
        return {
            "win, cold, `long_ledger`": partial(self.win_cold, long_ledger=True),
            "lose, cold, `long_ledger`": partial(self.lose_cold, long_ledger=True),
        }

    def win_warm(self) -> Action:
        """Its process has led the latest term."""
        election = self._warm(self._name())
        return lambda: won(election.campaign())

    def win_cold(self, *, long_ledger: bool = False) -> Action:
        """The candidate is made, too: its client is shared."""
        name = self._name()
        return lambda: won(self._bench.election(name, long_ledger=long_ledger).campaign())

    def lose_warm(self) -> Action:
        """Another candidate was faster since its latest term."""
        name = self._name()
        election = self._warm(name)
        won(self._bench.election(name).campaign())
        return lambda: lost(election.campaign())

    def lose_cold(self, *, long_ledger: bool = False) -> Action:
        """Another candidate leads."""
        name = self._name()
        won(self._bench.election(name).campaign())
        return lambda: lost(self._bench.election(name, long_ledger=long_ledger).campaign())

    def take_over(self) -> Action:
        """The leader has died, and its lease is over."""
        election = self._with_dead_leader()
        return lambda: won(election().campaign())

    def take_over_and_resign(self) -> Action:
        """The whole term: its end tags the lock of the dead leader and the one before."""
        election = self._with_dead_leader()
        return lambda: won(election().campaign()).resign()

    def resign(self) -> Action:
        """The end of a term."""
        term = won(self._bench.election(self._name()).campaign())
        return term.resign

    def renew(self) -> Action:
        """A renewal, or a checkpoint."""
        term = won(self._bench.election(self._name()).campaign())
        return term.renew

    def standby(self) -> Action:
        """A minute of waiting while another candidate leads; the clock of its pauses is virtual."""
        name = self._name()
        won(self._bench.election(name).campaign())
        clock = _VirtualClock()
        seams = Seams(
            store=lock_store(BUCKET, LEASE),
            clock_ms=clock.now_ms,
            sleep=clock.sleep,
            uniform=lambda low, high: (low + high) / 2,
        )
        options = {"prefix": PREFIX, "lease": LEASE}
        waiting = Election._with_seams(name, seams, **options)  # type: ignore[arg-type]  # noqa: SLF001
        return lambda: lost(waiting.campaign(wait=timedelta(minutes=1)))

    def _with_dead_leader(self) -> Callable[[], Election]:
        name = self._name()
        term = won(self._bench.election(name).campaign())
        key = f"{PREFIX}{name}/lock_{term.number:010d}.json"
        self._bench.stub.age(key, 2 * LEASE.total_seconds())
        return lambda: self._bench.election(name)

    def _name(self) -> str:
        return self._bench.new_name(self._terms)

    def _warm(self, name: str) -> Election:
        election = self._bench.election(name)
        won(election.campaign()).resign()
        return election


class _VirtualClock:
    def __init__(self) -> None:
        self._ms = 0.0

    def now_ms(self) -> int:
        return int(self._ms)

    def sleep(self, seconds: float) -> None:
        self._ms += seconds * 1000


def first_win(bench: Bench) -> Callable[[], Action]:
    """Return the case of an election's first term ever, with its two proofs of the store."""

    def prepare() -> Action:
        name = bench.new_name()
        return lambda: won(bench.election(name).campaign())

    return prepare
