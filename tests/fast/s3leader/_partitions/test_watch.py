"""What the read of a lock that is read again and again costs, and what it finds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from s3leader import Election, Term, testing
from s3leader._core.candidate import LedgerHead
from s3leader._io.memory_store import MemoryStore
from s3leader._partitions.watch import watch
from s3leader.testing import FakeClock


class Watcher:
    """Reads an election again and again; `sent` are the kinds of the requests of each read."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(clock_ms=self.clock.read_ms)
        self.election = self.candidate("watcher")
        self.head: LedgerHead | None = None

    def candidate(self, name: str) -> Election:
        return testing.election(store=self.store, clock=self.clock, candidate=name)

    def lead(self) -> Term:
        term = self.candidate("leader").campaign()
        assert isinstance(term, Term)
        return term

    def read(self) -> tuple[int, bool, list[str]]:
        """Return the term, whether it is unsealed, and the requests."""
        self.store.requests.clear()
        steps = watch(self.election._rules, self.head, self.clock.ms)
        self.head = self.election._seams.driver().run(steps)
        sent = [type(request).__name__ for request in self.store.requests]
        return self.head.term, not self.head.allows_next, sent


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


def test_a_leader_costs_one_read_after_the_first(watcher: Watcher) -> None:
    watcher.lead()
    assert watcher.read() == (1, True, ["List", "Read"])
    assert watcher.read() == (1, True, ["Read"])


def test_an_election_without_locks_costs_one_read_and_its_first_leader_is_seen(
    watcher: Watcher,
) -> None:
    assert watcher.read() == (0, False, ["List"])
    assert watcher.read() == (0, False, ["Read"])
    watcher.lead()
    assert watcher.read() == (1, True, ["Read"])


def test_a_resignation_and_the_next_leader_are_seen(watcher: Watcher) -> None:
    term = watcher.lead()
    watcher.read()
    term.resign()
    assert watcher.read() == (1, False, ["Read", "Read"])
    assert watcher.read() == (1, False, ["Read"])
    watcher.lead()
    assert watcher.read() == (2, True, ["Read"])


def test_terms_that_were_missed_are_found_by_a_list(watcher: Watcher) -> None:
    watcher.lead().resign()
    watcher.read()
    for _ in range(3):
        watcher.lead().resign()
    watcher.lead()
    assert watcher.read() == (5, True, ["Read", "List", "Read"])


def test_a_lock_that_was_deleted_is_found_missing(watcher: Watcher) -> None:
    watcher.lead()
    watcher.read()
    watcher.store.delete(watcher.store.keys()[0])
    assert watcher.read() == (0, False, ["Read", "List"])


def test_what_was_read_over_an_hour_ago_is_listed_again(watcher: Watcher) -> None:
    """Locks may have been created and deleted meanwhile, so a missing key proves nothing."""
    watcher.lead().resign()
    watcher.read()
    watcher.lead().resign()
    watcher.lead()
    watcher.store.expire_superseded()
    watcher.store.delete(watcher.store.keys()[0])
    watcher.clock.advance(timedelta(hours=25))
    assert watcher.read()[0] == 3


def test_what_was_read_less_than_an_hour_ago_is_not_listed(watcher: Watcher) -> None:
    watcher.lead().resign()
    watcher.read()
    watcher.clock.advance(timedelta(hours=1) - timedelta(milliseconds=1))
    assert watcher.read() == (1, False, ["Read"])
    watcher.clock.advance(timedelta(hours=1))
    assert watcher.read() == (1, False, ["List", "Read"])
