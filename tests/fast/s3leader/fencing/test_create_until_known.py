"""`create_until_known` settles a create of the caller's own, while a real term is held."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from s3leader import LeadershipLost, StoreUnavailable, Term
from s3leader.aio import AsyncTerm
from s3leader.fencing import create_until_known
from s3leader.testing import FakeClock, MemoryStore, async_election, election

LEASE = timedelta(seconds=30)


class Objects:
    """One key of a bucket, and a term whose time passes on a fake clock."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        store = MemoryStore(clock_ms=self.clock.read_ms)
        term = election(store=store, clock=self.clock, lease=LEASE).campaign()
        assert isinstance(term, Term)
        self.term = term
        self.nonce: str | None = None  # of the object
        self.sent: list[float] = []  # seconds since the term was won
        self._won_ms = self.clock.ms

    def create(self) -> bool:
        self.sent.append((self.clock.ms - self._won_ms) / 1000)
        if self.nonce is not None:
            return False
        self.nonce = "ours"
        return True

    def lose(self) -> bool:
        """Create the object, and lose the answer to the first try."""
        applied = self.create()
        if len(self.sent) == 1:
            raise TimeoutError("no answer")
        return applied

    def fail(self) -> bool:
        self.sent.append((self.clock.ms - self._won_ms) / 1000)
        raise TimeoutError("no answer")

    def renew_and_fail(self) -> bool:
        self.term.renew()
        return self.fail()

    def settle(self, create: Callable[[], bool]) -> bool:
        return create_until_known(
            create, lambda: self.nonce, key="part", nonce="ours", term=self.term
        )


@pytest.fixture
def objects() -> Objects:
    return Objects()


def test_an_answered_create_is_sent_once(objects: Objects) -> None:
    assert (objects.settle(objects.create), objects.sent) == (True, [0])


def test_a_create_whose_answer_was_lost_is_recognised_by_its_nonce(objects: Objects) -> None:
    assert (objects.settle(objects.lose), len(objects.sent)) == (True, 2)


def test_another_object_at_the_key_is_reported(objects: Objects) -> None:
    objects.nonce = "theirs"
    assert objects.settle(objects.create) is False


def test_a_create_is_sent_again_until_the_lease_has_run_out(objects: Objects) -> None:
    with pytest.raises(StoreUnavailable, match=r"whether part was written .*TimeoutError: no a"):
        objects.settle(objects.renew_and_fail)
    assert 27 < objects.sent[-1] <= 32


def test_a_create_is_not_sent_after_the_end_of_the_term(objects: Objects) -> None:
    with pytest.raises((LeadershipLost, StoreUnavailable)):
        objects.settle(objects.fail)
    assert 27 < objects.sent[-1] < 30


def test_nothing_is_sent_without_leadership(objects: Objects) -> None:
    objects.term.resign()
    with pytest.raises(LeadershipLost):
        objects.settle(objects.create)
    assert objects.sent == []


def test_a_refusal_that_the_caller_recognised_is_raised_at_once(objects: Objects) -> None:
    refusal = LeadershipLost(term=1, why="a test")

    def refuse() -> bool:
        objects.sent.append(0)
        raise refusal

    with pytest.raises(LeadershipLost) as caught:
        objects.settle(refuse)
    assert (caught.value, objects.sent) == (refusal, [0])


def test_the_term_may_be_one_of_asyncio() -> None:
    async def settle() -> bool:
        term = await async_election().campaign()
        assert isinstance(term, AsyncTerm)
        return await asyncio.to_thread(
            create_until_known, lambda: True, lambda: None, key="part", nonce="ours", term=term
        )

    assert asyncio.run(settle())


def test_the_requests_of_the_caller_do_not_count_as_the_terms(objects: Objects) -> None:
    before = objects.term.requests
    objects.settle(objects.lose)
    assert objects.term.requests == before
