"""`Election` as candidates and operators use it, over a store in memory with a fake clock."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest

from s3leader import (
    BucketUnusable,
    Election,
    InvalidArgument,
    LeadershipLost,
    StillHeld,
    StoreUnavailable,
    testing,
)
from s3leader._core.lock import LAST_TERM
from s3leader._core.requests import Create, List, StoreRequest
from s3leader._io.memory_store import Fault, MemoryStore
from s3leader.election import Memory
from tests.fast.s3leader.one_bucket import LAPSE, TICK, OneBucket, key, lost, won


@pytest.fixture
def bucket() -> OneBucket:
    return OneBucket()


def test_lost_campaign_is_false_and_names_the_leader(bucket: OneBucket) -> None:
    assert bucket.election().campaign()
    result = bucket.election().campaign()
    assert not result
    seen = lost(result).lock
    assert seen is not None
    assert (lost(result).reason, seen.term, seen.holder) == ("held", 1, "c1")


def test_next_candidate_leads_once_the_first_resigned(bucket: OneBucket) -> None:
    won(bucket.election().campaign()).resign()
    term = won(bucket.election().campaign())
    assert (term.number, term.fencing_token, term.took_over) == (2, 2, False)


def test_dead_holder_is_taken_over_once_its_lease_has_lapsed(bucket: OneBucket) -> None:
    won(bucket.election().campaign())
    bucket.pass_time(LAPSE)
    term = won(bucket.election().campaign())
    assert (term.number, term.took_over) == (2, True)
    deposed = bucket.body(1)
    assert (deposed["outcome"], deposed["reason"]) == ("deposed", "lapsed; sealed by c2")


def test_own_lapsed_term_is_taken_over_like_any_other(bucket: OneBucket) -> None:
    election = bucket.election()
    first = won(election.campaign())
    bucket.pass_time(LAPSE)
    assert won(election.campaign()).number == 2
    with pytest.raises(LeadershipLost):
        first.resign()


def test_waiting_candidate_leads_when_the_holder_dies(bucket: OneBucket) -> None:
    won(bucket.election().campaign())
    assert won(bucket.election().campaign(wait=timedelta(minutes=1))).took_over


def test_waiting_candidate_polls_about_once_a_second(bucket: OneBucket) -> None:
    won(bucket.election().campaign())
    bucket.forget_requests()
    lost(bucket.election().campaign(wait=timedelta(seconds=10)))
    assert len(bucket.store.requests) <= 13
    assert sum(bucket.slept) == pytest.approx(10)


def test_a_candidate_that_is_asked_to_stop_beforehand_sends_nothing(bucket: OneBucket) -> None:
    stop = threading.Event()
    stop.set()
    result = lost(bucket.election().campaign(wait=timedelta(minutes=1), stop=stop))
    assert (result.reason, result.requests, bucket.store.requests) == ("stopped", 0, [])


def test_a_waiting_candidate_stops_at_once() -> None:
    """In real time: if the event is ignored, this ends after 20 seconds with another reason."""
    store, stop = MemoryStore(), threading.Event()
    won(testing.election(store=store).campaign())
    threading.Timer(0.05, stop.set).start()
    waiting = testing.election(store=store)
    assert lost(waiting.campaign(wait=timedelta(seconds=20), stop=stop)).reason == "stopped"


def test_a_stop_that_is_not_set_lets_a_candidate_wait_and_lead(bucket: OneBucket) -> None:
    won(bucket.election().campaign())
    stop = threading.Event()
    assert won(bucket.election().campaign(wait=timedelta(minutes=1), stop=stop)).took_over


@pytest.mark.parametrize("tick", [TICK, "2026-11-23T07:00:00+01:00", "2026-11-23T06:00:00Z"])
def test_tick_is_the_same_however_it_is_written(bucket: OneBucket, tick: datetime | str) -> None:
    won(bucket.election().campaign(TICK)).resign()
    assert lost(bucket.election().campaign(tick)).reason == "done"


def test_tick_is_given_up_after_its_attempts(bucket: OneBucket) -> None:
    for attempt in (1, 2):
        term = won(bucket.election(max_attempts=2).campaign(TICK))
        assert term.attempt == attempt
        term.resign("failed")
    assert lost(bucket.election(max_attempts=2).campaign(TICK)).reason == "exhausted"


def test_tick_far_in_the_future_is_not_led(bucket: OneBucket) -> None:
    """Completing it would complete all the ticks before it."""
    with pytest.raises(InvalidArgument, match="got 2026-11-23T07:00:01Z"):
        bucket.election().campaign(TICK + timedelta(hours=1, seconds=1))
    assert won(bucket.election().campaign(TICK)).number == 2


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.REQUEST_LOST, Fault.CONFLICTED])
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_campaign_survives_a_fault_at_any_of_its_requests(
    bucket: OneBucket, fault: Fault, nth: int
) -> None:
    won(bucket.election().campaign())
    bucket.pass_time(LAPSE)
    bucket.store.script(fault, nth=nth)
    assert won(bucket.election().campaign()).number == 2


def creates_term_one(request: StoreRequest) -> bool:
    return isinstance(request, Create) and request.key == key(1)


def test_create_that_is_applied_after_its_candidate_gave_up_is_taken_over(
    bucket: OneBucket,
) -> None:
    bucket.store.script(Fault.LATE, on=creates_term_one, times=10**6)
    with pytest.raises(StoreUnavailable, match=r"lock_0000000001\.json"):
        bucket.election().campaign()
    bucket.store.deliver_late()
    bucket.pass_time(LAPSE)
    assert won(bucket.election().campaign()).number == 2


def test_store_that_never_answers_is_unavailable(bucket: OneBucket) -> None:
    bucket.store.script(Fault.REQUEST_LOST, on=List, times=10**6)
    with pytest.raises(StoreUnavailable, match="Nothing was changed"):
        bucket.election().campaign()


def test_refusal_reaches_the_caller_and_leaves_no_leader(bucket: OneBucket) -> None:
    bucket.store.script(Fault.REFUSED, on=Create)
    with pytest.raises(BucketUnusable):
        bucket.election().campaign()
    assert bucket.store.keys() == ()


def test_memory_never_forgets_a_later_term_for_an_earlier_one(bucket: OneBucket) -> None:
    memory = Memory()
    won(bucket.election(memory=memory).campaign()).resign()
    old = memory.seen
    assert old is not None
    won(bucket.election(memory=memory).campaign())
    memory.learn(old)
    assert memory.seen is not None
    assert memory.seen.term == 2


def test_observing_sees_the_highest_lock(bucket: OneBucket) -> None:
    assert bucket.election().observe() is None
    won(bucket.election().campaign()).resign()
    won(bucket.election().campaign(TICK))
    lock = bucket.election().observe()
    assert lock is not None
    assert (lock.term, lock.holder, lock.tick, lock.started_at) == (2, "c3", TICK, TICK)


def test_observed_lock_shows_whether_it_has_lapsed(bucket: OneBucket) -> None:
    won(bucket.election().campaign())
    operator = bucket.election()
    fresh = operator.observe()
    bucket.pass_time(LAPSE)
    lapsed = operator.observe()
    assert fresh is not None
    assert lapsed is not None
    assert (operator.is_lapsed(fresh), operator.is_lapsed(lapsed)) == (False, True)


def test_history_is_newest_first_and_needs_a_limit(bucket: OneBucket) -> None:
    for _ in range(5):
        won(bucket.election().campaign()).resign("resigned")
    assert [lock.term for lock in bucket.election().history(limit=3)] == [5, 4, 3]
    with pytest.raises(InvalidArgument, match="got 0"):
        bucket.election().history(limit=0)


@pytest.mark.parametrize("before", [1, LAST_TERM + 1])
def test_history_may_begin_below_any_term_and_the_one_after_the_last(
    bucket: OneBucket, before: int
) -> None:
    won(bucket.election().campaign()).resign("resigned")
    assert bucket.election().history(before=before, limit=1) == []


@pytest.mark.parametrize("learn", ["observe", "depose"])
def test_what_an_operator_has_seen_of_the_highest_lock_need_not_be_read_again(
    bucket: OneBucket, learn: str
) -> None:
    bucket.prove_store()
    won(bucket.election().campaign()).resign("resigned")
    operator = bucket.election()
    if learn == "observe":
        operator.observe()
    else:
        won(bucket.election().campaign())
        operator.depose(reason="stuck", force=True)
    bucket.forget_requests()
    term = won(operator.campaign())
    assert bucket.asked() == [(Create, term.number)]


def test_an_election_has_a_name(bucket: OneBucket) -> None:
    assert bucket.election().name == "e"


def test_holder_at_work_is_deposed_only_by_force(bucket: OneBucket) -> None:
    won(bucket.election().campaign())
    with pytest.raises(StillHeld, match="c1"):
        bucket.election().depose(reason="stuck")
    lock = bucket.election().depose(reason="stuck", force=True)
    assert lock is not None
    assert (lock.outcome, lock.reason) == ("deposed", "stuck")
    assert bucket.election().depose(reason="stuck", force=True) is None


@pytest.mark.parametrize(
    "call",
    [
        lambda election: election.depose(reason=" "),
        lambda election: election.depose(reason="torn", done="none"),
        lambda election: election.campaign(wait=timedelta(seconds=-1)),
        lambda election: election.campaign("today"),
        lambda election: election.history(before=0),
        lambda election: election.history(before=LAST_TERM + 2),
    ],
    ids=[
        "no reason",
        "done without force",
        "negative wait",
        "bad tick",
        "before term 0",
        "beyond the last term",
    ],
)
def test_bad_argument_of_a_method_is_refused_before_anything_is_sent(
    bucket: OneBucket, call: Any
) -> None:
    with pytest.raises(InvalidArgument):
        call(bucket.election())
    assert bucket.store.requests == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"name": "a b"}, "a b"),
        ({"name": "e", "prefix": "x"}, "'x'"),
        ({"name": "e", "lease": timedelta(0)}, "0:00:00"),
        ({"name": "e", "max_attempts": 0}, "max_attempts is 0"),
    ],
)
def test_bad_argument_is_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        testing.election(**arguments)


def test_default_identities_and_nonces_never_repeat(bucket: OneBucket) -> None:
    names, nonces = set(), set()
    for number in range(1, 21):
        election = testing.election("e", store=bucket.store)
        names.add(election.config.candidate)
        won(election.campaign()).resign("resigned")
        nonces.add(bucket.body(number)["nonce"])
    assert (len(names), len(nonces)) == (20, 20)


@pytest.mark.parametrize(("lease_s", "timeout_s"), [(3, 0.5), (12, 2.0), (900, 5.0)])
def test_each_try_waits_for_a_fraction_of_the_lease(
    lease_s: int, timeout_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[timedelta] = []
    monkeypatch.setattr(
        "s3leader._io.lock_store.S3Store",
        lambda bucket, *, timeout, **_: given.append(timeout),
    )
    Election("e", bucket="locks", lease=timedelta(seconds=lease_s))
    assert given == [timedelta(seconds=timeout_s)]


def test_an_election_on_a_bucket_leads_and_continues(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    monkeypatch.setattr("s3leader._io.lock_store.S3Store", lambda *_, **__: store)
    election = Election("e", bucket="locks")
    won(election.campaign(TICK)).continue_later({"after": "a"})
    assert won(election.campaign(TICK)).state == {"after": "a"}
