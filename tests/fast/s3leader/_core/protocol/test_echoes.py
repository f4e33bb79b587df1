"""A proxy that sends each PUT twice, and hands back the answer to the second copy."""

from __future__ import annotations

from datetime import timedelta

import pytest

from s3leader import Election, Term
from s3leader._core.requests import Create, Replace, StoreRequest
from s3leader._io.memory_store import Fault
from tests.fast.s3leader.one_bucket import LAPSE, TICK, OneBucket, lost, won

ALWAYS = 10**9


def is_write(request: StoreRequest) -> bool:
    return isinstance(request, Create | Replace)


@pytest.fixture
def bucket() -> OneBucket:
    bucket = OneBucket()
    bucket.store.script(Fault.ECHOED, on=is_write, times=ALWAYS)
    return bucket


def test_each_of_two_hundred_campaigns_wins(bucket: OneBucket) -> None:
    election = bucket.election()
    for number in range(1, 201):
        bucket.pass_time(timedelta(minutes=1))
        term = won(election.campaign())
        assert term.number == number
        term.resign()


def test_first_leader_ever_proves_the_store_through_the_proxy(bucket: OneBucket) -> None:
    assert won(bucket.election().campaign()).held


def test_renewal_and_checkpoint_keep_the_leadership(bucket: OneBucket) -> None:
    term = won(bucket.election().campaign())
    term.renew()
    term.save({"after": 1})
    assert (term.held, bucket.body(1)["renewals"]) == (True, 2)


def test_resignation_is_reported_as_the_ledger_has_it(bucket: OneBucket) -> None:
    term = won(bucket.election().campaign(TICK))
    term.resign()
    assert (term.outcome, bucket.body(1)["outcome"]) == ("completed", "completed")


def test_takeover_of_a_crashed_leader_wins_the_next_term(bucket: OneBucket) -> None:
    won(bucket.election().campaign())
    bucket.pass_time(LAPSE)
    assert won(bucket.election().campaign()).number == 2


def test_loser_still_loses(bucket: OneBucket) -> None:
    won(bucket.election().campaign())
    assert lost(bucket.election().campaign()).reason == "held"


def test_memory_of_a_candidate_whose_writes_are_echoed_stays_warm(bucket: OneBucket) -> None:
    election: Election = bucket.election()
    won(election.campaign()).resign()
    bucket.forget_requests()
    term = won(election.campaign())
    assert isinstance(term, Term)
    assert [type(request).__name__ for request in bucket.store.requests] == ["Create", "Read"]
