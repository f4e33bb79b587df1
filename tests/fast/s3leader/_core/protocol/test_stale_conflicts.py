"""R7 limits conclusions too, not only wins: two candidates that were suspended for days.

Locks 5 and 6 were deleted long ago, and term 80 is led. A and B remember lock 4; their machine was
suspended, and their monotonic clocks with it. A creates old numbers again. B must not take them
for the highest lock: an unsealed lock counts as the highest only within an hour of a proof, by S3's
clock.
"""

from __future__ import annotations

from s3leader._core.candidate import LedgerHead
from s3leader._core.next_lock import Work
from s3leader._core.protocol import Lost, Won, campaign
from s3leader._core.requests import Applied, Create
from s3leader._core.times import to_ms
from s3leader._io.memory_store import MemoryStore
from tests.fast.s3leader._core.protocol.script import (
    DAY_MS,
    LEASE_MS,
    SKEW_MS,
    TICK,
    config,
    create,
    held,
    known,
    sealed,
    tag,
)
from tests.fast.s3leader._core.protocol.stepper import Stepper


class Bucket:
    """What S3 holds two days later, and its clock."""

    def __init__(self) -> None:
        self.now_ms = to_ms(TICK)
        self.store = MemoryStore(clock_ms=lambda: self.now_ms)

    def put(self, write: Create) -> None:
        assert isinstance(self.store.perform(write), Applied)

    def two_days_later(self, *, leader: int = 80) -> None:
        self.now_ms += 2 * DAY_MS
        self.put(create(held(leader, nonce="leader")))

    def delete(self, term: int) -> None:
        """As the lifecycle rule will, a day and more after the term was succeeded."""
        self.store.perform(tag(term))
        assert self.store.expire_superseded()

    def candidate(
        self, name: str, memory: LedgerHead | None, wait_ms: int = 0
    ) -> Stepper[Won | Lost]:
        steps = campaign(config(name, nonces=name), Work(), wait_ms=wait_ms, known=memory, now_ms=0)
        return Stepper(steps, self.store)


def leads_an_old_number(result: Won | Lost) -> bool:
    return isinstance(result, Won) and result.holding.lock.term <= 80


def test_void_win_that_is_sealed_while_another_waits_is_not_succeeded() -> None:
    bucket = Bucket()
    bucket.put(create(sealed(4)))
    a = bucket.candidate("a", known(sealed(4)))
    b = bucket.candidate("b", known(sealed(4)), wait_ms=5_000)
    bucket.two_days_later()
    a.step()  # creates 5: void, and not sealed yet
    result = b.run(before_wait=lambda: a.step() if a.request else None)
    assert not leads_an_old_number(result)


def test_void_win_of_a_candidate_that_died_is_not_taken_over() -> None:
    bucket = Bucket()
    bucket.put(create(sealed(4)))
    a = bucket.candidate("a", known(sealed(4)))
    b = bucket.candidate("b", known(sealed(4)))
    bucket.two_days_later()
    a.step()
    bucket.now_ms += LEASE_MS + SKEW_MS + 2_000
    assert not leads_an_old_number(b.run())


def test_void_win_is_not_taken_for_the_lock_that_was_waited_for() -> None:
    bucket = Bucket()
    bucket.put(create(held(5)))
    a = bucket.candidate("a", known(sealed(4)))
    b = bucket.candidate("b", None, wait_ms=5_000)
    b.step()
    b.step()  # has seen 5 held, and now waits
    bucket.delete(5)
    bucket.two_days_later()
    a.step()
    bucket.now_ms += LEASE_MS + SKEW_MS + 2_000
    assert not leads_an_old_number(b.run())


def test_void_win_is_not_taken_for_the_lock_that_was_listed() -> None:
    bucket = Bucket()
    bucket.put(create(held(5)))
    a = bucket.candidate("a", known(sealed(4)))
    b = bucket.candidate("b", None)
    b.step()  # has listed 5, and is paused
    bucket.delete(5)
    bucket.two_days_later()
    a.step()
    bucket.now_ms += LEASE_MS + SKEW_MS + 2_000
    assert not leads_an_old_number(b.run())
