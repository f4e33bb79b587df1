"""A term that is continued (R10), and a tick that an operator repeats."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from s3leader import Election, InvalidArgument, LeadershipLost, NotElected, Term
from s3leader._core.requests import Create, List, Read, Replace
from s3leader._io.memory_store import Fault
from s3leader.errors import TooManyContinuations
from tests.fast.s3leader.one_bucket import LAPSE, LATER, TICK, OneBucket


@pytest.fixture
def bucket() -> OneBucket:
    return OneBucket()


def lead(election: Election, **options: object) -> Term:
    term = election.campaign(options.pop("tick", TICK), **options)  # type: ignore[arg-type]
    assert isinstance(term, Term)
    return term


def continued(bucket: OneBucket, **options: Any) -> Election:
    """Return the election of a process that has just continued a tick."""
    election = bucket.election(**options)
    lead(election).continue_later({"after": "a"})
    return election


def requests_of(bucket: OneBucket, election: Election, tick: object) -> list[type]:
    before = len(bucket.store.requests)
    election.campaign(tick)  # type: ignore[arg-type]
    return [type(request) for request in bucket.store.requests[before:]]


# -------------------------------------------------------------------------------- the next leg


@pytest.mark.parametrize("warm", [True, False])
def test_next_leg_goes_on_at_once_with_the_checkpoint(bucket: OneBucket, *, warm: bool) -> None:
    first = continued(bucket)
    term = lead(first if warm else bucket.election())
    assert (term.leg, term.attempt, term.state) == (2, 1, {"after": "a"})


def test_tick_is_completed_by_its_last_leg(bucket: OneBucket) -> None:
    continued(bucket)
    with lead(bucket.election()):
        pass
    outcomes = [lock.outcome for lock in bucket.election().history()]
    assert (outcomes, bucket.election().campaign(TICK)) == (
        ["completed", "continued"],
        NotElected(reason="done", lock=bucket.election().observe(), requests=2),
    )


def test_hundred_legs_are_one_attempt(bucket: OneBucket) -> None:
    election = bucket.election(max_attempts=1)
    for leg in range(1, 100):
        term = lead(election)
        term.continue_later({"leg": leg})
    term = lead(election)
    assert (term.leg, term.attempt, term.state) == (100, 1, {"leg": 99})


def test_retry_of_a_failed_leg_keeps_its_number_and_counts_an_attempt(bucket: OneBucket) -> None:
    election = continued(bucket)
    lead(election).resign("failed")
    term = lead(bucket.election())
    assert (term.leg, term.attempt) == (2, 2)


def test_takeover_of_a_crashed_leg_keeps_its_number(bucket: OneBucket) -> None:
    lead(continued(bucket))
    bucket.ms += round(LAPSE.total_seconds() * 1000)
    assert lead(bucket.election()).leg == 2


@pytest.mark.parametrize(("warm", "expected"), [(True, [Create]), (False, [List, Read, Create])])
def test_requests_that_continue_ones_own_tick(
    bucket: OneBucket, *, warm: bool, expected: list[type]
) -> None:
    first = continued(bucket)
    assert requests_of(bucket, first if warm else bucket.election(), TICK) == expected


# ------------------------------------------------------------------------------- other ticks


@pytest.mark.parametrize("tick", [LATER, TICK - timedelta(hours=1), None])
def test_other_ticks_are_kept_out_until_the_lease_and_the_allowance_are_over(
    bucket: OneBucket, tick: object
) -> None:
    continued(bucket)
    found = bucket.election().campaign(tick)  # type: ignore[arg-type]
    assert isinstance(found, NotElected)
    assert found.reason == "held"
    bucket.ms += round(LAPSE.total_seconds() * 1000)
    assert lead(bucket.election(), tick=tick).leg == 1


@pytest.mark.parametrize(("warm", "expected"), [(True, [List]), (False, [List, Read])])
def test_requests_of_a_candidate_for_another_tick(
    bucket: OneBucket, *, warm: bool, expected: list[type]
) -> None:
    first = continued(bucket)
    assert requests_of(bucket, first if warm else bucket.election(), LATER) == expected


def test_warm_process_leads_another_tick_once_the_lease_of_its_own_lock_is_over(
    bucket: OneBucket,
) -> None:
    election = continued(bucket)
    bucket.ms += round(LAPSE.total_seconds() * 1000)
    assert lead(election, tick=LATER).tick == LATER


def test_candidate_for_another_tick_waits_until_the_lease_is_over(bucket: OneBucket) -> None:
    continued(bucket)
    assert lead(bucket.election(), tick=LATER, wait=timedelta(minutes=1)).number == 2


def test_last_completed_is_the_latest_tick_of_an_earlier_term(bucket: OneBucket) -> None:
    with lead(bucket.election()) as first:
        assert first.last_completed is None
    bucket.ms += 1
    assert lead(bucket.election(), tick=LATER).last_completed == TICK


# ------------------------------------------------------------------------- what may go wrong


def test_term_without_a_tick_cannot_be_continued(bucket: OneBucket) -> None:
    term = lead(bucket.election(), tick=None)
    with pytest.raises(InvalidArgument, match="expected a term with a tick"):
        term.continue_later()
    assert term.held


def test_state_that_cannot_be_saved_leaves_the_term_held(bucket: OneBucket) -> None:
    term = lead(bucket.election())
    with pytest.raises(InvalidArgument):
        term.continue_later({"x": object()})
    assert term.held


def test_runaway_is_sealed_as_failed_with_its_checkpoint(bucket: OneBucket) -> None:
    election = continued(bucket, max_continuations=1)
    term = lead(election)
    with pytest.raises(TooManyContinuations, match="leg 2 of its tick, and at most 1"):
        term.continue_later({"after": "b"})
    lock = bucket.election().observe()
    assert lock is not None
    assert (lock.outcome, lock.state) == ("failed", {"after": "b"})


def test_block_of_a_continued_term_does_not_resign_again(bucket: OneBucket) -> None:
    with lead(bucket.election()) as term:
        term.continue_later()
    with pytest.raises(LeadershipLost, match=r"it has resigned \(continued\)"):
        term.renew()
    assert term.outcome == "continued"


def test_lost_answer_to_the_seal_is_settled(bucket: OneBucket) -> None:
    term = lead(bucket.election())
    bucket.store.script(Fault.ANSWER_LOST, on=Replace)
    term.continue_later({"after": "a"})
    assert lead(bucket.election()).leg == 2


def test_deposed_leader_cannot_continue(bucket: OneBucket) -> None:
    term = lead(bucket.election())
    bucket.election().depose(reason="test", force=True)
    with pytest.raises(LeadershipLost):
        term.continue_later()


def test_time_left_has_no_limit_outside_an_invocation(bucket: OneBucket) -> None:
    assert lead(bucket.election()).time_left() == timedelta.max


# ---------------------------------------------------------------------------------- repeating


def completed(bucket: OneBucket, *ticks: object) -> Election:
    election = bucket.election(max_attempts=1)
    for tick in ticks:
        with lead(election, tick=tick):
            pass
    return election


def test_operator_repeats_a_completed_tick_and_the_history_says_why(bucket: OneBucket) -> None:
    with lead(completed(bucket, TICK), repeat="ops: wrong tariff"):
        pass
    newest = bucket.election().history(1)[0]
    assert (newest.repeat, newest.repeat_reason) == (True, "ops: wrong tariff")


def test_repeat_is_not_limited_by_attempts(bucket: OneBucket) -> None:
    election = bucket.election(max_attempts=1)
    lead(election).resign("failed")
    assert lead(election, repeat=True)


def test_repeat_of_an_early_tick_leaves_the_latest_one_done(bucket: OneBucket) -> None:
    election = completed(bucket, TICK, LATER)
    with lead(election, repeat=True):
        pass
    newest = election.observe()
    assert newest is not None
    assert (newest.tick, newest.done) == (TICK, LATER)


def test_continuation_of_a_repeated_tick_is_led_though_the_tick_is_done(bucket: OneBucket) -> None:
    election = completed(bucket, TICK)
    lead(election, repeat="ops").continue_later()
    term = lead(bucket.election(), repeat=True)
    assert (term.leg, term.lock.repeat_reason) == (2, "ops")


def test_other_candidates_do_not_repeat_a_tick(bucket: OneBucket) -> None:
    election = completed(bucket, TICK)
    lead(election, repeat=True).resign("failed")
    found = bucket.election().campaign(TICK)
    assert isinstance(found, NotElected)
    assert found.reason == "done"


def test_repeat_needs_a_tick(bucket: OneBucket) -> None:
    with pytest.raises(InvalidArgument, match="expected a tick with repeat"):
        bucket.election().campaign(repeat=True)


class TakenLock:
    """A thread lock that the parent of a fork has taken: to wait for it would never end."""

    def __enter__(self) -> None:
        raise AssertionError("a fork waits for a thread lock of its parent")

    def __exit__(self, *_: object) -> None:
        raise AssertionError("unreachable")


def test_fork_continues_nothing_and_waits_for_no_thread(
    bucket: OneBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    term = lead(bucket.election())
    monkeypatch.setattr(term, "_pid", -1)
    monkeypatch.setattr(term, "_writing", TakenLock())
    with pytest.raises(LeadershipLost, match="is a fork of that one"):
        term.continue_later()
    term.finish_continuing()
