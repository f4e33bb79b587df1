"""A lock with any bytes as its body is either decoded or reported, and never overwritten unread."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, given, settings

from s3leader import NotElected, Term
from s3leader._core.lock import Lock, decode_lock
from s3leader.errors import CorruptLock
from tests.fast.hostile_ledgers.ledgers import BODIES, bucket_with, contend, led_on, warm
from tests.fast.hostile_ledgers.ledgers import body as real
from tests.fast.s3leader.one_bucket import LATER, TICK, key

many = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
)


def decoded(text: bytes) -> Lock | None:
    try:
        return decode_lock(text, key="", term=4)
    except CorruptLock:
        return None


@many
@given(BODIES)
def test_cold_candidate_leads_alone_or_loses_or_reports_a_corrupt_lock(text: bytes) -> None:
    bucket = bucket_with({3: real(term=3), 4: text})
    term = contend(bucket, bucket.election())
    if isinstance(term, Term):
        assert decode_lock(bucket.store.body(key(4)), key="", term=4).sealed
        assert term.number == 5
        term.renew()
        other = contend(bucket, bucket.election(), LATER)
        assert isinstance(other, NotElected)
        assert other.reason == "held"


@many
@given(BODIES)
def test_warm_candidate_leads_or_loses_or_reports_a_corrupt_lock(text: bytes) -> None:
    bucket = bucket_with({3: real(term=3, swept=2)})
    election = warm(bucket, 3)
    bucket.write(4, text)
    result = contend(bucket, election)
    assert result is None or isinstance(result, NotElected) or result.number == 5


@many
@given(BODIES)
def test_unsealed_lock_that_can_be_read_is_good_for_its_lease(text: bytes) -> None:
    bucket = bucket_with({4: text})
    bucket.pass_time(timedelta(milliseconds=500))
    contend(bucket, bucket.election())
    lock = decoded(text)
    if lock is not None and not lock.sealed and (lock.lease_ms is None or lock.lease_ms > 1000):
        assert bucket.store.body(key(4)) == text


@many
@given(BODIES)
def test_election_continues_by_itself_or_by_an_operators_force(text: bytes) -> None:
    bucket = bucket_with({3: real(term=3), 4: text})
    lock = decoded(text)
    if lock is not None and lock.done is not None and lock.done >= TICK:
        return  # test_absurd_values: a ledger that is done for centuries
    led_on(bucket, bucket.election())
