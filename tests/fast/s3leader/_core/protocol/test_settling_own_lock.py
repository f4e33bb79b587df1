"""R5 for a holder's own writes: renewals and the seal, with answers lost on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from s3leader._core.candidate import LedgerHead
from s3leader._core.conditional_write import seal_other
from s3leader._core.holding import Holding, renew
from s3leader._core.requests import Answer, Replace, Wait, Waited
from s3leader.errors import LeadershipLost, StoreUnavailable
from tests.fast.s3leader._core.protocol.script import (
    HOUR_MS,
    LATENCY_MS,
    LEASE_MS,
    LOST,
    T0,
    TICK,
    Exchange,
    applied,
    at,
    completed,
    config,
    conflict,
    found,
    held,
    holding,
    known,
    mine,
    missing,
    pause,
    play,
    put,
    read,
    resigned,
)

FIRST = mine(5, "n0", tick=TICK, swept=4)
THEIRS = found(FIRST.seal(nonce="r", outcome="deposed", ended_at=None))
RENEWED = FIRST.renewed(nonce="n1", state={"a": 1})
RENEWAL = put(RENEWED, "E1")
SEALED = FIRST.seal(nonce="n1", outcome="completed", ended_at=at(-1000))
SEAL = completed(FIRST, ms=-1000)
IN_DOUBT = replace(holding(FIRST), unconfirmed_nonces=frozenset({"d"}))
LANDED = found(FIRST.renewed(nonce="d"), etag="E7")


def refused(write: Replace, *, second: bool) -> tuple[Exchange, ...]:
    """The first or the second try of `write` is answered 412."""
    before = ((write, LOST), pause(25)) if second else ()
    return (*before, (write, conflict()))


def renewed(*exchanges: Exchange, by: Holding | None = None, start_ms: int = 0) -> Holding:
    steps = renew(config(), by or holding(FIRST), {"a": 1})
    return play(steps, *exchanges, start_ms=start_ms)


@pytest.mark.parametrize(
    ("late_ms", "deadline_ms"),
    [(-1, 5_000 + LEASE_MS), (0, LEASE_MS), (20_000, LEASE_MS)],
    ids=["before", "at", "after"],
)
def test_renewal_known_before_the_deadline_moves_it_to_a_lease_after_the_send(
    late_ms: int, deadline_ms: int
) -> None:
    """Known later it does not, although the lock is good for a lease from then (R4)."""
    took_ms = LEASE_MS - 5_000 + late_ms
    answer = applied(T0 + 5_000, "E2")
    assert renewed((RENEWAL, answer, took_ms), start_ms=5_000) == Holding(
        lock=RENEWED,
        etag="E2",
        deadline_ms=deadline_ms,
        date_ms=T0 + 5_000,
        received_ms=5_000 + took_ms,
    )


@pytest.mark.parametrize("second", [False, True])
def test_renewal_that_was_applied_is_recognised_by_its_nonce(second: bool) -> None:  # noqa: FBT001 - parametrized
    answer = (read(5), found(RENEWAL.body, etag="E2"))
    result = renewed(*refused(RENEWAL, second=second), answer)
    assert (result.lock, result.etag, result.deadline_ms) == (RENEWED, "E2", LEASE_MS)


BODIES = [
    b"[]", b'"n1"', b"7", b"null", b"", b"\xff", b"[" * 100_000, b'{"nonce": 1}', b'{"nonce": []}',
]  # fmt: skip


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize(
    "answer",
    [THEIRS, missing(), *map(found, BODIES)],
    ids=["sealed", "deleted", *(repr(body[:15]) for body in BODIES)],
)
def test_renewal_of_a_lock_that_another_wrote_is_leadership_lost(
    answer: Answer,
    second: bool,  # noqa: FBT001 - parametrized
) -> None:
    with pytest.raises(LeadershipLost, match="term 5"):
        renewed(*refused(RENEWAL, second=second), (read(5), answer))


def test_server_that_refuses_the_etag_it_shows_leaves_a_write_unknown() -> None:
    """The caller has to learn that its checkpoint was not saved."""
    with pytest.raises(StoreUnavailable, match="its ETag is still"):
        renewed((RENEWAL, conflict()), (read(5), found(FIRST, etag="E1")))


@pytest.mark.parametrize(
    ("by", "shown"),
    [
        pytest.param(IN_DOUBT, LANDED, id="unknown renewal was applied"),
        pytest.param(holding(FIRST), found(FIRST, etag="E7"), id="copied in place"),
    ],
)
def test_renewal_continues_from_the_etag_of_an_earlier_write_of_its_own(
    by: Holding, shown: Answer
) -> None:
    again = (pause(25), (put(RENEWED, "E7"), applied(etag="E8")))
    result = renewed((RENEWAL, conflict()), (read(5), shown), *again, by=by)
    assert (result.etag, result.unconfirmed_nonces) == ("E8", frozenset())


def test_renewal_unknown_to_the_deadline_keeps_the_deadline_and_the_doubts() -> None:
    kept = renewed((RENEWAL, LOST, 500), by=IN_DOUBT, start_ms=LEASE_MS - 500)
    assert kept == replace(IN_DOUBT, unconfirmed_nonces=frozenset({"d", "n1"}))


@pytest.mark.parametrize("left_ms", [1, 2, 25])
def test_renewal_without_time_for_another_try_ends_just_after_the_deadline(left_ms: int) -> None:
    wait = (Wait(left_ms + 1, left_ms + 1), Waited())
    kept = renewed((RENEWAL, LOST), wait, start_ms=LEASE_MS - LATENCY_MS - left_ms)
    assert kept == replace(holding(FIRST), unconfirmed_nonces=frozenset({"n1"}))


@pytest.mark.parametrize(("left_ms", "longest_ms"), [(26, 25), (40, 39), (50, 49), (51, 50)])
def test_last_pause_of_a_renewal_ends_before_the_deadline(left_ms: int, longest_ms: int) -> None:
    tries = ((RENEWAL, LOST), pause(25, longest_ms), (RENEWAL, LOST, left_ms - longest_ms))
    kept = renewed(*tries, start_ms=LEASE_MS - LATENCY_MS - left_ms)
    assert kept == replace(holding(FIRST), unconfirmed_nonces=frozenset({"n1"}))


def test_seal_is_remembered_as_the_highest_lock_of_that_moment() -> None:
    sealed = FIRST.seal(nonce="n1", outcome="completed", ended_at=at(0))
    answer = applied(T0 + 2_000, "E2")
    head = resigned(holding(FIRST), (completed(FIRST), answer), now_ms=1_000).head
    assert head == LedgerHead(
        lock=sealed, etag="E2", proved_highest_at_ms=T0 + 2_000, observed_ms=1_000
    )


@pytest.mark.parametrize("second", [False, True])
def test_seal_that_was_applied_is_recognised_and_dated_when_it_was_applied(second: bool) -> None:  # noqa: FBT001 - parametrized
    answer = found(SEAL.body, at=T0 + HOUR_MS, age_ms=HOUR_MS - 2_000, etag="E2")
    head = resigned(holding(FIRST), *refused(SEAL, second=second), (read(5), answer, HOUR_MS)).head
    assert (head.lock, head.etag, head.proved_highest_at_ms) == (SEALED, "E2", T0 + 2_000)


def test_seal_continues_from_an_unknown_renewal_that_was_applied() -> None:
    again = (pause(25), (put(SEALED, "E7"), applied()))
    assert resigned(IN_DOUBT, (SEAL, conflict()), (read(5), LANDED), *again).head.lock == SEALED


@pytest.mark.parametrize("by", [holding(FIRST), IN_DOUBT], ids=["sure", "in doubt"])
@pytest.mark.parametrize("answer", [THEIRS, found(held(5))], ids=["sealed", "held"])
def test_seal_after_another_writer_is_leadership_lost(by: Holding, answer: Answer) -> None:
    with pytest.raises(LeadershipLost, match=r"an operator deposed it|another process wrote"):
        resigned(by, *refused(SEAL, second=True), (read(5), answer))


def test_resignation_past_the_deadline_counts_if_no_other_candidate_sealed_the_lock() -> None:
    late_ms = LEASE_MS + 60_000
    seal = completed(FIRST, ms=late_ms - 1000)
    head = resigned(holding(FIRST), (seal, applied()), now_ms=late_ms).head
    assert head.lock is not None
    assert head.lock.is_done(TICK)


def test_resignation_past_the_deadline_is_leadership_lost_if_another_sealed_the_lock() -> None:
    seal = completed(FIRST, ms=LEASE_MS - 1000)
    with pytest.raises(LeadershipLost):
        resigned(holding(FIRST), (seal, conflict()), (read(5), THEIRS), now_ms=LEASE_MS)


def test_seal_unknown_for_a_lease_is_store_unavailable() -> None:
    with pytest.raises(StoreUnavailable):
        resigned(holding(FIRST), (SEAL, LOST, LEASE_MS - 51), pause(25), (SEAL, LOST, 1))


@pytest.mark.parametrize("seen", [known(None), known(held(4))], ids=["none", "not read"])
def test_only_a_lock_that_was_read_can_be_deposed(seen: LedgerHead) -> None:
    with pytest.raises(TypeError, match="only a lock that was read"):
        next(seal_other(config(), seen, "why"))


def test_only_written_nonces_are_a_holders_own() -> None:
    lock = mine(5, None, swept=4)  # type: ignore[arg-type]
    assert replace(IN_DOUBT, lock=lock).own_nonces == {"d"}
